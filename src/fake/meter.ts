/**
 * Follows one accepted call to its bill: counts tokens as they are made and settles exactly once.
 */
import type { Charge } from './bill.ts';
import type { Knobs } from './knobs.ts';
import { nowMs, type OpenRecord } from './log.ts';
import { planPicoUsd, type Plan } from './plan.ts';

type AbortKnobs = Pick<Knobs, 'abortBilling' | 'abortDelayMs'>;

export class Meter {
  readonly #plan: Plan;
  readonly #charge: Charge;
  readonly #record: OpenRecord;
  readonly #knobs: AbortKnobs;
  #leaving = false;
  #settled = false;
  #progress: (() => number) | null = null;

  constructor(plan: Plan, charge: Charge, record: OpenRecord, knobs: AbortKnobs) {
    this.#plan = plan;
    this.#charge = charge;
    this.#record = record;
    this.#knobs = knobs;
    record.model = plan.request.model.id;
    record.promptTokens = plan.request.promptTokens;
  }

  /** Tokens made so far. */
  get generated(): number {
    return this.#record.completionTokens;
  }

  /** Counts tokens up to `total`; after settlement nothing more is generated. */
  generate(total: number): void {
    if (!this.#settled) this.#record.completionTokens = Math.min(total, this.#plan.tokens);
  }

  /** For what is not made as it is sent: tells how many tokens exist at any moment. Null when that is over. */
  follow(progress: (() => number) | null): void {
    this.#progress = progress;
  }

  /** The reply is complete. */
  finish(): void {
    if (this.#settled) return;
    this.generate(this.#plan.tokens);
    this.#record.finished = true;
    this.#settle();
  }

  /** The client left. Without effect once the call is settled: an early close after the end is no abort. */
  abort(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    const { abortDelayMs } = this.#knobs;
    if (abortDelayMs > 0) setTimeout(() => this.#stop(), abortDelayMs);
    else this.#stop();
  }

  #stop(): void {
    if (this.#settled) return;
    this.#record.aborted = true;
    this.#record.abortedAtMs = nowMs();
    if (this.#knobs.abortBilling === 'full') this.generate(this.#plan.tokens);
    else if (this.#progress !== null) this.generate(Math.floor(this.#progress()));
    this.#settle();
  }

  /** The provider itself failed mid-stream: free if it had generated nothing. */
  fail(): void {
    if (this.#settled) return;
    if (this.generated > 0) this.#settle();
    else this.#settled = true;
  }

  #settle(): void {
    this.#settled = true;
    const picoUsd = planPicoUsd(this.#plan, this.#record.completionTokens);
    this.#record.picoUsd = String(picoUsd);
    this.#charge(picoUsd);
  }
}
