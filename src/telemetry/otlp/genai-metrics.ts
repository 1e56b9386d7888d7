/**
 * The two metrics that the GenAI conventions ask of a client: how long an operation took, and how many tokens it used. Cumulative since the
 * start of the process, by operation, provider, model and error: bounded as the labels of /metrics are.
 */
import type { CallEnd } from '../../audit/entry.ts';
import { Histogram } from '../../core/histogram.ts';
import type { CallContext } from '../../gateway/call-context.ts';
import { DURATION_SECONDS } from '../call-meters.ts';
import { codeLabel, OTHER } from '../labels.ts';
import * as convention from './conventions.ts';
import { isCounted } from './span.ts';
import { nanoseconds, text } from './json.ts';

/** Of each metric. */
const MAX_POINTS = 500;
const CUMULATIVE = 2;

const DURATION_HEAD = `"name":"${convention.OPERATION_DURATION}","unit":"s","description":"GenAI operation duration."`;
const USAGE_HEAD = `"name":"${convention.TOKEN_USAGE}","unit":"{token}","description":"Number of input and output tokens used."`;

interface Point {
  /** As OTLP/JSON. */
  readonly attributes: string;
  readonly histogram: Histogram;
}

/** One metric: its histograms by operation, provider, model and one further attribute. */
class Points {
  readonly #bounds: readonly number[];
  readonly #byKey = new Map<string, Point>();

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  get all(): Iterable<Point> {
    return this.#byKey.values();
  }

  get empty(): boolean {
    return this.#byKey.size === 0;
  }

  observe(
    { endpoint, provider }: CallContext,
    model: string,
    key: string,
    value: string,
    amount: number,
  ): void {
    const exact = `${endpoint}\n${provider}\n${model}\n${value}`;
    const full = this.#byKey.size >= MAX_POINTS && !this.#byKey.has(exact);
    const named = full ? OTHER : model;
    const id = full ? `${endpoint}\n${provider}\n${named}\n${value}` : exact;
    let point = this.#byKey.get(id);
    if (!point) {
      const attributes = [
        text(convention.OPERATION_NAME, convention.operationOf(endpoint)),
        text(convention.PROVIDER_NAME, provider),
        text(convention.REQUEST_MODEL, named),
        ...(value === '' ? [] : [text(key, value)]),
      ];
      point = { attributes: attributes.join(','), histogram: new Histogram(this.#bounds) };
      this.#byKey.set(id, point);
    }
    point.histogram.observe(amount);
  }
}

export class GenAiMetrics {
  readonly #startedAtMs: number;
  readonly #durations = new Points(DURATION_SECONDS);
  readonly #usages = new Points(convention.TOKEN_BOUNDS);

  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** `model` is the price table's name; a call without one is no operation of a model. */
  ended(context: CallContext, end: CallEnd, model: string | null): void {
    if (model === null) return;
    const error = end.errorCode === null ? '' : codeLabel(end.errorCode);
    this.#durations.observe(context, model, convention.ERROR_TYPE, error, end.latencyMs / 1000);
    if (!isCounted(end)) return;
    this.#usages.observe(context, model, convention.TOKEN_TYPE, 'input', end.promptTokens);
    this.#usages.observe(context, model, convention.TOKEN_TYPE, 'output', end.completionTokens);
  }

  /** Both metrics as OTLP/JSON, or null while there is nothing to say. A clock that was set back does not end them before they began. */
  json(wallMs: number): string | null {
    if (this.#durations.empty) return null;
    const times = `"startTimeUnixNano":${nanoseconds(this.#startedAtMs)},"timeUnixNano":${nanoseconds(Math.max(wallMs, this.#startedAtMs))}`;
    const metric = (head: string, { all }: Points): string => {
      const points = Array.from(all, (point) => `{${pointJson(point)},${times}}`);
      return `{${head},"histogram":{"aggregationTemporality":${CUMULATIVE},"dataPoints":[${points.join(',')}]}}`;
    };
    const metrics = [metric(DURATION_HEAD, this.#durations)];
    if (!this.#usages.empty) metrics.push(metric(USAGE_HEAD, this.#usages));
    return metrics.join(',');
  }
}

function pointJson({ attributes, histogram }: Point): string {
  const { count, sum, counts, bounds } = histogram;
  const buckets = Array.from(counts, (bucket) => `"${bucket}"`);
  return `"attributes":[${attributes}],"count":"${count}","sum":${sum},"bucketCounts":[${buckets.join(',')}],"explicitBounds":[${bounds.join(',')}]`;
}
