/**
 * Hard budgets. A call reserves its worst case on every budget of its path in one synchronous step, and settles to its real cost exactly
 * once, so two calls can never spend the same money. What is held is kept apart from what is spent: a leaked hold can be seen, expires
 * on the monotonic clock, and never becomes spending by accident.
 */
import type { Charge } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { MAX_BUDGET, type PicoUsd, ZERO_USD, picoUsd, subtract } from '../core/money.ts';
import { BudgetState, type BudgetDefinition, type BudgetView, type EmitBudgetEvent } from './budget-state.ts';
import { budgetRefusal } from './refusal.ts';
import { type BudgetStatus, changeSpent } from './status.ts';

export interface Settlement {
  /** False when the hold had already ended: nothing was charged by this call. */
  readonly applied: boolean;
  /** By how much the cost was above the hold. */
  readonly overrunPicoUsd: PicoUsd;
}

/** Money held for one call. Ends once, by `settle` or `release`; every later attempt changes nothing and says so. */
export interface Reservation {
  readonly holdId: string;
  /** Held on every budget in `charges`. */
  readonly amountPicoUsd: PicoUsd;
  readonly charges: readonly Charge[];
  /** Starts the hold's time anew. False when it has ended. */
  renew(): boolean;
  /** Charges the real cost, also when it is above the hold, to the period of the reservation. Never throws for a valid amount. */
  settle(cost: PicoUsd): Settlement;
  /** Ends the hold without a charge: for a call that cost nothing. False when it had ended. */
  release(): boolean;
}

export interface BudgetsDeps {
  readonly clock: Clock;
  /** Called in the same synchronous step as the change it reports. */
  readonly emit: EmitBudgetEvent;
  /** States from the journal, for budgets that are defined later. */
  readonly statuses?: ReadonlyMap<string, BudgetStatus>;
}

interface Hold extends Reservation {
  readonly subjects: readonly string[];
  readonly path: readonly BudgetState[];
  expiresAtMonotonicMs: number;
}

const NOT_APPLIED: Settlement = { applied: false, overrunPicoUsd: ZERO_USD };
const WITHIN_HOLD: Settlement = { applied: true, overrunPicoUsd: ZERO_USD };
const MAX_REASON_LENGTH = 500;

export class Budgets {
  readonly #clock: Clock;
  readonly #emit: EmitBudgetEvent;
  readonly #statuses: ReadonlyMap<string, BudgetStatus>;
  readonly #budgets = new Map<string, BudgetState>();
  readonly #bySubject = new Map<string, BudgetState[]>();
  readonly #holds = new Map<string, Hold>();

  constructor(deps: BudgetsDeps) {
    this.#clock = deps.clock;
    this.#emit = deps.emit;
    this.#statuses = deps.statuses ?? new Map();
  }

  /**
   * A new budget, or a changed limit or cap rule of one. A limit below what is spent and held stops new calls; running ones finish.
   * Throws `input.invalid` for a limit outside 0 (exclusive) to MAX_BUDGET, `conflict` when subject or period would change.
   */
  define(definition: BudgetDefinition): void {
    checkLimit(definition.limitPicoUsd);
    const known = this.#budgets.get(definition.id);
    if (!known) {
      const status = this.#statuses.get(definition.id);
      const state = new BudgetState(definition, status, this.#clock.wallMs());
      this.#budgets.set(definition.id, state);
      const siblings = this.#bySubject.get(definition.subject);
      if (siblings) siblings.push(state);
      else this.#bySubject.set(definition.subject, [state]);
      return;
    }
    const { subject, period } = known.definition;
    if (subject !== definition.subject || period !== definition.period) {
      throw new SallyportError(
        'conflict',
        `The budget ${definition.id} cannot change its subject or period.`,
      );
    }
    known.redefine(definition);
  }

  /**
   * Starts a new budget with what its subject already spent in this period, plus the holds of its calls in flight, which will not be
   * charged to it later. Call once, in the same step as `define`, with what was spent until that step.
   */
  open(budgetId: string, initialSpent: PicoUsd, principal: string): void {
    const budget = this.#get(budgetId);
    let initial: bigint = initialSpent;
    for (const hold of this.#holds.values()) {
      const counts = hold.subjects.includes(budget.definition.subject) && !hold.path.includes(budget);
      if (counts) initial = changeSpent(initial, hold.amountPicoUsd);
    }
    const { spent, applied } = budget.corrected(initial);
    // In force whatever becomes of the entry: without it the next start would count anew.
    budget.setSpent(spent);
    this.#emit(budget.event('budget.opened', { principal, deltaPicoUsd: applied.toString() }));
    this.#report(budget);
  }

  /**
   * Holds `amount` on every budget of the subjects, or on none. A path without budgets is admitted and holds nothing.
   * Throws `budget.exceeded`, or what `emit` throws; then nothing is held. The caller must end the reservation, and renew it within
   * `ttlMs` as long as its call lives.
   */
  reserve(subjects: readonly string[], holdId: string, amount: PicoUsd, ttlMs: number): Reservation {
    if (this.#holds.has(holdId)) {
      throw new SallyportError('gateway.internal', 'A call tried to reserve money twice.', {
        detail: holdId,
      });
    }
    const held = picoUsd(amount);
    const path = this.#pathOf(subjects);
    this.#checkAll(path, held);
    for (const budget of path) budget.hold(held);
    const hold = this.#newHold(subjects, path, holdId, held, ttlMs);
    this.#holds.set(holdId, hold);
    try {
      for (const budget of path) budget.alert(this.#emit);
    } catch (error) {
      hold.release();
      throw error;
    }
    return hold;
  }

  /**
   * Holds that were not renewed in time: their calls are lost. They stay held until the caller settles each (whole, since the outcome is
   * unknown) and journals that; until then they are returned again.
   */
  sweep(nowMonotonicMs: number = this.#clock.monotonicMs()): Reservation[] {
    return [...this.#holds.values()].filter((hold) => hold.expiresAtMonotonicMs <= nowMonotonicMs);
  }

  /** Lets calls in again after a pause or an exhausted state. False when there was neither: then nothing is journaled. */
  resume(budgetId: string, principal: string): boolean {
    const budget = this.#get(budgetId);
    const { paused, exhausted } = budget.status;
    if (!paused && !exhausted) return false;
    this.#emit(budget.event('budget.resumed', { principal }));
    budget.reopen();
    return true;
  }

  /** Corrects what is spent by a signed amount, never below zero. Throws `input.invalid` without a reason; `not_found`. */
  adjust(budgetId: string, delta: bigint, reason: string, principal: string): void {
    const stated = reason.trim();
    if (stated === '' || stated.length > MAX_REASON_LENGTH) {
      throw new SallyportError(
        'input.invalid',
        `A correction needs a reason of 1 to ${MAX_REASON_LENGTH} characters.`,
      );
    }
    picoUsd(delta < 0n ? -delta : delta);
    const budget = this.#get(budgetId);
    const { spent, applied } = budget.corrected(delta);
    const amounts = { spentPicoUsd: spent.toString(), deltaPicoUsd: applied.toString() };
    this.#emit(budget.event('budget.adjusted', { principal, reason: stated, ...amounts }));
    budget.setSpent(spent);
    this.#report(budget);
  }

  has(budgetId: string): boolean {
    return this.#budgets.has(budgetId);
  }

  /** Throws `not_found`. */
  view(budgetId: string): BudgetView {
    return this.#get(budgetId).view;
  }

  /** What the journal adds up to for this budget. Throws `not_found`. */
  status(budgetId: string): BudgetStatus {
    return this.#get(budgetId).status;
  }

  /** All budgets, or those of one subject. */
  list(subject?: string): BudgetView[] {
    const budgets = subject === undefined ? this.#budgets.values() : (this.#bySubject.get(subject) ?? []);
    return [...budgets].map((budget) => this.#get(budget.definition.id).view);
  }

  /** Up to `max` budgets that are no token's: of those there may be as many as tokens. */
  shared(max: number): BudgetView[] {
    const views: BudgetView[] = [];
    for (const { definition } of this.#budgets.values()) {
      if (definition.subject.startsWith('token:')) continue;
      if (views.push(this.#get(definition.id).view) >= max) break;
    }
    return views;
  }

  /** Reservations that have not ended. */
  get liveHolds(): number {
    return this.#holds.size;
  }

  /** What they hold together, each counted once, whatever budgets it is held on. */
  get heldPicoUsd(): bigint {
    let held = 0n;
    for (const { amountPicoUsd } of this.#holds.values()) held += amountPicoUsd;
    return held;
  }

  #pathOf(subjects: readonly string[]): BudgetState[] {
    const wallMs = this.#clock.wallMs();
    const path: BudgetState[] = [];
    for (const subject of subjects) {
      const budgets = this.#bySubject.get(subject);
      if (!budgets) continue;
      for (const budget of budgets) {
        if (path.includes(budget)) continue;
        budget.roll(wallMs);
        path.push(budget);
      }
    }
    return path;
  }

  /** Throws for the first budget without room, after every budget without room has noted the refusal. */
  #checkAll(path: readonly BudgetState[], amount: PicoUsd): void {
    let refusal: SallyportError | undefined;
    for (const budget of path) {
      const lack = budget.lackFor(amount);
      if (!lack) continue;
      refusal ??= budgetRefusal(budget, lack, amount);
      budget.refused(lack, amount, this.#emit);
    }
    if (refusal) throw refusal;
  }

  #newHold(
    subjects: readonly string[],
    path: readonly BudgetState[],
    holdId: string,
    amount: PicoUsd,
    ttlMs: number,
  ): Hold {
    const hold: Hold = {
      holdId,
      amountPicoUsd: amount,
      charges: path.map((budget) => budget.charge),
      subjects,
      path,
      expiresAtMonotonicMs: this.#clock.monotonicMs() + ttlMs,
      renew: () => {
        hold.expiresAtMonotonicMs = this.#clock.monotonicMs() + ttlMs;
        return this.#holds.get(holdId) === hold;
      },
      settle: (cost) => this.#end(hold, picoUsd(cost)),
      release: () => this.#end(hold, ZERO_USD).applied,
    };
    return hold;
  }

  #end(hold: Hold, cost: PicoUsd): Settlement {
    if (this.#holds.get(hold.holdId) !== hold) return NOT_APPLIED;
    this.#holds.delete(hold.holdId);
    const wallMs = this.#clock.wallMs();
    for (const [index, budget] of hold.path.entries()) {
      const charge = hold.charges[index];
      budget.roll(wallMs);
      if (charge) budget.settle(charge, hold.amountPicoUsd, cost);
    }
    for (const budget of hold.path) this.#report(budget);
    if (cost <= hold.amountPicoUsd) return WITHIN_HOLD;
    return { applied: true, overrunPicoUsd: subtract(cost, hold.amountPicoUsd) };
  }

  /** Says what is due of every budget: a recovery may have charged calls that an earlier process had not told of. */
  announce(): void {
    for (const budget of this.#budgets.values()) {
      budget.roll(this.#clock.wallMs());
      this.#report(budget);
    }
  }

  /** Says what is due. An event that the journal refuses stays due, and must not make a settlement fail that has happened. */
  #report(budget: BudgetState): void {
    try {
      budget.tellOverrun(this.#emit);
      budget.alert(this.#emit);
      budget.reconsider(this.#emit);
    } catch {
      // NOTE: a journal that cannot be written refuses the next call by itself; the event is tried again with the next change.
    }
  }

  #get(budgetId: string): BudgetState {
    const budget = this.#budgets.get(budgetId);
    if (!budget) throw new SallyportError('not_found', `There is no budget "${budgetId}".`);
    budget.roll(this.#clock.wallMs());
    return budget;
  }
}

/** Throws `input.invalid` unless a budget may have this limit. */
export function checkLimit(limit: bigint): void {
  if (limit > 0n && limit <= MAX_BUDGET) return;
  throw new SallyportError('input.invalid', 'A budget must be above 0 and at most 1,000,000 USD.');
}
