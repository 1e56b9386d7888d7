/**
 * What this process says about itself to those who watch it: metrics for Prometheus, and whatever else is switched on. It is told of a
 * call by one function call, and a failure of its own never reaches the call.
 */
import type { CallEnd } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { describe, type ErrorCode } from '../core/errors.ts';
import { LineSink, type LineStream } from '../core/line-sink.ts';
import type { Log } from '../core/log.ts';
import type { CallContext } from '../gateway/call-context.ts';
import type { CallObserver } from '../gateway/observer.ts';
import { writeCalls } from './call-families.ts';
import { CallLog } from './call-log.ts';
import { CallMeters } from './call-meters.ts';
import { Exposition } from './exposition.ts';
import { OTHER } from './labels.ts';
import { LoopDelay } from './loop-delay.ts';
import { type Sources, writeProcess, writeReadings } from './readings.ts';

export type CallLogTarget = 'off' | 'stdout' | 'stderr';

export interface TelemetrySettings {
  /** Where a line a call goes. */
  readonly callLog: CallLogTarget;
}

export interface TelemetryDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the log goes. */
  readonly logSink: Pick<LineSink, 'dropped'>;
  readonly version: string;
  readonly startedAtMs: number;
  /** The price table's name of a model; null when it has none. */
  readonly knownModel: (provider: string, model: string) => string | null;
}

/** The page may hold the event loop for so long at a time. */
const SLICE_MS = 1;
const STOP_MS = 1000;

export class Telemetry implements CallObserver {
  readonly #deps: TelemetryDeps;
  readonly #meters = new CallMeters();
  readonly #loop = new LoopDelay();
  readonly #callLog: CallLog | null;
  #failed = false;

  constructor(settings: TelemetrySettings, deps: TelemetryDeps) {
    this.#deps = deps;
    this.#callLog = settings.callLog === 'off' ? null : openCallLog(process[settings.callLog], deps.clock);
  }

  start(): void {
    this.#loop.start();
  }

  /** Resolves when what is left was handed over, or after a second: nobody waits for a reader that is stuck. */
  async stop(): Promise<void> {
    this.#loop.stop();
    await this.#callLog?.stop(STOP_MS);
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    try {
      this.#meters.ended(context, end, model);
      this.#callLog?.ended(context, end, model);
    } catch (error) {
      this.#fail(error);
    }
  }

  refused(context: CallContext, code: ErrorCode): void {
    try {
      this.#meters.refused(context, code);
      this.#callLog?.refused(context, code, this.#nameOf(context));
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
    page
      .family('sallyport_log_lines_dropped_total', 'counter', 'Lines that a slow or broken reader has lost.')
      .sample(this.#deps.logSink.dropped, 'log="server"')
      .sample(this.#callLog?.dropped ?? 0, 'log="calls"');
    writeProcess(page, this.#deps.version, this.#deps.startedAtMs);
    return page.toString();
  }

  /** What a refused request asked for, if there is such a thing. */
  #nameOf({ provider, model }: CallContext): string | null {
    return model === null ? null : (this.#deps.knownModel(provider, model) ?? OTHER);
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

function openCallLog(stream: LineStream, clock: Clock): CallLog {
  const notice = (lines: number): string =>
    `${JSON.stringify({ at: new Date(clock.wallMs()).toISOString(), event: 'lost', lines })}\n`;
  return new CallLog({ clock, sink: new LineSink({ stream, notice }) });
}
