/**
 * The pre-commit hook: put where git, husky or lefthook looks for it, beside whatever is there; taken out again without a trace; and asked
 * whether it is in force. A hook that git would not run is never called installed.
 */
import { existsSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import {
  hasBlock,
  installBlock,
  installScript,
  isExecutable,
  isLink,
  isThere,
  readText,
  removeBlock,
  removeIfThere,
  removeScript,
  writeWhole,
} from './hook-file.ts';
import { CHAINED, hookScript, isHookScript, LAUNCHER, programOf, shellQuote } from './hook-script.ts';
import {
  commandByHand,
  hasLefthook,
  isLefthookHook,
  lefthookFile,
  withCommand,
  withoutCommand,
} from './lefthook.ts';
import { readBlock } from './marked-block.ts';
import { hooksAreShared, isHuskyFolder, isInside, type Repository } from './repository.ts';

/**
 * Where a hook of ours can be: a script of its own in git's folder of hooks, lines in a script that people share (`git` or `husky` runs it),
 * or a command in one's own settings of lefthook.
 */
export interface Place {
  readonly way: 'script' | 'shared script' | 'lefthook';
  readonly runBy: 'git' | 'husky' | 'lefthook';
  readonly path: string;
}

export interface PlaceState extends Place {
  /** Why it does not stop a commit, or null when it does. */
  readonly problem: string | null;
}

export interface InstallResult {
  readonly places: readonly (Place & { readonly changed: boolean })[];
  /** The hook that was there before and runs as well. */
  readonly chained: string | null;
}

const HOOK = 'pre-commit';

/** Where the hook has to be to be run. */
export function placesOf(repository: Repository): Place[] {
  const { top, hooks } = repository;
  const own: Place = { way: 'script', runBy: 'git', path: join(hooks, HOOK) };
  if (isHuskyFolder(hooks))
    return [{ way: 'shared script', runBy: 'husky', path: join(dirname(hooks), HOOK) }];
  if (hooksAreShared(repository)) return [{ ...own, way: 'shared script' }];
  if (!hasLefthook(top)) return [own];
  const lefthook: Place = { way: 'lefthook', runBy: 'lefthook', path: join(top, lefthookFile(top)) };
  // Where lefthook is set up but not installed, git would run nothing.
  return isLefthookHook(readText(own.path) ?? '') ? [lefthook] : [lefthook, own];
}

/** Throws `conflict` where something is in the way; then nothing was changed at that place. */
export function installHook(repository: Repository, program: readonly string[]): InstallResult {
  const launcher = join(repository.gitFolder, LAUNCHER);
  const places = placesOf(repository);
  if (places.some(({ way }) => way !== 'script')) {
    const text = hookScript({ program, chain: false, madeFolder: false });
    if (readText(launcher) !== text || !isExecutable(launcher)) writeWhole(launcher, text, 0o755);
  }
  for (const { path, way } of places) if (way !== 'script') refuseLink(path, repository.top);
  const done = places.map((place) => {
    const { way, runBy, path } = place;
    return { way, runBy, path, changed: installAt(place, launcher, program) };
  });
  const beside = join(repository.hooks, CHAINED);
  return { places: done, chained: isThere(beside) ? beside : null };
}

/** A link among the files of a repository may lead to any file of the user. */
function refuseLink(path: string, top: string): void {
  if (!isThere(path) || (existsSync(path) && isInside(path, top))) return;
  throw new SallyportError('conflict', `${path} is a link that leads out of the work tree, or nowhere`, {
    fix: 'put a file in its place',
  });
}

function installAt({ way, path }: Place, launcher: string, program: readonly string[]): boolean {
  if (way === 'script') return installScript(path, program);
  if (way === 'shared script') return installBlock(path);
  const run = shellQuote(launcher);
  if (isLink(path))
    throw new SallyportError('conflict', `${path} is a link`, { fix: 'put a file in its place' });
  const old = readText(path) ?? '';
  const text = /\.ya?ml$/.test(path) ? withCommand(old, run) : null;
  if (text === null) {
    throw new SallyportError('conflict', `${path} is of a form that is better changed by hand`, {
      fix: `add this to it: ${commandByHand(run)}`,
    });
  }
  if (text === old) return false;
  writeWhole(path, text, 0o644);
  return true;
}

/** Takes the hook out of every place that it can be in, also of those that git has stopped to look at. Returns the paths. */
export function uninstallHook(repository: Repository): string[] {
  const { gitFolder, hooks, top } = repository;
  const paths: string[] = [];
  for (const path of new Set([join(hooks, HOOK), join(gitFolder, 'hooks', HOOK)])) {
    if (removeScript(path)) paths.push(path);
  }
  const shared = [join(hooks, HOOK), join(dirname(hooks), HOOK), join(top, '.husky', HOOK)];
  for (const path of new Set(shared))
    if (isThere(path) && isInside(path, top) && removeBlock(path)) paths.push(path);
  const settings = join(top, lefthookFile(top));
  if (removeCommand(settings)) paths.push(settings);
  const launcher = join(gitFolder, LAUNCHER);
  if (isThere(launcher)) {
    removeIfThere(launcher);
    if (readdirSync(dirname(launcher)).length === 0) rmdirSync(dirname(launcher));
    paths.push(launcher);
  }
  return paths;
}

function removeCommand(path: string): boolean {
  const text = isLink(path) ? null : readText(path);
  if (text === null || readBlock(text).block === null) return false;
  const rest = withoutCommand(text);
  if (rest === '') unlinkSync(path);
  else writeWhole(path, rest, 0o644);
  return true;
}

/** The places where the hook has to be, and whether it stops a commit there. */
export function hookStates(repository: Repository): PlaceState[] {
  return placesOf(repository).map((place) => {
    const { way, runBy, path } = place;
    return { way, runBy, path, problem: problemOf(place, repository) };
  });
}

function problemOf({ way, runBy, path }: Place, { hooks, gitFolder }: Repository): string | null {
  const launcher = join(gitFolder, LAUNCHER);
  if (way === 'script') {
    const text = readText(path);
    if (text === null) return 'not installed';
    return isHookScript(text) ? scriptProblem(path) : 'another hook is there, and ours is not';
  }
  if (way === 'lefthook') {
    if (readBlock(readText(path) ?? '').block === null) return 'not installed';
    if (!isLefthookHook(readText(join(hooks, HOOK)) ?? '')) return 'lefthook itself is not installed';
    return scriptProblem(launcher);
  }
  if (!hasBlock(path)) return 'not installed';
  const started = runBy === 'husky' ? join(hooks, HOOK) : path;
  if (!isExecutable(started)) return `${started} is not executable, so git does not run it`;
  return scriptProblem(launcher);
}

function scriptProblem(path: string): string | null {
  const text = readText(path);
  if (text === null) return `${path} is missing: run sallyport hook install on this machine`;
  if (!isExecutable(path)) return `${path} is not executable, so it is not run`;
  const missing = (programOf(text) ?? [''])
    .filter((word) => !word.startsWith('-'))
    .find((word) => !existsSync(word));
  return missing === undefined ? null : `it starts ${missing}, which is gone: run sallyport hook install`;
}
