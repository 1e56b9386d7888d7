/**
 * A Groq-like provider that runs in this process, for the demo, the tests and the benchmarks.
 *
 * It is an independent witness: own price list, own token count, own arithmetic, own bill, and no import from
 * the rest of the project, so that its bill can be compared with our ledger to the pico-USD.
 * It listens on 127.0.0.1 only and never shows a key, except where `errorEchoesKey` asks for exactly that.
 */
import type { BillReport } from './bill.ts';
import { answerControl } from './control.ts';
import type { KeyState, KnobPatch, Knobs } from './knobs.ts';
import type { CallRecord } from './log.ts';
import { answerProvider } from './provider.ts';
import { World } from './world.ts';

export type { BillReport } from './bill.ts';
export { keyFingerprint } from './keys.ts';
export type { KeyState, KnobPatch, Knobs } from './knobs.ts';
export type { CallRecord } from './log.ts';

export interface FakeOptions {
  /** 0, the default: any free port. */
  readonly port?: number;
  /** Replies say that they are a demo and that no model was called. */
  readonly demo?: boolean;
  /** States of keys by fingerprint; all other well-formed keys are valid. */
  readonly keys?: Readonly<Record<string, KeyState>>;
  /** Knobs to start from, and to return to on reset. */
  readonly knobs?: KnobPatch;
}

export interface FakeUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; the API is under `/openai/v1` and `/v1`, the control under `/__fake`. */
  readonly url: string;
  bill(): BillReport;
  /** Copies, oldest first; at most the last 50,000. */
  calls(): CallRecord[];
  knobs(): Knobs;
  /** Merges; in force for calls that arrive from now on. Throws on an unknown knob or a wrong value. */
  setKnobs(patch: KnobPatch): Knobs;
  /** Lets go of the streams that `holdAfterChunks` holds. */
  release(): void;
  /** Initial knobs, empty bill, empty call log. */
  reset(): void;
  /** Cuts open connections. */
  stop(): Promise<void>;
}

/** Starts a provider. Throws if the port is taken or a knob is wrong. The caller must stop it. */
export function startFake(options: FakeOptions = {}): FakeUpstream {
  const keys = options.keys === undefined ? {} : { keys: options.keys };
  const world = new World(options.demo ?? false, { ...options.knobs, ...keys });
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: options.port ?? 0,
    reusePort: false,
    development: false,
    idleTimeout: 30,
    async fetch(req, self) {
      const path = pathOf(req.url);
      if (path.startsWith('/__fake/')) return await answerControl(req, path, world);
      // A stall may be longer than any idle timeout.
      self.timeout(req, 0);
      // Same server, other origin: a client that follows carries the call to a host it was not given.
      return await answerProvider(req, path, world, `http://localhost:${self.port}/elsewhere`);
    },
    error: () => Response.json({ error: { message: 'fake provider fault' } }, { status: 500 }),
  });
  const stop = (): Promise<void> => server.stop(true);
  return {
    url: `http://127.0.0.1:${server.port}`,
    bill: () => world.bill.report(),
    calls: () => world.log.list(),
    knobs: () => world.knobs,
    setKnobs: (patch) => world.setKnobs(patch),
    release: () => world.release(),
    reset: () => world.reset(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The path of a request target, without the query; `req.url` is relative when the Host header is unusable. */
function pathOf(url: string): string {
  const start = url.startsWith('http') ? url.indexOf('/', 'https://'.length) : 0;
  return (url.slice(start).split('?', 1)[0] ?? '/').split('#', 1)[0] ?? '/';
}
