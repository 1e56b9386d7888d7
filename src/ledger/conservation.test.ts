/** Random histories of everything that can happen to a few budgets, checked against a plain model and against the journal. */
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { BudgetEvent, CallEnd, EntryBody } from '../audit/entry.ts';
import type { SallyportError } from '../core/errors.ts';
import { type PicoUsd, picoUsd } from '../core/money.ts';
import { ALERT_PERCENTS, type BudgetDefinition } from './budget-state.ts';
import { Budgets, type Reservation } from './budgets.ts';
import { budgetId } from './ledger.ts';
import { type Period, periodKey } from './period.ts';
import { type BudgetStatus, budgetsOf, foldStatus, rollOver } from './status.ts';

const TTL = 1000;
const START = Date.parse('2026-11-30T22:00:00Z');
const SUBJECTS = ['team:a', 'token:t', 'token:u', 'project:p', 'env:a/dev', 'org'];

function budget(
  subject: string,
  period: Period,
  limit: bigint,
  onCap: BudgetDefinition['onCap'],
  zone = 'UTC',
): BudgetDefinition {
  return { id: budgetId(subject, period), subject, period, zone, limitPicoUsd: picoUsd(limit), onCap };
}

/** Several a subject, in zones whose days and weeks begin at different moments. */
const DEFINITIONS: readonly BudgetDefinition[] = [
  budget('team:a', 'month', 900n, 'pause'),
  budget('team:a', 'total', 2500n, 'refuse'),
  budget('team:a', 'week', 1200n, 'refuse', 'Europe/Berlin'),
  budget('token:t', 'day', 400n, 'refuse'),
  budget('token:u', 'day', 300n, 'pause', 'America/New_York'),
  budget('project:p', 'day', 500n, 'refuse', 'Australia/Lord_Howe'),
  budget('env:a/dev', 'week', 900n, 'pause'),
  budget('org', 'month', 2000n, 'refuse', 'Pacific/Apia'),
];

type Step =
  | { readonly do: 'reserve'; readonly subjects: readonly string[]; readonly amount: number }
  | { readonly do: 'settle'; readonly pick: number; readonly share: number }
  | { readonly do: 'release' | 'renew'; readonly pick: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'setClock'; readonly hours: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'resume'; readonly budget: number }
  | { readonly do: 'adjust'; readonly budget: number; readonly delta: number }
  | { readonly do: 'limit'; readonly budget: number; readonly limit: number };

const index = fc.nat(1000);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      subjects: fc.subarray(SUBJECTS),
      amount: fc.nat(250),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('settle' as const), pick: index, share: fc.nat(120) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'renew' as const), pick: index }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(700) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('setClock' as const), hours: fc.integer({ min: -40, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resume' as const), budget: index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('adjust' as const),
      budget: index,
      delta: fc.integer({ min: -300, max: 300 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      budget: index,
      limit: fc.integer({ min: 1, max: 3000 }),
    }),
  },
);

/** The ledger beside a model that only adds up, and a journal that is folded. */
class World {
  readonly clock = {
    mono: 0,
    wall: START,
    monotonicMs: () => this.clock.mono,
    wallMs: () => this.clock.wall,
  };
  readonly journal: EntryBody[] = [];
  readonly statuses = new Map<string, BudgetStatus>();
  readonly limits = new Map(
    DEFINITIONS.map((definition) => [definition.id, definition.limitPicoUsd as bigint]),
  );
  readonly live: { readonly reservation: Reservation; renewedAt: number }[] = [];
  readonly ended: Reservation[] = [];
  /** By budget and period. */
  readonly charged = new Map<string, bigint>();
  readonly overruns = new Map<string, bigint>();
  readonly budgets = new Budgets({
    clock: this.clock,
    emit: (event) => this.record(event),
  });
  #holds = 0;

  constructor() {
    for (const definition of DEFINITIONS) this.budgets.define(definition);
  }

  record(entry: EntryBody): void {
    this.journal.push(entry);
    for (const budget of budgetsOf(entry)) {
      const status = foldStatus(budget, this.statuses.get(budget), entry);
      if (status) this.statuses.set(budget, status);
    }
    if (entry.action === 'budget.adjusted') {
      this.charge(entry.budget, entry.period, BigInt(entry.deltaPicoUsd));
    }
  }

  charge(budget: string, period: string, amount: bigint): void {
    const key = `${budget} ${period}`;
    this.charged.set(key, (this.charged.get(key) ?? 0n) + amount);
  }

  reserve(subjects: readonly string[], amount: bigint): void {
    const before = this.budgets.list();
    this.#holds += 1;
    try {
      const reservation = this.budgets.reserve(subjects, `h${this.#holds}`, picoUsd(amount), TTL);
      this.live.push({ reservation, renewedAt: this.clock.mono });
      for (const { budget } of reservation.charges) {
        const { spentPicoUsd, heldPicoUsd, limitPicoUsd } = this.budgets.view(budget);
        expect(spentPicoUsd + heldPicoUsd <= limitPicoUsd).toBe(true);
      }
    } catch (error) {
      expect((error as SallyportError).code).toBe('budget.exceeded');
      const needed = before.filter(({ definition }) => subjects.includes(definition.subject));
      const fits = needed.every(
        (budget) =>
          budget.state !== 'paused' &&
          budget.spentPicoUsd + budget.heldPicoUsd + amount <= budget.limitPicoUsd,
      );
      expect(fits).toBe(false);
      const held = (views: typeof before) => views.map(({ heldPicoUsd }) => heldPicoUsd);
      expect(held(this.budgets.list())).toEqual(held(before));
    }
  }

  /** Settles as the gateway does: the ledger first, the entry right after. */
  settle(reservation: Reservation, cost: bigint): void {
    const { applied, overrunPicoUsd } = reservation.settle(picoUsd(cost));
    if (this.ended.includes(reservation)) {
      expect(applied).toBe(false);
      return;
    }
    expect(applied).toBe(true);
    expect(overrunPicoUsd).toBe(
      (cost > reservation.amountPicoUsd ? cost - reservation.amountPicoUsd : 0n) as PicoUsd,
    );
    this.forget(reservation);
    for (const { budget, period } of reservation.charges) this.charge(budget, period, cost);
    for (const { budget, period } of reservation.charges) {
      const key = `${budget} ${period}`;
      this.overruns.set(key, (this.overruns.get(key) ?? 0n) + overrunPicoUsd);
    }
    this.record(callEnd(reservation, cost, overrunPicoUsd));
  }

  forget(reservation: Reservation): void {
    this.ended.push(reservation);
    this.live.splice(
      this.live.findIndex((hold) => hold.reservation === reservation),
      1,
    );
  }

  run(given: Step): void {
    const all = [...this.live.map(({ reservation }) => reservation), ...this.ended];
    const picked = 'pick' in given ? all[given.pick % Math.max(1, all.length)] : undefined;
    const budget = DEFINITIONS['budget' in given ? given.budget % DEFINITIONS.length : 0];
    if (!budget) throw new Error('no budget');
    switch (given.do) {
      case 'reserve':
        return this.reserve(given.subjects, BigInt(given.amount));
      case 'settle':
        return picked && this.settle(picked, (picked.amountPicoUsd * BigInt(given.share)) / 100n);
      case 'release':
        if (picked?.release()) this.forget(picked);
        return;
      case 'renew': {
        const hold = this.live.find(({ reservation }) => reservation === picked);
        expect(picked?.renew() ?? false).toBe(hold !== undefined);
        if (hold) hold.renewedAt = this.clock.mono;
        return;
      }
      case 'pass':
        this.clock.mono += given.ms;
        this.clock.wall += given.ms;
        return;
      case 'setClock':
        this.clock.wall += given.hours * 3_600_000;
        return;
      case 'sweep':
        return this.sweep();
      case 'resume':
        this.budgets.resume(budget.id, 'user:o');
        return;
      case 'adjust':
        return this.budgets.adjust(budget.id, BigInt(given.delta), 'test', 'user:o');
      case 'limit':
        this.limits.set(budget.id, BigInt(given.limit));
        return this.budgets.define({ ...budget, limitPicoUsd: picoUsd(BigInt(given.limit)) });
    }
  }

  sweep(): void {
    const expired = this.live.filter(({ renewedAt }) => this.clock.mono - renewedAt >= TTL);
    const swept = this.budgets.sweep();
    expect(swept).toEqual(expired.map(({ reservation }) => reservation));
    for (const reservation of swept) this.settle(reservation, reservation.amountPicoUsd);
  }

  check(): void {
    for (const view of this.budgets.list()) {
      const { id } = view.definition;
      expect(view.spentPicoUsd as bigint).toBe(this.charged.get(`${id} ${view.period}`) ?? 0n);
      expect(view.overrunPicoUsd as bigint).toBe(this.overruns.get(`${id} ${view.period}`) ?? 0n);
      const held = this.live
        .filter(({ reservation }) =>
          reservation.charges.some((c) => c.budget === id && c.period === view.period),
        )
        .reduce((sum, { reservation }) => sum + reservation.amountPicoUsd, 0n);
      expect(view.heldPicoUsd as bigint).toBe(held);
      expect(view.limitPicoUsd as bigint).toBe(this.limits.get(id) ?? 0n);
      const folded = rollOver(this.statuses.get(id), view.period);
      expect(folded).toEqual(this.budgets.status(id));
    }
    expect(this.budgets.liveHolds).toBe(this.live.length);
  }
}

function callEnd(reservation: Reservation, cost: bigint, overrun: bigint): CallEnd {
  return {
    action: 'call.end',
    id: reservation.holdId,
    result: 'success',
    errorCode: null,
    promptTokens: 1,
    completionTokens: 1,
    cachedTokens: 0,
    costPicoUsd: cost.toString(),
    basis: 'usage',
    overrunPicoUsd: overrun.toString(),
    charges: reservation.charges,
    latencyMs: 1,
    recovered: false,
  };
}

function play(steps: readonly Step[]): World {
  const world = new World();
  for (const given of steps) {
    world.run(given);
    world.check();
  }
  return world;
}

test('money is conserved, no admission goes above a limit, and the journal folds to the same state', () => {
  const run = fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
    play(steps);
  });
  fc.assert(run, { numRuns: 600 });
});

test('each alert comes once per threshold and period, in order, and a cap is announced once per period or pause', () => {
  const run = fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
    const highest = new Map<string, number>();
    const paused = new Set<string>();
    const exhausted = new Set<string>();
    const newest = new Map<string, string>();
    for (const entry of play(steps).journal) {
      if (!entry.action.startsWith('budget.')) continue;
      const event = entry as BudgetEvent;
      const key = `${event.budget} ${event.period}`;
      expect(event.period >= (newest.get(event.budget) ?? '')).toBe(true);
      newest.set(event.budget, event.period);
      if (event.action === 'budget.alert') {
        const next = ALERT_PERCENTS.find((percent) => percent > (highest.get(key) ?? 0));
        expect(event.percent).toBe(next ?? -1);
        const committed = BigInt(event.spentPicoUsd) + BigInt(event.heldPicoUsd);
        expect(committed * 100n >= BigInt(event.limitPicoUsd) * BigInt(event.percent)).toBe(true);
        highest.set(key, event.percent);
      }
      if (event.action === 'budget.paused') {
        expect(paused.has(event.budget)).toBe(false);
        paused.add(event.budget);
      }
      if (event.action === 'budget.exhausted') {
        expect(exhausted.has(key)).toBe(false);
        exhausted.add(key);
      }
      if (event.action === 'budget.resumed') {
        paused.delete(event.budget);
        exhausted.delete(key);
      }
    }
  });
  fc.assert(run, { numRuns: 300 });
});

test('a restart from the journal, at any point and clock, continues with the same money', () => {
  const hours = fc.integer({ min: -60, max: 60 });
  const run = fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), hours, (steps, shift) => {
    const world = play(steps);
    // Recovery charges what was open before anything else happens.
    for (const open of world.live.map(({ reservation }) => reservation))
      world.settle(open, open.amountPicoUsd);
    const wall = world.clock.wall + shift * 3_600_000;
    const restarted = new Budgets({
      clock: { wallMs: () => wall, monotonicMs: () => 0 },
      emit: () => {},
      statuses: world.statuses,
    });
    for (const definition of DEFINITIONS) restarted.define(definition);
    for (const { definition, period, spentPicoUsd, overrunPicoUsd } of restarted.list()) {
      const journaled = world.statuses.get(definition.id)?.period ?? '';
      const now = periodKey(definition.period, wall, definition.zone);
      expect(period).toBe(now > journaled ? now : journaled);
      const key = `${definition.id} ${period}`;
      expect(spentPicoUsd as bigint).toBe(world.charged.get(key) ?? 0n);
      expect(overrunPicoUsd as bigint).toBe(world.overruns.get(key) ?? 0n);
    }
  });
  fc.assert(run, { numRuns: 200 });
});
