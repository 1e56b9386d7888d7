/** What `scan` is asked to look at. What a git hook does not need is loaded when it is asked for. */
import { SallyportError } from '../core/errors.ts';
import type { Depth } from '../detect/deep.ts';
import type { AllowPlace } from '../scan/allowances.ts';
import type { SourceKind } from '../scan/remedy.ts';
import type { Sink } from '../scan/sink.ts';
import { scanStaged } from '../scan/staged.ts';
import type { Io } from './io.ts';

export interface Source {
  /** For a sentence: `no secret in the staged changes`. */
  readonly what: string;
  /** What people are told to do depends on it. */
  readonly kind: SourceKind;
  /** Where allowances hold from; if not said, the file in the work tree. */
  readonly allowances?: AllowPlace;
  /** Throws for wrong usage; what cannot be scanned is told to the sink. */
  readonly scan: (sink: Sink) => Promise<void>;
}

export interface SourceChoice extends Depth {
  readonly staged: boolean;
  readonly stdin: boolean;
  readonly history: boolean;
  readonly 'no-cache': boolean;
  readonly 'no-progress': boolean;
}

/** Throws `input.invalid` unless there is exactly one. */
export function sourceOf(choice: SourceChoice, io: Io): Source {
  const { cwd, env, stdin } = io;
  const { staged, stdin: piped, history, ...depth } = choice;
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
  const [source] = sources;
  if (source && sources.length === 1) return source;
  throw new SallyportError(
    'input.invalid',
    source ? 'there are several things to scan' : 'nothing says what to scan',
    { fix: 'see: sallyport scan --help' },
  );
}
