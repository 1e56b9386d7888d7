/** Which allowances hold for a scan, and what is said of those that nothing came of. */
import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ALLOW_FILE, type AllowLine } from '../scan/allow-file.ts';
import { type Allowances, AllowStage } from '../scan/allow-stage.ts';
import { loadAllowances } from '../scan/allowances.ts';
import type { StageMaker } from '../scan/sink.ts';
import type { Io } from './io.ts';
import type { Source } from './scan-source.ts';

const MOST_UNUSED = 10;

/** Throws `config.invalid` where the file of allowances is malformed. */
export async function allowStageOf(
  source: Source,
  io: Io,
  note: (text: string) => void,
): Promise<StageMaker> {
  const cwd = folderOf(source, io.cwd);
  const nowMs = io.wallMs();
  const { allowances: from = { by: 'files' } } = source;
  const place = typeof from === 'function' ? from() : from;
  const allowances = await loadAllowances(place, { cwd, env: io.env }, nowMs);
  const whole = wholeOf(source, cwd, allowances);
  const unused = (lines: readonly AllowLine[]): void => {
    for (const text of whole === null ? [] : unusedNotes(lines, whole)) note(text);
  };
  return (next) => new AllowStage(next, allowances, { nowMs, unused });
}

/** What a scan sees all of, so that a line that nothing came of can be told; null for those that see a part. */
function wholeOf({ kind, paths = [] }: Source, cwd: string, { top }: Allowances): string | null {
  if (kind === 'history') return 'the history';
  const isWhole = kind === 'paths' && paths.length === 0 && top !== undefined;
  return isWhole && realpathSync(top) === realpathSync(cwd) ? 'the files' : null;
}

/** The folder whose repository's allowances hold: that of the first path that was named, else the current one. */
function folderOf({ paths: [first] = [] }: Source, cwd: string): string {
  if (first === undefined) return cwd;
  const path = resolve(cwd, first);
  try {
    return statSync(path).isDirectory() ? path : dirname(path);
  } catch {
    // That it cannot be read, the scan says.
    return cwd;
  }
}

function unusedNotes(lines: readonly AllowLine[], where: string): string[] {
  const shown = lines
    .slice(0, MOST_UNUSED)
    .map(
      ({ number, rule, reason, until }) =>
        `${ALLOW_FILE}, line ${number}, allows nothing that is in ${where}: ${rule} until ${until}, ${reason}`,
    );
  const more = lines.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`${ALLOW_FILE}: ${more} more lines allow nothing that is in ${where}`] : []),
    ...(where === 'the files' ? ['the history may still need them: sallyport scan --history'] : []),
  ];
}
