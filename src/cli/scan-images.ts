/** What `scan --images` needs, asked for and installed at the first use: nobody gets it who does not want it. */
import { SallyportError } from '../core/errors.ts';
import { describeInstall, installOcr, ocrFiles, type OcrFiles } from '../scan/formats/ocr-files.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

/** Throws `input.invalid` where it is missing and nobody agrees, `scan.incomplete` when it cannot be installed. */
export async function imagesFor(yes: boolean, io: Io, ours?: string): Promise<OcrFiles> {
  const files = ocrFiles(io.env, ours);
  if (files) return files;
  const what = describeInstall(io.env);
  if (!yes && !(await agreed(what, io))) {
    throw new SallyportError('input.invalid', 'what reads pictures is not installed', {
      fix: `sallyport scan --images --yes ... installs ${what}, once; after that nothing is fetched`,
    });
  }
  note(io, `installing ${what}, once`);
  return installOcr(io.env, ours);
}

async function agreed(what: string, io: Io): Promise<boolean> {
  if (!io.stdinIsTerminal || !io.stderrIsTerminal) return false;
  const answer = await io.readLine(`To read pictures, install ${what}? [y/N] `);
  return /^y(?:es)?$/i.test(answer.trim());
}
