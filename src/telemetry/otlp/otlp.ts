/**
 * OpenTelemetry: a span a call, and the metrics of the GenAI conventions, sent to a receiver by OTLP/HTTP in JSON. Switched off, none of this is loaded
 * with work: the observer of calls has no such part then.
 */
import type { CallEnd } from '../../audit/entry.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { CallContext } from '../../gateway/call-context.ts';
import { GenAiMetrics } from './genai-metrics.ts';
import type { OtlpHeaders } from './headers.ts';
import { text } from './json.ts';
import { Sender } from './sender.ts';
import { spanJson } from './span.ts';
import { SpanQueue } from './span-queue.ts';
import { parseTraceparent } from './trace-context.ts';

export interface OtlpSettings {
  /** `https://host:4318`: the path of a signal is put behind it. */
  readonly endpoint: string;
  readonly traces: boolean;
  readonly metrics: boolean;
  /** Share of the calls that bring no trace of their own. */
  readonly sampleRatio: number;
  readonly metricsEveryMs: number;
}

export interface OtlpDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly instance: string;
  readonly startedAtMs: number;
  readonly headers: OtlpHeaders | null;
  /** The price table's name of a model; null when it has none. */
  readonly knownModel: (provider: string, model: string) => string | null;
}

const NAME = 'sallyport';

export class Otlp {
  readonly traces: boolean;
  readonly #settings: OtlpSettings;
  readonly #deps: OtlpDeps;
  /** Who says it, as OTLP/JSON. */
  readonly #resource: string;
  readonly #scope: string;
  readonly #spanSender: Sender;
  readonly #metricSender: Sender;
  readonly #spans: SpanQueue;
  readonly #metrics: GenAiMetrics;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** An export that overtakes the one before would say older numbers later. */
  #sendingMetrics = false;

  constructor(settings: OtlpSettings, deps: OtlpDeps) {
    const { version, instance, log, headers, startedAtMs } = deps;
    this.#settings = settings;
    this.#deps = deps;
    this.traces = settings.traces;
    const own = [
      text('service.name', NAME),
      text('service.version', version),
      text('service.instance.id', instance),
    ];
    this.#resource = `"resource":{"attributes":[${own.join(',')}]}`;
    this.#scope = `"scope":{"name":"${NAME}","version":${JSON.stringify(version)}}`;
    const config = { endpoint: settings.endpoint, headers, userAgent: `sallyport/${version}` };
    this.#spanSender = new Sender(config, 'traces', log);
    this.#metricSender = new Sender(config, 'metrics', log);
    this.#spans = new SpanQueue({
      sender: this.#spanSender,
      wrap: (spans) =>
        `{"resourceSpans":[{${this.#resource},"scopeSpans":[{${this.#scope},"spans":[${spans}]}]}]}`,
    });
    this.#metrics = new GenAiMetrics(startedAtMs);
  }

  get exportedSpans(): number {
    return this.#spans.exported;
  }

  get droppedSpans(): number {
    return this.#spans.dropped;
  }

  get failedExports(): { readonly traces: number; readonly metrics: number } {
    return { traces: this.#spanSender.failures, metrics: this.#metricSender.failures };
  }

  start(): void {
    if (!this.#settings.metrics) return;
    this.#timer ??= setInterval(() => void this.#sendMetrics(), this.#settings.metricsEveryMs);
  }

  /** Sends what is left, within `waitMs`. */
  async stop(waitMs: number): Promise<void> {
    clearInterval(this.#timer);
    const metrics = this.#settings.metrics ? this.#sendMetrics(waitMs) : undefined;
    await Promise.all([this.#spans.stop(waitMs), metrics]);
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    if (this.#settings.metrics) this.#metrics.ended(context, end, model);
    this.#span(context, end.errorCode, end, model === null ? null : context.model);
  }

  /** A request that names no provider is no operation of one. `model`: as the price table names it. */
  refused(context: CallContext, code: string, model: string | null): void {
    if (context.provider !== '') this.#span(context, code, null, model);
  }

  #span(
    context: CallContext,
    errorCode: string | null,
    end: CallEnd | null,
    requestModel: string | null,
  ): void {
    if (!this.#settings.traces) return;
    const parent = parseTraceparent(context.traceparent);
    if (parent ? !parent.sampled : Math.random() >= this.#settings.sampleRatio) return;
    const { clock } = this.#deps;
    const endWallMs = clock.wallMs();
    const startWallMs = endWallMs - (clock.monotonicMs() - context.arrivedMs);
    const responseModel = this.#knownAnswer(context);
    this.#spans.add(
      spanJson({ context, parent, startWallMs, endWallMs, errorCode, end, requestModel, responseModel }),
    );
  }

  /** The model that the provider says has answered, if it is one that there is: a provider's text may be anything. */
  #knownAnswer({ provider, answeredModel }: CallContext): string | null {
    const named = answeredModel?.() ?? null;
    return named !== null && this.#deps.knownModel(provider, named) !== null ? named : null;
  }

  async #sendMetrics(timeoutMs?: number): Promise<void> {
    const metrics = this.#metrics.json(this.#deps.clock.wallMs());
    if (metrics === null || this.#sendingMetrics) return;
    this.#sendingMetrics = true;
    // Cumulative: what one export misses, the next one says.
    const body = `{"resourceMetrics":[{${this.#resource},"scopeMetrics":[{${this.#scope},"metrics":[${metrics}]}]}]}`;
    await this.#metricSender.send(body, timeoutMs);
    this.#sendingMetrics = false;
  }
}
