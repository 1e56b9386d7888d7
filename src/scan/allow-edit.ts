/** Changes a repository's file of allowances. Two changes at once cannot lose one of them, and nobody ever reads half a file. */
import { closeSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../core/private-file.ts';
import { SallyportError } from '../core/errors.ts';
import { ALLOW_FILE } from './allow-file.ts';
import { readAllowFile } from './allowances.ts';
import { type GitOptions, runGit } from './git.ts';
import { isLink, readText, writeWhole } from './hook-file.ts';

/** Lets git keep the lines of both sides where two branches add lines at the same place. */
export const ATTRIBUTE = `/${ALLOW_FILE} merge=union`;

/** `change` gets the whole text, empty where there is no file. Returns whether it is another now. Throws `conflict` while another changes it. */
export function changeAllowFile(top: string, change: (text: string) => string): boolean {
  const path = join(top, ALLOW_FILE);
  const lock = `${path}.lock`;
  const file = takeLock(lock);
  let mine = true;
  try {
    const old = readAllowFile(path) ?? '';
    const text = change(old);
    if (text === old) return false;
    writeFileSync(file, text);
    renameSync(lock, path);
    mine = false;
    return true;
  } catch (error) {
    throw error instanceof SallyportError ? error : notWritten(path, error);
  } finally {
    closeSync(file);
    // Renamed, it is gone; what has the name by now is another's.
    if (mine) unlinkSync(lock);
  }
}

function notWritten(path: string, error: unknown): SallyportError {
  return new SallyportError('store.unavailable', `${path} cannot be written (${codeOf(error)})`, {
    fix: 'check the folder, its permissions and the space on its disk',
    cause: error,
  });
}

function takeLock(lock: string): number {
  try {
    return openSync(lock, 'wx', 0o644);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      throw new SallyportError('conflict', `${lock} is there: another command changes the file`, {
        fix: 'try again; if nothing else runs, delete it',
      });
    }
    throw notWritten(lock, error);
  }
}

/** Adds the attribute unless git goes by one already, or .gitattributes is a link. Returns whether it did. */
export async function addAttribute(top: string, options: GitOptions): Promise<boolean> {
  const { code, out } = await runGit(['check-attr', '-z', 'merge', '--', ALLOW_FILE], {
    ...options,
    cwd: top,
  });
  if (code !== 0 || out.toString().split('\0')[2] !== 'unspecified') return false;
  const path = join(top, '.gitattributes');
  if (isLink(path)) return false;
  const old = readText(path, 'latin1') ?? '';
  const eol = old.includes('\r\n') ? '\r\n' : '\n';
  writeWhole(path, `${old}${old === '' || old.endsWith('\n') ? '' : eol}${ATTRIBUTE}${eol}`, 0o644, 'latin1');
  return true;
}
