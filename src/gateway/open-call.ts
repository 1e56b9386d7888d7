/**
 * A call between its start entry and its end entry: the one place where it is settled, exactly once, whichever of provider, client,
 * clock, operator or error ends it. Everything the call holds is given back by one undo stack.
 */
import type { CallEnd, CostBasis } from '../audit/entry.ts';
import { Abort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import { type PicoUsd, ZERO_USD } from '../core/money.ts';
import type { UndoStack } from '../core/once.ts';
import type { Reservation } from '../ledger/budgets.ts';
import type { Admission } from '../ledger/limits.ts';
import { costOf, type ModelPrice } from '../ledger/price.ts';
import type { TokenUsage } from '../providers/openai-answer.ts';
import { Unseen } from './unseen.ts';

/** What is known of a call's outcome, and so of its cost. */
export type Outcome =
  /** The provider stated the usage. */
  | { readonly kind: 'usage'; readonly usage: TokenUsage }
  /** It ended without a word of usage: the prompt's bound, and so many completion tokens that passed. */
  | { readonly kind: 'delivered'; readonly completionTokens: number }
  /** A stream that was given up: likewise, and what the provider can have made that we never saw. */
  | { readonly kind: 'dropped'; readonly completionTokens: number }
  /** Sent, and nothing is known: the whole hold. */
  | { readonly kind: 'unknown' }
  /** Never sent, or answered with an error. */
  | { readonly kind: 'free' };

/** Whom the call waits for: each wait has its own limit. */
export type Phase = 'provider-first-byte' | 'provider' | 'client';

export interface OpenCallInit {
  readonly id: string;
  readonly tokenId: string;
  readonly price: ModelPrice | null;
  readonly reservation: Reservation;
  readonly admission: Pick<Admission, 'settle'>;
  /** Prompt tokens that the hold was made for. */
  readonly promptBound: number;
  /** Completion tokens that the hold was made for, all choices together. */
  readonly outputBound: number;
  readonly choices: number;
  readonly arrivedMs: number;
  readonly undo: UndoStack;
}

export interface OpenCallDeps {
  readonly clock: Clock;
  /** Writes the entry, now or as soon as the journal takes entries again. */
  readonly record: (entry: CallEnd) => void;
}

export class OpenCall {
  readonly id: string;
  readonly tokenId: string;
  readonly reservation: Reservation;
  /** Aborts the upstream request. The reason is the error that the caller sees. */
  readonly abort = new Abort();
  /** Runs with the tick of the live calls. */
  onTick: (() => void) | null = null;
  /** Ends a call whose client takes nothing, in place of an abort. */
  onStall: ((late: SallyportError) => void) | null = null;
  /** Ends a call whose client left, where more is known of it than when it was sent. */
  onLeave: (() => void) | null = null;
  /** What the provider can have made beside what came. */
  readonly unseen: Unseen;
  readonly #init: OpenCallInit;
  readonly #deps: OpenCallDeps;
  #phase: Phase = 'provider-first-byte';
  #phaseSinceMs: number;
  readonly #sentMs: number;
  #firstByteMs: number | null = null;
  #ended = false;

  constructor(deps: OpenCallDeps, init: OpenCallInit) {
    this.#deps = deps;
    this.#init = init;
    this.id = init.id;
    this.tokenId = init.tokenId;
    this.reservation = init.reservation;
    this.unseen = new Unseen(init.choices);
    this.#sentMs = deps.clock.monotonicMs();
    this.#phaseSinceMs = this.#sentMs;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get phaseSinceMs(): number {
    return this.#phaseSinceMs;
  }

  get arrivedMs(): number {
    return this.#init.arrivedMs;
  }

  /** From the arrival of the request to the status line of the provider's answer; null when there was none. */
  get firstByteAfterMs(): number | null {
    return this.#firstByteMs === null ? null : this.#firstByteMs - this.#init.arrivedMs;
  }

  enter(phase: Phase): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (this.#phase === 'provider-first-byte') this.#firstByteMs = nowMs;
    this.unseen.waited(this.#phase === 'client' ? 'client' : 'provider', nowMs - this.#phaseSinceMs);
    this.#phase = phase;
    this.#phaseSinceMs = nowMs;
  }

  /** Tokens that the provider can have made by now beside so many that came, within what the hold was made for. */
  unseenTokens(completionTokens: number): number {
    const nowMs = this.#deps.clock.monotonicMs();
    // Before anything has come, all the time since sending is in question.
    const unseen =
      completionTokens === 0
        ? this.unseen.tokensWithin(nowMs - this.#sentMs)
        : this.unseen.tokens(nowMs - this.#phaseSinceMs);
    return Math.max(0, Math.min(unseen, this.#init.outputBound - completionTokens));
  }

  /** What the call costs if so many completion tokens were delivered: never more than the hold. */
  deliveredCost(completionTokens: number): PicoUsd {
    const { price, promptBound, reservation } = this.#init;
    if (!price) return ZERO_USD;
    const cost = costOf(price, { promptTokens: promptBound, cachedTokens: 0, completionTokens });
    return cost === null || cost > reservation.amountPicoUsd ? reservation.amountPicoUsd : cost;
  }

  /** Settles, records and gives back. Only the first call counts: an abort and the failed read it causes both end here. */
  end(outcome: Outcome, errorCode: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { usage, cost, basis } = this.#cost(outcome);
    const { applied, overrunPicoUsd } = this.reservation.settle(cost);
    // What is unknown stays counted whole.
    if (basis !== 'hold') this.#init.admission.settle(usage.promptTokens + usage.completionTokens);
    failpoint('in-settle');
    // A hold that was given up as lost is charged and on record already.
    if (applied) this.#record(usage, { cost, basis, overrunPicoUsd }, errorCode);
    this.#init.undo.unwind();
  }

  #record(
    usage: TokenUsage,
    charged: { readonly cost: PicoUsd; readonly basis: CostBasis; readonly overrunPicoUsd: PicoUsd },
    errorCode: string | null,
  ): void {
    this.#deps.record({
      action: 'call.end',
      id: this.id,
      result: errorCode === null ? 'success' : 'error',
      errorCode,
      ...usage,
      costPicoUsd: charged.cost.toString(),
      basis: charged.basis,
      overrunPicoUsd: charged.overrunPicoUsd.toString(),
      charges: this.reservation.charges,
      latencyMs: Math.round(this.#deps.clock.monotonicMs() - this.#init.arrivedMs),
      recovered: false,
    });
  }

  #cost(outcome: Outcome): { usage: TokenUsage; cost: PicoUsd; basis: CostBasis } {
    const { price, promptBound, reservation } = this.#init;
    const none = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };
    switch (outcome.kind) {
      case 'free':
        return { usage: none, cost: ZERO_USD, basis: 'none' };
      case 'delivered': {
        const { completionTokens } = outcome;
        const usage = { promptTokens: promptBound, completionTokens, cachedTokens: 0 };
        return { usage, cost: this.deliveredCost(completionTokens), basis: 'delivered' };
      }
      case 'dropped': {
        const completionTokens = outcome.completionTokens + this.unseenTokens(outcome.completionTokens);
        return this.#cost({ kind: 'delivered', completionTokens });
      }
      case 'usage': {
        const cost = price && costOf(price, outcome.usage);
        // Usage that makes no sense is no usage.
        if (cost !== null) return { usage: outcome.usage, cost, basis: 'usage' };
        return { usage: none, cost: reservation.amountPicoUsd, basis: 'hold' };
      }
      case 'unknown':
        // Without a price nothing was held: the model list costs nothing.
        return { usage: none, cost: reservation.amountPicoUsd, basis: price ? 'hold' : 'none' };
    }
  }
}
