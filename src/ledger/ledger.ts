/**
 * Limits and money of every call, in memory and synchronous: nothing on a call's path waits here. Budgets are control-plane records; what
 * was spent comes from the journal. There are no timers: the caller ticks `sweep`.
 */
import { z } from 'zod';
import type { Spending } from '../audit/spending.ts';
import type { CallMatch } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { type PicoUsd, picoUsd } from '../core/money.ts';
import type { StoredRecord } from '../records/records.ts';
import { type BudgetDefinition, type BudgetView, type EmitBudgetEvent, ON_CAP } from './budget-state.ts';
import { Budgets, type Reservation, checkLimit } from './budgets.ts';
import { Limits, type LimitsDeps } from './limits.ts';
import { PERIODS, type Period, periodStartMs } from './period.ts';
import type { BudgetStatus } from './status.ts';
import { checkSubject, SUBJECT, callsOf } from './subjects.ts';
import { checkZone, isZone, UTC } from './zone.ts';

export interface LedgerDeps extends LimitsDeps {
  /** Its wall time rules periods: see steady-clock.ts. */
  readonly clock: Clock;
  /** By budget, from the journal (`BudgetProjection.statuses` after the replay). */
  readonly statuses: ReadonlyMap<string, BudgetStatus>;
  /** Takes an event into the journal, in the same synchronous step as the change it reports. */
  readonly emit: EmitBudgetEvent;
  /** What calls of a subject cost since a time: what a budget that is set up in mid-period starts with. */
  readonly spending: (calls: CallMatch, sinceMs: number) => Promise<Spending>;
}

/** A budget that is being set up. */
interface SetUp {
  readonly id: string;
  readonly principal: string;
  readonly spending: Spending;
}

export interface BudgetRequest {
  readonly subject: string;
  readonly period: Period;
  readonly limitPicoUsd: PicoUsd;
  /** IANA name. A new budget without it is in UTC; a changed one keeps what it has. */
  readonly zone?: string;
  /** A new budget without it pauses; a changed one keeps what it has. */
  readonly onCap?: BudgetDefinition['onCap'];
}

const budgetBody = z.strictObject({
  id: z.string(),
  subject: z.string().regex(SUBJECT),
  period: z.enum(PERIODS),
  zone: z.string().refine(isZone, 'this runtime does not know the time zone').default(UTC),
  limitPicoUsd: z.string().regex(/^[1-9]\d{0,18}$/),
  onCap: z.enum(ON_CAP),
  createdAt: z.iso.datetime(),
});
type BudgetBody = z.infer<typeof budgetBody>;

export class Ledger {
  readonly #deps: LedgerDeps;
  /** Requests, tokens and calls at once. */
  readonly limits: Limits;
  readonly #budgets: Budgets;
  /** Budgets whose first entry, what their subject had spent before, is not in the journal yet. */
  readonly #unopened = new Set<string>();
  #setUp: SetUp | null = null;
  /** The end of the last change: one budget is set at a time. */
  #tail: Promise<unknown> = Promise.resolve();

  /** Throws `config.invalid` for a budget record that this version does not understand. */
  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.limits = new Limits(deps);
    this.#budgets = new Budgets(deps);
    deps.records.subscribe('budget', (record) => this.#load(record));
  }

  /** See `Budgets.reserve`. */
  reserve(subjects: readonly string[], holdId: string, amount: PicoUsd, ttlMs: number): Reservation {
    return this.#budgets.reserve(subjects, holdId, amount, ttlMs);
  }

  /** Call every second or so: frees idle memory and returns the reservations of lost calls. See `Budgets.sweep`. */
  sweep(): Reservation[] {
    // Also without calls, a clock that was set is noticed within the second.
    this.#deps.clock.wallMs();
    this.limits.sweep();
    return this.#budgets.sweep();
  }

  /**
   * Creates the budget of a subject and period, or changes its limit and cap rule; in force when this resolves. A raised limit ends the
   * exhausted state but not a pause, which needs `resume`. Throws `input.invalid`, or what RecordBook.change throws.
   */
  setBudget(principal: string, request: BudgetRequest): Promise<BudgetView> {
    const run = this.#tail.then(() => this.#setBudget(principal, request));
    this.#tail = run.catch(() => undefined);
    return run;
  }

  async #setBudget(principal: string, request: BudgetRequest): Promise<BudgetView> {
    const id = budgetId(request.subject, request.period);
    checkLimit(request.limitPicoUsd);
    const zone = request.zone === undefined ? undefined : checkZone(request.zone);
    using spending = this.#budgets.has(id) ? null : await this.#spendingOf({ ...request, zone: zone ?? UTC });
    if (spending) this.#setUp = { id, principal, spending };
    let raised = false;
    try {
      await this.#deps.records.change('budget.set', principal, () => {
        const record = this.#deps.records.get('budget', id);
        const current = record && parseBody(record);
        raised = current !== undefined && request.limitPicoUsd > BigInt(current.limitPicoUsd);
        return [{ kind: 'budget', id, body: this.#bodyFor(id, request, zone, current) }];
      });
    } finally {
      this.#setUp = null;
    }
    if (raised && this.#budgets.view(id).state === 'exhausted') this.#budgets.resume(id, principal);
    return this.#budgets.view(id);
  }

  /**
   * Opens budgets whose set-up a crash interrupted, and counts the calls of this day for daily limits. Call after the replay and recovery, before the first call is admitted.
   */
  async openHistory(): Promise<void> {
    for (const id of this.#unopened) {
      const { definition } = this.#budgets.view(id);
      using spending = await this.#spendingOf(definition);
      this.#open(definition, spending, 'system');
    }
    this.#unopened.clear();
    await this.limits.countToday(Number.MAX_SAFE_INTEGER);
    this.#budgets.announce();
  }

  /** See `Budgets.resume`. */
  resume(budget: string, principal: string): boolean {
    return this.#budgets.resume(budget, principal);
  }

  /** See `Budgets.adjust`. */
  adjust(budget: string, delta: bigint, reason: string, principal: string): void {
    this.#budgets.adjust(budget, delta, reason, principal);
  }

  /** See `Budgets.shared`. */
  sharedBudgets(max: number): BudgetView[] {
    return this.#budgets.shared(max);
  }

  /** Money of running calls, and of how many. */
  get holds(): { readonly count: number; readonly heldPicoUsd: bigint } {
    return { count: this.#budgets.liveHolds, heldPicoUsd: this.#budgets.heldPicoUsd };
  }

  /** Throws `not_found`. */
  view(budget: string): BudgetView {
    return this.#budgets.view(budget);
  }

  /** All budgets, or those of one subject. */
  list(subject?: string): BudgetView[] {
    return this.#budgets.list(subject);
  }

  #load(record: StoredRecord): void {
    const body = parseBody(record);
    const { id, subject, period, zone, onCap } = body;
    const isNew = !this.#budgets.has(id) && !this.#deps.statuses.has(id);
    const definition = { id, subject, period, zone, limitPicoUsd: picoUsd(BigInt(body.limitPicoUsd)), onCap };
    this.#budgets.define(definition);
    if (!isNew) return;
    // INVARIANT: in force and opened in one step. No call may end, or be let in, between the two.
    if (this.#setUp?.id === id) this.#open(definition, this.#setUp.spending, this.#setUp.principal);
    else this.#unopened.add(id);
  }

  #open(definition: BudgetDefinition, spending: Spending, principal: string): void {
    const spentBefore = spending.since(this.#periodStartOf(definition));
    this.#budgets.open(definition.id, picoUsd(spentBefore), principal);
  }

  #spendingOf(of: Pick<BudgetDefinition, 'subject' | 'period' | 'zone'>): Promise<Spending> {
    return this.#deps.spending(callsOf(of.subject), this.#periodStartOf(of));
  }

  #periodStartOf({ period, zone }: Pick<BudgetDefinition, 'period' | 'zone'>): number {
    return periodStartMs(period, this.#deps.clock.wallMs(), zone);
  }

  #bodyFor(
    id: string,
    request: BudgetRequest,
    zone: string | undefined,
    current: BudgetBody | undefined,
  ): BudgetBody {
    return {
      id,
      subject: request.subject,
      period: request.period,
      zone: zone ?? current?.zone ?? UTC,
      limitPicoUsd: request.limitPicoUsd.toString(),
      onCap: request.onCap ?? current?.onCap ?? 'pause',
      createdAt: current?.createdAt ?? new Date(this.#deps.clock.wallMs()).toISOString(),
    };
  }
}

/** The one budget of a subject and period: `team:chat` and `month` give `team-chat-month`. Throws `input.invalid`. */
export function budgetId(subject: string, period: Period): string {
  return `${checkSubject(subject).replace(':', '-')}-${period}`;
}

function parseBody(record: StoredRecord): BudgetBody {
  const parsed = budgetBody.safeParse(record.body);
  if (
    parsed.success &&
    parsed.data.id === record.id &&
    record.id === budgetId(parsed.data.subject, parsed.data.period)
  ) {
    return parsed.data;
  }
  throw new SallyportError(
    'config.invalid',
    `The budget record "${record.id}" is not one that this version understands.`,
    {
      fix: 'Start the version of Sallyport that wrote it.',
      ...(parsed.error && { detail: z.prettifyError(parsed.error) }),
    },
  );
}
