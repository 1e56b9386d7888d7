/** What `scan` is asked to look at. What a git hook does not need is loaded when it is asked for. */
import { SallyportError } from '../core/errors.ts';
import type { AllowPlace } from '../scan/allowances.ts';
import type { Look } from '../scan/content.ts';
import type { SourceKind } from '../scan/remedy.ts';
import type { Sink } from '../scan/sink.ts';
import { scanStaged } from '../scan/staged.ts';
import { PUSH_REMOTE } from '../scan/hook-script.ts';
import { parseRange } from '../scan/range/revisions.ts';
import type { Io } from './io.ts';

const MOST_REF_BYTES = 16 * 1024 * 1024;

export interface Source {
  /** For a sentence: `no secret in the staged changes`. */
  readonly what: string;
  /** What people are told to do depends on it. */
  readonly kind: SourceKind;
  /** Where allowances hold from; if not said, the file in the work tree. */
  readonly allowances?: AllowPlace | (() => AllowPlace);
  /** What was named of files and folders. */
  readonly paths?: readonly string[];
  /** Throws for wrong usage; what cannot be scanned is told to the sink. */
  readonly scan: (sink: Sink) => Promise<void>;
}

export interface SourceChoice extends Look {
  readonly staged: boolean;
  readonly stdin: boolean;
  readonly history: boolean;
  readonly bundle: boolean;
  readonly 'no-cache': boolean;
  readonly 'no-progress': boolean;
  readonly range: string | undefined;
  readonly push: boolean;
  readonly 'pre-commit': boolean;
  /** What is pushed, where standard input does not say it. */
  readonly branch?: string;
  /** Files and folders. */
  readonly paths: readonly string[];
  readonly 'all-files': boolean;
}

/** Without any other source the current folder. Throws `input.invalid` for several. */
export function sourceOf(choice: SourceChoice, io: Io): Source {
  const { cwd, env, stdin } = io;
  if (choice['pre-commit']) return sourceOf(preCommitChoice(choice, env), io);
  const { staged, stdin: piped, history, range, push, bundle, paths, generic = false, images } = choice;
  const depth = { generic, images };
  const sources: Source[] = [];
  if (staged) {
    sources.push({
      what: 'the staged changes',
      kind: 'staged',
      allowances: { by: 'index' },
      scan: (sink) => scanStaged({ cwd, env }, sink, depth),
    });
  }
  if (piped) {
    sources.push({
      what: 'standard input',
      kind: 'stdin',
      scan: async (sink) => (await import('../scan/stdin.ts')).scanStdin(stdin(), sink, depth),
    });
  }
  if (history) {
    sources.push({
      what: 'the history',
      kind: 'history',
      scan: async (sink) => (await import('./scan-history.ts')).scanHistoryFor(choice, io, sink),
    });
  }
  if (range !== undefined) sources.push(rangeSource(range, depth, io));
  if (bundle) {
    sources.push({
      what: 'what browsers get',
      kind: 'bundle',
      scan: async (sink) => (await import('./scan-bundle.ts')).scanBundleFor(paths, depth, io, sink),
    });
  }
  if (push) sources.push(pushSource(choice.branch, depth, io));
  if ((paths.length > 0 && !bundle) || sources.length === 0) {
    sources.push({
      what: paths.length > 0 ? 'the files named' : 'this folder',
      kind: 'paths',
      paths,
      scan: async (sink) => (await import('./scan-paths.ts')).scanPathsFor(choice, io, sink),
    });
  } else if (choice['all-files']) throw usage('--all-files is for files and folders');
  const [source] = sources;
  if (source && sources.length === 1) return source;
  throw usage('there are several things to scan');
}

/** Of https://pre-commit.com: the files that it names, else the range that it has in the environment (before a push), else what is staged. */
function preCommitChoice(choice: SourceChoice, env: Io['env']): SourceChoice {
  const { PRE_COMMIT_FROM_REF: from, PRE_COMMIT_TO_REF: to } = env;
  const named = { ...choice, 'pre-commit': false };
  if (choice.paths.length > 0) return named;
  if (from && to) return { ...named, range: `${from}..${to}` };
  // A push to where there is nothing yet has no beginning.
  const branch = env['PRE_COMMIT_LOCAL_BRANCH'];
  return branch ? { ...named, push: true, branch } : { ...named, staged: true };
}

function usage(message: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix: 'see: sallyport scan --help' });
}

function rangeSource(text: string, depth: Look, { cwd, env }: Io): Source {
  const revisions = parseRange(text);
  return {
    what: 'the commits of the range',
    kind: 'range',
    allowances: { by: 'commits', commits: revisions.include },
    scan: async (sink) =>
      (await import('../scan/range/range.ts')).scanRange({ cwd, env }, sink, revisions, depth),
  };
}

/** Git says on standard input what is pushed; pre-commit, in the environment. */
function pushSource(branch: string | undefined, depth: Look, { cwd, env, readStdin }: Io): Source {
  let commits: readonly string[] = [];
  return {
    what: 'what is pushed',
    kind: 'range',
    allowances: () => ({ by: 'commits', commits }),
    scan: async (sink) => {
      const [{ scanRange }, { revisionsOfBranch, revisionsOfPush }] = await Promise.all([
        import('../scan/range/range.ts'),
        import('../scan/range/push.ts'),
      ]);
      const revisions = branch
        ? await revisionsOfBranch(branch, env['PRE_COMMIT_REMOTE_NAME'] ?? '', { cwd, env })
        : await revisionsOfPush(await readText(readStdin), env[PUSH_REMOTE] ?? '', { cwd, env });
      commits = revisions.include;
      await scanRange({ cwd, env }, sink, revisions, depth);
    },
  };
}

async function readText(readStdin: Io['readStdin']): Promise<string> {
  return Buffer.from(await readStdin(MOST_REF_BYTES)).toString();
}
