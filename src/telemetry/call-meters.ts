/**
 * Counts of calls by provider, endpoint, model, team and environment. A call costs one look-up and some additions: its counters and
 * histograms are made with the first call of their kind. How many kinds there are is bounded, whatever callers and operators do.
 */
import type { CallEnd } from '../audit/entry.ts';
import { Histogram } from '../core/histogram.ts';
import type { CallContext } from '../gateway/call-context.ts';
import { BoundedNames, codeLabel, NONE, OTHER, renderLabels } from './labels.ts';

const MAX_MODELS = 200;
const MAX_TEAMS = 200;
const MAX_ENVIRONMENTS = 50;
/** Combinations of all five labels: each is six lines of the page that a scraper reads. */
const MAX_SERIES = 1000;
/** Combinations of provider, endpoint and model: each is up to four histograms. */
const MAX_TIMINGS = 100;

/** Those that the GenAI conventions recommend, so that the same calls look alike in traces' metrics. */
export const DURATION_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
] as const;

/** How long calls of one provider, endpoint and model take. */
export class Timing {
  readonly labels: string;
  readonly successSeconds = new Histogram(DURATION_SECONDS);
  readonly errorSeconds = new Histogram(DURATION_SECONDS);
  readonly firstByteSeconds = new Histogram(DURATION_SECONDS);
  readonly waitSeconds = new Histogram(DURATION_SECONDS);

  constructor(labels: string) {
    this.labels = labels;
  }
}

/** What calls with the same five labels add up to. */
export class CallSeries {
  readonly labels: string;
  readonly timing: Timing;
  succeeded = 0;
  failed = 0;
  inputTokens = 0;
  cachedTokens = 0;
  outputTokens = 0;
  costPicoUsd = 0n;

  constructor(labels: string, timing: Timing) {
    this.labels = labels;
    this.timing = timing;
  }
}

interface Counted {
  readonly labels: string;
  count: number;
}

export class CallMeters {
  readonly #series = new Map<string, CallSeries>();
  readonly #timings = new Map<string, Timing>();
  readonly #errors = new Map<string, Counted>();
  readonly #refusals = new Map<string, Counted>();
  readonly #models = new BoundedNames(MAX_MODELS);
  readonly #teams = new BoundedNames(MAX_TEAMS);
  readonly #environments = new BoundedNames(MAX_ENVIRONMENTS);
  #overflows = 0;
  #overrunPicoUsd = 0n;
  #lost = 0;

  get series(): Iterable<CallSeries> {
    return this.#series.values();
  }

  get timings(): Iterable<Timing> {
    return this.#timings.values();
  }

  /** Calls that failed, by provider and code. */
  get errors(): Iterable<Readonly<Counted>> {
    return this.#errors.values();
  }

  /** Requests that were refused before they were calls, by code and team. */
  get refusals(): Iterable<Readonly<Counted>> {
    return this.#refusals.values();
  }

  /** Calls that were counted under `_other`, because there are too many names. */
  get overflows(): number {
    return this.#overflows;
  }

  /** By how much calls cost more than was held for them. */
  get overrunPicoUsd(): bigint {
    return this.#overrunPicoUsd;
  }

  get lost(): number {
    return this.#lost;
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    const { provider, endpoint, token } = context;
    const team = token?.team ?? NONE;
    const environment = token?.environment ?? NONE;
    const named = model ?? NONE;
    const series =
      this.#series.get(`${provider}\n${endpoint}\n${named}\n${team}\n${environment}`) ??
      this.#open(provider, endpoint, named, team, environment);
    const { timing } = series;
    const seconds = end.latencyMs / 1000;
    if (end.errorCode === null) {
      series.succeeded += 1;
      timing.successSeconds.observe(seconds);
    } else {
      series.failed += 1;
      timing.errorSeconds.observe(seconds);
      count(this.#errors, { provider, code: codeLabel(end.errorCode) });
    }
    const firstByteMs = context.call?.firstByteAfterMs ?? null;
    if (firstByteMs !== null) timing.firstByteSeconds.observe(firstByteMs / 1000);
    if (context.waitedMs !== null) timing.waitSeconds.observe(context.waitedMs / 1000);
    series.inputTokens += end.promptTokens;
    series.cachedTokens += end.cachedTokens;
    series.outputTokens += end.completionTokens;
    if (end.costPicoUsd !== '0') series.costPicoUsd += BigInt(end.costPicoUsd);
    if (end.overrunPicoUsd !== '0') this.#overrunPicoUsd += BigInt(end.overrunPicoUsd);
  }

  refused(context: CallContext, code: string): void {
    const team = context.token?.team;
    count(this.#refusals, { code, team: typeof team === 'string' ? this.#teams.admit(team) : NONE });
  }

  countLost(): void {
    this.#lost += 1;
  }

  /** The counters of a kind of call that is new, or has no counters of its own. */
  #open(provider: string, endpoint: string, model: string, team: string, environment: string): CallSeries {
    const full = this.#series.size >= MAX_SERIES;
    const admit = (names: BoundedNames, name: string): string =>
      full ? OTHER : name === NONE ? NONE : names.admit(name);
    const labels = {
      provider,
      endpoint,
      model: admit(this.#models, model),
      team: admit(this.#teams, team),
      environment: admit(this.#environments, environment),
    };
    if (Object.values(labels).includes(OTHER)) this.#overflows += 1;
    const key = Object.values(labels).join('\n');
    const known = this.#series.get(key);
    if (known) return known;
    const series = new CallSeries(renderLabels(labels), this.#timing(provider, endpoint, labels.model));
    this.#series.set(key, series);
    return series;
  }

  #timing(provider: string, endpoint: string, model: string): Timing {
    const exact = renderLabels({ provider, endpoint, model });
    const full = this.#timings.size >= MAX_TIMINGS && !this.#timings.has(exact);
    const labels = full ? renderLabels({ provider, endpoint, model: OTHER }) : exact;
    const known = this.#timings.get(labels);
    if (known) return known;
    const timing = new Timing(labels);
    this.#timings.set(labels, timing);
    return timing;
  }
}

function count(counts: Map<string, Counted>, labels: Readonly<Record<string, string>>): void {
  const key = Object.values(labels).join('\n');
  const known = counts.get(key);
  if (known) known.count += 1;
  else counts.set(key, { labels: renderLabels(labels), count: 1 });
}
