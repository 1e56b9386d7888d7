/**
 * Whether the bound on parallel upstream requests is in force. The runtime reads it at its own start only, takes no notice of a value
 * that it does not like, and then lets the 257th call wait without a word; so it is tried, not trusted.
 */
import { describe, SallyportError } from '../core/errors.ts';

/** What the runtime falls back to. */
const RUNTIME_DEFAULT = 256;
const MOST = 65_535;
const VARIABLE = 'BUN_CONFIG_MAX_HTTP_REQUESTS';
const PATIENCE_MS = 5000;

/**
 * Holds one more request than the runtime's default against a server of its own: a few milliseconds. Resolves when they were all sent.
 * Throws `config.invalid` for a value that is no bound, and when the bound or the number of open files does not allow them.
 */
export async function proveUpstreamLimit(value: string | undefined): Promise<void> {
  const limit = Number(value);
  if (value === undefined || !/^\d{1,5}$/.test(value) || limit < 1 || limit > MOST) {
    throw new SallyportError(
      'config.invalid',
      `${VARIABLE} is not a bound on parallel upstream requests, so ${RUNTIME_DEFAULT} would be in force.`,
      { fix: `Set it to a whole number from 1 to ${MOST} before Sallyport is started, or unset it.` },
    );
  }
  // Whoever asks for fewer gets no more than the default, whatever the runtime made of it.
  if (limit <= RUNTIME_DEFAULT) return;
  const arrived = await hold(RUNTIME_DEFAULT + 1);
  if (arrived > RUNTIME_DEFAULT) return;
  throw new SallyportError(
    'config.invalid',
    `${VARIABLE} is ${limit}, but only ${arrived} upstream requests ran at once.`,
    { fix: `Start Sallyport by its launcher or binary, or with ${VARIABLE} in its environment.` },
  );
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
