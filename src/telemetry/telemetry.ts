/**
 * What this process says about itself to those who watch it: metrics for Prometheus, and whatever else is switched on. It is told of a
 * call by one function call, and a failure of its own never reaches the call.
 */
import type { CallEnd } from '../audit/entry.ts';
import { describe, type ErrorCode } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { CallContext } from '../gateway/call-context.ts';
import type { CallObserver } from '../gateway/observer.ts';
import { writeCalls } from './call-families.ts';
import { CallMeters } from './call-meters.ts';
import { Exposition } from './exposition.ts';
import { LoopDelay } from './loop-delay.ts';
import { type Sources, writeProcess, writeReadings } from './readings.ts';

export interface TelemetryDeps {
  readonly log: Log;
  readonly version: string;
  readonly startedAtMs: number;
}

/** The page may hold the event loop for so long at a time. */
const SLICE_MS = 1;

export class Telemetry implements CallObserver {
  readonly #deps: TelemetryDeps;
  readonly #meters = new CallMeters();
  readonly #loop = new LoopDelay();
  #failed = false;

  constructor(deps: TelemetryDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): void {
    this.#loop.stop();
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    try {
      this.#meters.ended(context, end, model);
    } catch (error) {
      this.#fail(error);
    }
  }

  refused(context: CallContext, code: ErrorCode): void {
    try {
      this.#meters.refused(context, code);
    } catch (error) {
      this.#fail(error);
    }
  }

  lost(): void {
    this.#meters.countLost();
  }

  /** The page that Prometheus reads: docs/guide/telemetry.md lists what is on it. A large one is written in slices, between which calls go on. */
  async metrics(sources: Sources): Promise<string> {
    const page = new Exposition();
    let sliceEndsMs = performance.now() + SLICE_MS;
    for (const _ of writeCalls(page, this.#meters)) {
      if (performance.now() < sliceEndsMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      sliceEndsMs = performance.now() + SLICE_MS;
    }
    writeReadings(page, sources, this.#loop);
    writeProcess(page, this.#deps.version, this.#deps.startedAtMs);
    return page.toString();
  }

  /** Once: a fault that each call meets would fill the log. */
  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#deps.log.error('Telemetry failed; calls go on, and are counted wrongly.', {
      detail: describe(error),
    });
  }
}
