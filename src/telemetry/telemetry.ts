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
import { LoopDelay } from './loop-delay.ts';
import type { OtlpHeaders } from './otlp/headers.ts';
import { Otlp, type OtlpSettings } from './otlp/otlp.ts';
import { type Sources, writeProcess, writeReadings } from './readings.ts';

export type CallLogTarget = 'off' | 'stdout' | 'stderr';

export interface TelemetrySettings {
  /** Where a line a call goes. */
  readonly callLog: CallLogTarget;
  readonly otlp: OtlpSettings | null;
}

export interface TelemetryDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the log goes. */
  readonly logSink: Pick<LineSink, 'dropped'>;
  readonly version: string;
  readonly instance: string;
  readonly startedAtMs: number;
  readonly otlpHeaders: OtlpHeaders | null;
  /** The price table's name of a model; null when it has none. */
  readonly knownModel: (provider: string, model: string) => string | null;
}

/** The page may hold the event loop for so long at a time. */
const SLICE_MS = 1;
const STOP_MS = 2000;

export class Telemetry implements CallObserver {
  readonly #deps: TelemetryDeps;
  readonly #meters = new CallMeters();
  readonly #loop = new LoopDelay();
  readonly #callLog: CallLog | null;
  readonly #otlp: Otlp | null;
  #failed = false;

  constructor(settings: TelemetrySettings, deps: TelemetryDeps) {
    this.#deps = deps;
    this.#callLog = settings.callLog === 'off' ? null : openCallLog(process[settings.callLog], deps.clock);
    this.#otlp = settings.otlp && new Otlp(settings.otlp, { ...deps, headers: deps.otlpHeaders });
  }

  get traces(): boolean {
    return this.#otlp?.traces ?? false;
  }

  start(): void {
    this.#loop.start();
    this.#otlp?.start();
  }

  /** Resolves when what is left was handed over, or after two seconds: nobody waits for a reader that is stuck. */
  async stop(): Promise<void> {
    this.#loop.stop();
    await Promise.all([this.#callLog?.stop(STOP_MS), this.#otlp?.stop(STOP_MS)]);
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    try {
      this.#meters.ended(context, end, model);
      this.#callLog?.ended(context, end, model);
      this.#otlp?.ended(context, end, model);
    } catch (error) {
      this.#fail(error);
    }
  }

  refused(context: CallContext, code: ErrorCode, alone: boolean): void {
    try {
      this.#meters.refused(context, code);
      // Nobody fills a log, or a receiver, with calls that were never made.
      if (!alone || (!this.#callLog && !this.#otlp)) return;
      const { provider, model } = context;
      const known = model === null ? null : this.#deps.knownModel(provider, model);
      this.#callLog?.refused(context, code, known);
      this.#otlp?.refused(context, code, known);
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
    this.#writeWatchers(page);
    writeProcess(page, this.#deps.version, this.#deps.startedAtMs);
    return page.toString();
  }

  /** What those who watch did not get. */
  #writeWatchers(page: Exposition): void {
    const otlp = this.#otlp;
    page
      .family('sallyport_log_lines_dropped_total', 'counter', 'Lines that a slow or broken reader has lost.')
      .sample(this.#deps.logSink.dropped, 'log="server"')
      .sample(this.#callLog?.dropped ?? 0, 'log="calls"')
      .family('sallyport_otlp_spans_total', 'counter', 'Spans that the receiver took, and that were dropped.')
      .sample(otlp?.exportedSpans ?? 0, 'outcome="exported"')
      .sample(otlp?.droppedSpans ?? 0, 'outcome="dropped"')
      .family('sallyport_otlp_export_failures_total', 'counter', 'Attempts to send that failed.')
      .sample(otlp?.failedExports.traces ?? 0, 'signal="traces"')
      .sample(otlp?.failedExports.metrics ?? 0, 'signal="metrics"');
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
