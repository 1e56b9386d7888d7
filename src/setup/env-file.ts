/**
 * Puts a token into a `.env` file: mode 0600, after git has said that it ignores the file, in one step, so that neither a crash nor a full
 * disk leaves half of it. Never through a link, never into a file that git tracks or would take.
 */
import { lstatSync, realpathSync, renameSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { randomBase62 } from '../core/ids.ts';
import { codeOf, readPublicFile, syncFolder, writePrivateFile } from '../core/private-file.ts';
import type { GitOptions } from '../scan/git.ts';
import { type EnvVariables, inTheWay, setVariables } from './env-text.ts';
import { type Ignored, ignoredBy } from './ignored.ts';
import { shellWord } from './shell.ts';

const MAX_BYTES = 1_048_576;

type MayReplace = (value: string) => boolean;

export interface EnvFile {
  readonly path: string;
  /** Outside of a repository nothing is ignored, and nothing committed. */
  readonly inRepository: boolean;
  /** Throws `conflict` when a variable has another value that `mayReplace` does not give up. Null is a value that is not known yet. */
  check(variables: Readonly<Record<string, string | null>>, mayReplace: MayReplace): void;
  /** Sets variables; others stay. Throws likewise. */
  write(variables: EnvVariables, mayReplace: MayReplace): void;
}

/** Checks all that can be checked before there is a token. Throws `config.invalid` with the way out, or `scan.incomplete`. */
export async function openEnvFile(file: string, { cwd, env }: GitOptions): Promise<EnvFile> {
  const given = resolve(cwd, file);
  const path = join(realFolder(dirname(given)), basename(given));
  checkKind(path);
  const ignored = await ignoredBy(dirname(path), basename(path), env);
  refuseCommitted(path, ignored);
  // What is half written must not lie where the next `git add` finds it under a name that nothing ignores.
  const scratch = ignored.state === 'no-repository' ? dirname(path) : ignored.gitFolder;
  const check: EnvFile['check'] = (variables, mayReplace) => {
    const names = inTheWay(readText(path), variables, mayReplace);
    if (names.length > 0) throw taken(path, names);
  };
  return {
    path,
    inRepository: ignored.state !== 'no-repository',
    check,
    write: (variables, mayReplace) => {
      checkKind(path);
      check(variables, mayReplace);
      replaceFile(path, setVariables(readText(path), variables), scratch);
    },
  };
}

function replaceFile(path: string, text: string, scratch: string): void {
  const temporary = join(scratch, `sallyport-${randomBase62(16)}.tmp`);
  const remove = writePrivateFile(temporary, Buffer.from(text));
  try {
    renameSync(temporary, path);
  } catch (error) {
    remove();
    throw new SallyportError('store.unavailable', `${path} cannot be written (${codeOf(error)}).`, {
      fix: 'Check the folder, its permissions and the space on its disk.',
      cause: error,
    });
  }
  syncFolder(dirname(path));
}

function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    throw new SallyportError('config.invalid', `There is no folder ${folder}.`, { fix: 'Make it first.' });
  }
}

function checkKind(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats) return;
  if (!stats.isFile()) {
    throw new SallyportError('config.invalid', `${path} is no regular file.`, {
      fix: 'A token is not written through a link. Name the file itself with --file.',
    });
  }
  const user = process.getuid?.() ?? stats.uid;
  if (stats.uid === user) return;
  throw new SallyportError('config.invalid', `${path} belongs to another user.`, {
    fix: 'Name a file of your own with --file.',
  });
}

function readText(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (!stats || stats.size === 0) return '';
  const bytes = readPublicFile(path, 'the file', MAX_BYTES);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SallyportError('config.invalid', `${path} is no text.`, { fix: 'Name another file.' });
  } finally {
    bytes.fill(0);
  }
}

function refuseCommitted(path: string, { state }: Ignored): void {
  const name = basename(path);
  if (state === 'tracked') {
    throw new SallyportError('config.invalid', `Git tracks ${name}, so a token in it would be committed.`, {
      fix: `Take it out, and rotate what it held: git rm --cached ${shellWord(name)}; then add it to .gitignore`,
    });
  }
  if (state === 'open') {
    throw new SallyportError('config.invalid', `Git does not ignore ${name}, so it could be committed.`, {
      fix: `Add it to .gitignore first: echo ${shellWord(name)} >> .gitignore`,
    });
  }
}

function taken(path: string, names: readonly string[]): SallyportError {
  const [first = ''] = names;
  return new SallyportError('conflict', `${names.join(' and ')} in ${path} has another value already.`, {
    fix: `Nothing was changed. If ${first} holds a provider's key, seal it first (sallyport key add); then --replace.`,
  });
}
