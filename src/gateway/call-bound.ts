/** How many calls this process can have running at once. Nothing bounds them but open files: the client of http1/ has no queue. */
import { readFileSync } from 'node:fs';
import { SallyportError } from '../core/errors.ts';

/** One on either side. */
const FILES_PER_CALL = 2;
/** The database, the journal, listeners, idle connections. */
const OTHER_FILES = 128;
/** With fewer it is no gateway, but a mistake in the machine's settings. */
const LEAST_CALLS = 64;

export interface WantedCalls {
  readonly calls: number;
  /** The operator set it: then it is that number or none. */
  readonly stated: boolean;
}

/**
 * The calls that may run at once: those that are wanted, or as many fewer as open files allow where nobody stated a number. Throws
 * `config.invalid`, with what to raise, when the files do not allow a stated number, or too few calls to be of use.
 */
export function callBound({ calls, stated }: WantedCalls, files: number = openFiles()): number {
  const most = Math.floor((files - OTHER_FILES) / FILES_PER_CALL);
  if (calls <= most) return calls;
  if (!stated && most >= LEAST_CALLS) return most;
  const needed = calls * FILES_PER_CALL + OTHER_FILES;
  throw new SallyportError('config.invalid', `${calls} calls cannot run at once, but ${Math.max(0, most)}.`, {
    detail: `${files} open files`,
    fix: `Raise the limit of open files (ulimit -n ${needed}, or LimitNOFILE= of the service), or set SALLYPORT_MAX_CALLS to less.`,
  });
}

/** How many files this process may have open; Infinity where the system does not say. */
function openFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}
