/** Hooks as files: read, put in place and taken out, so that what was there before comes back as it was. */
import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { codeOf } from '../core/private-file.ts';
import { SallyportError } from '../core/errors.ts';
import {
  chainedName,
  hookAt,
  type HookOptions,
  hookScript,
  isHookScript,
  launcherOf,
  madeItsFile,
  madeItsFolder,
  sharedBlock,
} from './hook-script.ts';
import { readBlock } from './marked-block.ts';

const EXECUTABLE = 0o755;

/** The text of a file; null when there is none. As `latin1`, every byte of it comes back when it is written. */
export function readText(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): string | null {
  try {
    return readFileSync(path, encoding);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw failed(path, error);
  }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Replaces or makes a file in one step, so that no other ever sees a part of it. */
export function writeWhole(
  path: string,
  text: string,
  mode: number,
  encoding: 'utf8' | 'latin1' = 'utf8',
): void {
  const next = `${path}.sallyport-${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(next, text, { mode, flag: 'wx', encoding });
    chmodSync(next, mode);
    renameSync(next, path);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') removeIfThere(next);
    throw failed(path, error);
  }
}

/** Puts our script at `path`; a hook that is there is kept beside it and run behind it. Returns whether anything changed. */
export function installScript(path: string, program: HookOptions['program']): boolean {
  const beside = join(dirname(path), chainedName(hookAt(path)));
  const old = isThere(path) ? readText(path) : null;
  if (old !== null && isHookScript(old)) {
    const text = hookScript({
      hook: hookAt(path),
      program,
      chain: isThere(beside),
      madeFolder: madeItsFolder(old),
    });
    if (text === old && isExecutable(path)) return false;
    writeWhole(path, text, EXECUTABLE);
    return true;
  }
  const chain = isThere(path);
  if (isThere(beside)) {
    throw new SallyportError('conflict', `${beside} is there, but ${path} is not ours`, {
      fix: 'see what the first is; move it away, or back to the second, then try again',
    });
  }
  const madeFolder = !isThere(dirname(path));
  if (chain) renameSync(path, beside);
  try {
    writeWhole(path, hookScript({ hook: hookAt(path), program, chain, madeFolder }), EXECUTABLE);
  } catch (error) {
    if (chain) renameSync(beside, path);
    throw error;
  }
  return true;
}

/** Undoes `installScript`. False when no script of ours is there. */
export function removeScript(path: string): boolean {
  const text = readText(path);
  if (text === null || !isHookScript(text)) return false;
  const beside = join(dirname(path), chainedName(hookAt(path)));
  // Over ours in one step: at no time is there no hook.
  if (isThere(beside)) renameSync(beside, path);
  else unlinkSync(path);
  if (madeItsFolder(text) && readdirSync(dirname(path)).length === 0) rmdirSync(dirname(path));
  return true;
}

const FIRST_LINE = '#!/bin/sh\n';
/** A line behind which our lines go: an old husky script runs itself again from there. */
const HUSKY_START =
  /^(?:#![^\n]*\n)?(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*(?:\.|source)[ \t][^\n]*husky\.sh[^\n]*\n/;
const SHELL = /^(?!#!)|^#![^\n]*\b(?:sh|bash|dash|zsh|ksh|ash)\b/;

/** Puts our lines at the start of a shell script that people share. Returns whether anything changed. */
export function installBlock(path: string): boolean {
  const old = readText(path, 'latin1');
  if (old === null) {
    writeWhole(path, FIRST_LINE + sharedBlock(hookAt(path), '\n', true), EXECUTABLE);
    return true;
  }
  const text = withBlock(path, old);
  if (text === old) return false;
  rewrite(path, text);
  return true;
}

function withBlock(path: string, old: string): string {
  if (!SHELL.test(old)) {
    throw new SallyportError(
      'conflict',
      `${path} is no shell script, and it is one of the files that people share`,
      {
        fix: `let it run "$(git rev-parse --git-common-dir)/${launcherOf(hookAt(path))}", and end with its exit code`,
      },
    );
  }
  const eol = old.includes('\r\n') ? '\r\n' : '\n';
  const { before, block, behind } = readBlock(old);
  if (block !== null) return before + sharedBlock(hookAt(path), eol, madeItsFile(block)) + behind;
  const start = (HUSKY_START.exec(old) ?? /^#![^\n]*\n/.exec(old))?.[0] ?? '';
  if (start === '' && old.startsWith('#!')) {
    throw new SallyportError('conflict', `${path} has one line only, and it does not end`, {
      fix: 'end it with a line break',
    });
  }
  return start + sharedBlock(hookAt(path), eol, false) + old.slice(start.length);
}

/** Undoes `installBlock`. False when there are no lines of ours. */
export function removeBlock(path: string): boolean {
  const text = readText(path, 'latin1');
  const { before, block, behind } = readBlock(text ?? '');
  if (block === null) return false;
  if (madeItsFile(block) && before + behind === FIRST_LINE) unlinkSync(realpathSync(path));
  else rewrite(path, before + behind);
  return true;
}

export function hasBlock(path: string): boolean {
  return readBlock(readText(path, 'latin1') ?? '').block !== null;
}

/** Behind a link its target, with the same mode. */
function rewrite(path: string, text: string): void {
  const real = realpathSync(path);
  writeWhole(real, text, statSync(real).mode & 0o777, 'latin1');
}

/** Also a link that leads nowhere. */
export function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

export function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

export function removeIfThere(path: string): void {
  if (isThere(path)) unlinkSync(path);
}

function failed(path: string, error: unknown): SallyportError {
  return new SallyportError('store.unavailable', `${path} cannot be read or written (${codeOf(error)})`, {
    fix: 'check the folder and its permissions',
    cause: error,
  });
}
