/**
 * The hooks before a commit and before a push: put where git, husky or lefthook looks for it, beside whatever is there; taken out again without a trace; and asked
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
import {
  chainedName,
  type HookName,
  hookAt,
  HOOKS,
  hookScript,
  isHookScript,
  launcherOf,
  programOf,
  shellQuote,
} from './hook-script.ts';
import {
  commandByHand,
  hasCommand,
  hasLefthook,
  isLefthookHook,
  lefthookFile,
  withCommand,
  withoutCommand,
} from './lefthook.ts';
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
  /** Why it does not stop a commit or a push, or null when it does. */
  readonly problem: string | null;
}

export interface InstallResult {
  readonly places: readonly (Place & { readonly changed: boolean })[];
  /** The hook that was there before and runs as well. */
  readonly chained: string | null;
}

/** Where the hook has to be to be run. */
export function placesOf(repository: Repository, hook: HookName): Place[] {
  const { top, hooks } = repository;
  const own: Place = { way: 'script', runBy: 'git', path: join(hooks, hook) };
  if (isHuskyFolder(hooks))
    return [{ way: 'shared script', runBy: 'husky', path: join(dirname(hooks), hook) }];
  if (hooksAreShared(repository)) return [{ ...own, way: 'shared script' }];
  if (!hasLefthook(top)) return [own];
  const lefthook: Place = { way: 'lefthook', runBy: 'lefthook', path: join(top, lefthookFile(top)) };
  // Where lefthook is set up but not installed, git would run nothing.
  return isLefthookHook(readText(own.path) ?? '') ? [lefthook] : [lefthook, own];
}

/** Throws `conflict` where something is in the way; then nothing was changed at that place. */
export function installHook(
  repository: Repository,
  program: readonly string[],
  hook: HookName,
): InstallResult {
  const launcher = join(repository.gitFolder, launcherOf(hook));
  const places = placesOf(repository, hook);
  if (places.some(({ way }) => way !== 'script')) {
    const text = hookScript({ hook, program, chain: false, madeFolder: false });
    if (readText(launcher) !== text || !isExecutable(launcher)) writeWhole(launcher, text, 0o755);
  }
  for (const { path, way } of places) if (way !== 'script') refuseLink(path, repository.top);
  const done = places.map((place) => {
    const { way, runBy, path } = place;
    return { way, runBy, path, changed: installAt(place, launcher, program) };
  });
  const beside = join(repository.hooks, chainedName(hook));
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
  const hook = hookAt(launcher);
  if (isLink(path))
    throw new SallyportError('conflict', `${path} is a link`, { fix: 'put a file in its place' });
  const old = readText(path) ?? '';
  const text = /\.ya?ml$/.test(path) ? withCommand(old, run, hook) : null;
  if (text === null) {
    throw new SallyportError('conflict', `${path} is of a form that is better changed by hand`, {
      fix: `add this to it: ${commandByHand(run, hook)}`,
    });
  }
  if (text === old) return false;
  writeWhole(path, text, 0o644);
  return true;
}

/** Takes the hooks out of every place that they can be in, also of those that git has stopped to look at. Returns the paths. */
export function uninstallHooks(repository: Repository): string[] {
  return HOOKS.flatMap((hook) => uninstallHook(repository, hook));
}

function uninstallHook({ gitFolder, hooks, top }: Repository, hook: HookName): string[] {
  const paths: string[] = [];
  for (const path of new Set([join(hooks, hook), join(gitFolder, 'hooks', hook)])) {
    if (removeScript(path)) paths.push(path);
  }
  const shared = [join(hooks, hook), join(dirname(hooks), hook), join(top, '.husky', hook)];
  for (const path of new Set(shared))
    if (isThere(path) && isInside(path, top) && removeBlock(path)) paths.push(path);
  const settings = join(top, lefthookFile(top));
  if (removeCommand(settings, hook)) paths.push(settings);
  const launcher = join(gitFolder, launcherOf(hook));
  if (isThere(launcher)) {
    removeIfThere(launcher);
    if (readdirSync(dirname(launcher)).length === 0) rmdirSync(dirname(launcher));
    paths.push(launcher);
  }
  return paths;
}

function removeCommand(path: string, hook: HookName): boolean {
  const text = isLink(path) ? null : readText(path);
  if (text === null || !hasCommand(text, hook)) return false;
  const rest = withoutCommand(text, hook);
  if (rest === '') unlinkSync(path);
  else writeWhole(path, rest, 0o644);
  return true;
}

/** Whether it was installed on this machine, whatever became of it. */
export function isInstalled(repository: Repository, hook: HookName): boolean {
  const { gitFolder, hooks } = repository;
  return isThere(join(gitFolder, launcherOf(hook))) || isHookScript(readText(join(hooks, hook)) ?? '');
}

/** The places where the hook has to be, and whether it stops a commit there. */
export function hookStates(repository: Repository, hook: HookName): PlaceState[] {
  return placesOf(repository, hook).map((place) => {
    const { way, runBy, path } = place;
    return { way, runBy, path, problem: problemOf(place, repository, hook) };
  });
}

function problemOf(
  { way, runBy, path }: Place,
  { hooks, gitFolder }: Repository,
  hook: HookName,
): string | null {
  const launcher = join(gitFolder, launcherOf(hook));
  if (way === 'script') {
    const text = readText(path);
    if (text === null) return 'not installed';
    return isHookScript(text) ? scriptProblem(path) : 'another hook is there, and ours is not';
  }
  if (way === 'lefthook') {
    if (!hasCommand(readText(path) ?? '', hook)) return 'not installed';
    if (!isLefthookHook(readText(join(hooks, hook)) ?? '')) return 'lefthook itself is not installed';
    return scriptProblem(launcher);
  }
  if (!hasBlock(path)) return 'not installed';
  const started = runBy === 'husky' ? join(hooks, hook) : path;
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
