/**
 * One budget in memory: what is spent, what running calls hold, and when it speaks up. Money moves here and nowhere else; the rules for
 * what the journal keeps are those of status.ts.
 */
import type { BudgetEvent, Charge } from '../audit/entry.ts';
import type { PicoUsd } from '../core/money.ts';
import { type Period, periodKey, periodSpan } from './period.ts';
import { type BudgetStatus, changeSpent, rollOver } from './status.ts';

export const ON_CAP = ['pause', 'refuse'] as const;

export interface BudgetDefinition {
  readonly id: string;
  /** Whose calls count: see subjects.ts. */
  readonly subject: string;
  readonly period: Period;
  /** IANA name of the time zone whose calendar the period follows. */
  readonly zone: string;
  readonly limitPicoUsd: PicoUsd;
  /** What the first refusal for lack of budget does: stop all calls until a resume, or nothing beyond refusing what does not fit. */
  readonly onCap: (typeof ON_CAP)[number];
}

export interface BudgetView {
  readonly definition: BudgetDefinition;
  readonly period: string;
  readonly limitPicoUsd: PicoUsd;
  readonly spentPicoUsd: PicoUsd;
  readonly heldPicoUsd: PicoUsd;
  /** The part of what is spent that was above what had been held for its calls. */
  readonly overrunPicoUsd: PicoUsd;
  readonly state: 'active' | 'warned' | 'exhausted' | 'paused';
  /** The highest threshold alerted in this period, 0 when none. */
  readonly alertedPercent: number;
}

/** Why a call does not fit: the budget is paused, what is spent leaves no room, or only other calls' holds are in the way. */
export type Lack = 'paused' | 'spent' | 'held';

/** Takes an event into the journal. May throw when the journal cannot be written. */
export type EmitBudgetEvent = (event: BudgetEvent) => void;

export const ALERT_PERCENTS = [50, 80, 95] as const;
/** The principal of what no person did. */
const SYSTEM = 'system';

export class BudgetState {
  #definition: BudgetDefinition;
  #status: BudgetStatus;
  #charge: Charge;
  #periodEndMs: number;
  #spent: bigint;
  #overrun: bigint;
  /** What the first overrun of the period was, until it is announced. */
  #overrunDue: bigint | null = null;
  #held = 0n;
  #liveHolds = 0;
  #nextAlertAt: bigint | null = null;
  /** The smallest amount that was refused only because of other calls' holds, until they show whether it would have fitted. */
  #deferred: bigint | null = null;

  constructor(definition: BudgetDefinition, status: BudgetStatus | undefined, wallMs: number) {
    this.#definition = definition;
    this.#status = status ?? rollOver(undefined, periodKey(definition.period, wallMs, definition.zone));
    this.#spent = this.#status.spentPicoUsd;
    this.#overrun = this.#status.overrunPicoUsd;
    this.#charge = { budget: definition.id, period: this.#status.period };
    this.#periodEndMs = periodSpan(this.#status.period, definition.zone).endMs;
    this.#armAlert();
  }

  get definition(): BudgetDefinition {
    return this.#definition;
  }

  /** The charge of a reservation made now. The same object for the whole period, so identity tells periods apart. */
  get charge(): Charge {
    return this.#charge;
  }

  get spentPicoUsd(): bigint {
    return this.#spent;
  }

  get heldPicoUsd(): bigint {
    return this.#held;
  }

  /** What the journal knows about this budget. */
  get status(): BudgetStatus {
    return { ...this.#status, spentPicoUsd: this.#spent, overrunPicoUsd: this.#overrun };
  }

  get view(): BudgetView {
    const { period, alertedPercent, paused, exhausted } = this.#status;
    const open = alertedPercent > 0 ? 'warned' : 'active';
    return {
      definition: this.#definition,
      period,
      limitPicoUsd: this.#definition.limitPicoUsd,
      spentPicoUsd: this.#spent as PicoUsd,
      heldPicoUsd: this.#held as PicoUsd,
      overrunPicoUsd: this.#overrun as PicoUsd,
      state: paused ? 'paused' : exhausted ? 'exhausted' : open,
      alertedPercent,
    };
  }

  /** In another zone, the period that runs keeps its name and what is spent in it; it ends when that zone's calendar says so. */
  redefine(definition: BudgetDefinition): void {
    this.#definition = definition;
    this.#periodEndMs = periodSpan(this.#status.period, definition.zone).endMs;
    this.#armAlert();
  }

  /** Starts the period of `wallMs` if it is a newer one. Holds of the old period no longer count: their calls are charged to it. */
  roll(wallMs: number): void {
    // INVARIANT: a wall clock that was set back never reopens a period, so no limit is spent twice over.
    if (wallMs < this.#periodEndMs) return;
    const { id, period: kind, zone } = this.#definition;
    const period = periodKey(kind, wallMs, zone);
    this.#status = rollOver(this.#status, period);
    this.#charge = { budget: id, period };
    this.#periodEndMs = periodSpan(period, zone).endMs;
    this.#spent = 0n;
    this.#overrun = 0n;
    this.#overrunDue = null;
    this.#held = 0n;
    this.#liveHolds = 0;
    this.#deferred = null;
    this.#armAlert();
  }

  /** Why `amount` does not fit, or null when it does. */
  lackFor(amount: bigint): Lack | null {
    if (this.#status.paused) return 'paused';
    const limit = this.#definition.limitPicoUsd;
    const committed = this.#spent + amount;
    if (committed > limit) return 'spent';
    return committed + this.#held > limit ? 'held' : null;
  }

  hold(amount: bigint): void {
    this.#held += amount;
    this.#liveHolds += 1;
  }

  /** Ends a hold and charges what its call cost. A hold of an older period changes nothing here: its charge belongs to that one. */
  settle(charge: Charge, amount: bigint, cost: bigint): void {
    if (charge !== this.#charge) return;
    this.#held -= amount;
    this.#liveHolds -= 1;
    this.#spent = changeSpent(this.#spent, cost);
    if (cost > amount) this.#exceed(cost - amount);
  }

  /** `spent` after a correction, and by how much it would really change. */
  corrected(delta: bigint): { readonly spent: bigint; readonly applied: bigint } {
    const spent = changeSpent(this.#spent, delta);
    return { spent, applied: spent - this.#spent };
  }

  setSpent(spent: bigint): void {
    this.#spent = spent;
  }

  /** Emits every threshold that spent + held has reached, once each. If `emit` throws, the threshold stays due. */
  alert(emit: EmitBudgetEvent): void {
    while (this.#nextAlertAt !== null && this.#spent + this.#held >= this.#nextAlertAt) {
      const percent = this.#nextPercent() ?? 0;
      emit(this.event('budget.alert', { percent }));
      this.#status = { ...this.#status, alertedPercent: percent };
      this.#armAlert();
    }
  }

  /** Emits the first overrun of a period. If `emit` throws, it stays due. */
  tellOverrun(emit: EmitBudgetEvent): void {
    if (this.#overrunDue === null) return;
    emit(this.event('budget.overrun', { overrunPicoUsd: this.#overrunDue.toString() }));
    this.#overrunDue = null;
  }

  /** A call was refused here. The 100 % event comes at once if spending alone is in the way, otherwise when the holds have ended. */
  refused(lack: Lack, amount: bigint, emit: EmitBudgetEvent): void {
    if (lack === 'spent') this.#reachCap(emit);
    if (lack === 'held' && (this.#deferred === null || amount < this.#deferred)) this.#deferred = amount;
  }

  /** Decides about a deferred 100 % event, after a hold ended or `spent` changed. If `emit` throws, it stays deferred. */
  reconsider(emit: EmitBudgetEvent): void {
    if (this.#deferred === null) return;
    if (this.#spent + this.#deferred > this.#definition.limitPicoUsd) this.#reachCap(emit);
    else if (this.#liveHolds === 0) this.#deferred = null;
  }

  /** Ends a pause or an exhausted state. The caller has journaled it. */
  reopen(): void {
    this.#status = { ...this.#status, paused: false, exhausted: false };
  }

  event(action: BudgetEvent['action'], fields: Partial<BudgetEvent> = {}): BudgetEvent {
    return {
      action,
      budget: this.#definition.id,
      period: this.#status.period,
      principal: SYSTEM,
      percent: 0,
      spentPicoUsd: this.#spent.toString(),
      heldPicoUsd: this.#held.toString(),
      limitPicoUsd: this.#definition.limitPicoUsd.toString(),
      deltaPicoUsd: '0',
      reason: null,
      ...fields,
    };
  }

  #exceed(overrun: bigint): void {
    if (this.#overrun === 0n) this.#overrunDue = overrun;
    this.#overrun = changeSpent(this.#overrun, overrun);
  }

  #reachCap(emit: EmitBudgetEvent): void {
    const pause = this.#definition.onCap === 'pause';
    if (pause && !this.#status.paused) {
      emit(this.event('budget.paused', { percent: 100 }));
      this.#status = { ...this.#status, paused: true };
    } else if (!pause && !this.#status.exhausted) {
      emit(this.event('budget.exhausted', { percent: 100 }));
      this.#status = { ...this.#status, exhausted: true };
    }
    this.#deferred = null;
  }

  #nextPercent(): number | undefined {
    return ALERT_PERCENTS.find((percent) => percent > this.#status.alertedPercent);
  }

  #armAlert(): void {
    const percent = this.#nextPercent();
    // Rounded up: the threshold is reached by amounts of at least that share.
    this.#nextAlertAt =
      percent === undefined ? null : (this.#definition.limitPicoUsd * BigInt(percent) + 99n) / 100n;
  }
}
