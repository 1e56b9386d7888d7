/**
 * How many calls can run at once. The runtime has a bound of its own on upstream requests, reads it at its own start only, takes no notice
 * of a value that it does not like, and then lets the 257th request wait without a word; so it is tried, not trusted.
 */
import { readFileSync } from 'node:fs';
import { describe, SallyportError } from '../core/errors.ts';

/** What the runtime falls back to. */
const RUNTIME_DEFAULT = 256;
const MOST = 65_535;
const VARIABLE = 'BUN_CONFIG_MAX_HTTP_REQUESTS';
/** Of the runtime's bound, kept for what is no call: probes, exports, requests that were given up and are still closing. */
const SPARE = 0.1;
/** A call takes two open files, one on either side. */
const FILES_PER_CALL = 2;
/** The database, the journal, listeners, idle connections. */
const OTHER_FILES = 128;
const PATIENCE_MS = 5000;

export interface WantedCalls {
  readonly calls: number;
  /** The operator set it: then it is that number or none. */
  readonly stated: boolean;
}

/**
 * Holds as many requests as `wanted`, and at least one more than the runtime's default, against a server of its own: about 50 us each.
 * Resolves to how many calls may run at once, which is less than wanted only where nobody stated a number. Throws `config.invalid` for a
 * value that is no bound, and when the bound or the number of open files does not allow the calls.
 */
export async function proveUpstreamLimit(value: string | undefined, wanted: WantedCalls): Promise<number> {
  const limit = Number(value);
  if (value === undefined || !/^\d{1,5}$/.test(value) || limit < 1 || limit > MOST) {
    throw new SallyportError(
      'config.invalid',
      `${VARIABLE} is not a bound on parallel upstream requests, so ${RUNTIME_DEFAULT} would be in force.`,
      { fix: `Set it to a whole number from 1 to ${MOST} before Sallyport is started, or unset it.` },
    );
  }
  const calls = allowedBy(limit, openFiles(), wanted);
  // So few run whatever the runtime made of the variable.
  if (calls <= withoutSpare(RUNTIME_DEFAULT)) return calls;
  const tried = Math.max(RUNTIME_DEFAULT + 1, calls);
  const arrived = await hold(tried);
  if (arrived === tried) return calls;
  throw new SallyportError(
    'config.invalid',
    `${VARIABLE} is ${limit}, but only ${arrived} upstream requests ran at once.`,
    { fix: `Start Sallyport by its launcher or binary, or with ${VARIABLE} in its environment.` },
  );
}

/** Throws `config.invalid` for a stated number that is too high, and when there are fewer files than the runtime's own bound needs. */
function allowedBy(limit: number, files: number, { calls, stated }: WantedCalls): number {
  const byRuntime = withoutSpare(limit);
  const byFiles = Math.floor((files - OTHER_FILES) / FILES_PER_CALL);
  const most = Math.min(byRuntime, byFiles);
  if (calls <= most) return calls;
  if (!stated && byFiles > Math.min(calls, RUNTIME_DEFAULT)) return most;
  const needed = calls * FILES_PER_CALL + OTHER_FILES;
  throw new SallyportError('config.invalid', `${calls} calls cannot run at once, but ${Math.max(0, most)}.`, {
    fix:
      byRuntime <= byFiles
        ? `Set SALLYPORT_MAX_CALLS to ${most} or less, or ${VARIABLE} to ${Math.ceil(calls / (1 - SPARE))}.`
        : `Raise the limit of open files (ulimit -n ${needed}, or LimitNOFILE= of the service), or set SALLYPORT_MAX_CALLS to less.`,
  });
}

function withoutSpare(limit: number): number {
  return Math.max(1, limit - Math.ceil(limit * SPARE));
}

/** How many files this process may have open; Infinity where the system does not say: then the trial finds out. */
function openFiles(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** How many of so many requests were under way at the same time. */
async function hold(count: number): Promise<number> {
  let arrived = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async () => {
      arrived += 1;
      if (arrived === count) release();
      await released;
      return new Response(null, { status: 204 });
    },
  });
  const patience = setTimeout(release, PATIENCE_MS);
  try {
    const url = `http://127.0.0.1:${server.port}/`;
    const request = (): Promise<Response> => fetch(url, { keepalive: false, verbose: false });
    const sent = Promise.all(Array.from({ length: count }, request));
    // What did not arrive before the release is no longer of interest, and neither is how it ends.
    await Promise.race([sent.then(() => undefined), released]);
    const atOnce = arrived;
    await sent;
    return atOnce;
  } catch (error) {
    throw new SallyportError('config.invalid', `${count} connections cannot be open at once.`, {
      detail: describe(error),
      fix: 'Raise the limit of open files: ulimit -n 65536, or LimitNOFILE= of the service.',
    });
  } finally {
    clearTimeout(patience);
    release();
    await server.stop(true);
  }
}
