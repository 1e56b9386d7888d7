import { expect, test } from 'bun:test';
import type { BudgetEvent } from '../audit/entry.ts';
import { SallyportError } from '../core/errors.ts';
import { MAX_BUDGET, type PicoUsd, parseUsd, picoUsd } from '../core/money.ts';
import type { BudgetDefinition } from './budget-state.ts';
import { Budgets } from './budgets.ts';
import type { BudgetStatus } from './status.ts';

const TTL = 60_000;
const usd = parseUsd;

class TestClock {
  mono = 5000;
  wall = Date.parse('2026-11-21T12:00:00Z');
  monotonicMs = (): number => this.mono;
  wallMs = (): number => this.wall;
}

const MONTH: BudgetDefinition = {
  id: 'team-a-month',
  subject: 'team:a',
  period: 'month',
  zone: 'UTC',
  limitPicoUsd: usd('10'),
  onCap: 'pause',
};

function setUp(
  definitions: readonly Partial<BudgetDefinition>[] = [{}],
  statuses: ReadonlyMap<string, BudgetStatus> = new Map(),
) {
  const clock = new TestClock();
  const events: BudgetEvent[] = [];
  const journal = { broken: false };
  const budgets = new Budgets({
    clock,
    statuses,
    emit: (event) => {
      if (journal.broken) throw new SallyportError('audit.unavailable', 'The journal cannot be written.');
      events.push(event);
    },
  });
  for (const definition of definitions) budgets.define({ ...MONTH, ...definition });
  let count = 0;
  const reserve = (amount: string, subjects = ['team:a']) => {
    count += 1;
    return budgets.reserve(subjects, `h${count}`, usd(amount), TTL);
  };
  const seen = () => events.map(({ action, percent }) => (percent === 0 ? action : `${action} ${percent}`));
  return { budgets, clock, events, seen, journal, reserve };
}

function refusal(run: () => unknown): SallyportError | null {
  try {
    run();
    return null;
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
}

test('two calls cannot spend the same last cent', () => {
  const { budgets, reserve } = setUp();
  reserve('9.99').settle(usd('9.99'));
  reserve('0.01');
  expect(refusal(() => reserve('0.01'))?.code).toBe('budget.exceeded');
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('9.99'), heldPicoUsd: usd('0.01') });
});

test('a call that one budget refuses holds nothing on any other', () => {
  const { budgets, reserve } = setUp([
    {},
    { id: 'token-t-day', subject: 'token:t', period: 'day', limitPicoUsd: usd('1'), onCap: 'refuse' },
    { id: 'team-a-total', period: 'total', limitPicoUsd: usd('2') },
  ]);
  const path = ['team:a', 'token:t'];
  expect(refusal(() => reserve('1.5', path))?.message).toContain('token-t-day');
  expect(budgets.list().map((budget) => budget.heldPicoUsd)).toEqual([0n, 0n, 0n] as PicoUsd[]);
  const reservation = reserve('0.5', path);
  expect(reservation.charges).toEqual([
    { budget: 'team-a-month', period: '2026-11' },
    { budget: 'team-a-total', period: 'total' },
    { budget: 'token-t-day', period: '2026-11-21' },
  ]);
  reservation.settle(usd('0.2'));
  expect(budgets.list('team:a').map((budget) => budget.spentPicoUsd)).toEqual([usd('0.2'), usd('0.2')]);
});

test('a refusal names the budget, its amounts, the reset and what to do', () => {
  const { reserve } = setUp([{ onCap: 'refuse' }]);
  reserve('4').settle(usd('4'));
  reserve('3');
  const byHolds = refusal(() => reserve('5'));
  expect(byHolds).toMatchObject({ code: 'budget.exceeded', retryable: false });
  expect(byHolds?.message).toBe(
    'The budget team-a-month has no room for this call: $4.00 spent and calls in flight hold $3.00 of $10.00; the call may cost up to $5.00. It resets at 2026-12-01T00:00:00.000Z.',
  );
  expect(byHolds?.fix).toContain('running calls have ended');
  expect(refusal(() => reserve('7'))?.message).toContain('$4.00 spent and $3.00 held of $10.00');
});

test('settling and releasing happen once in total, and say so', () => {
  const { budgets, reserve } = setUp();
  const reservation = reserve('5');
  expect(reservation.settle(usd('2'))).toEqual({ applied: true, overrunPicoUsd: 0n as PicoUsd });
  expect(reservation.settle(usd('2'))).toEqual({ applied: false, overrunPicoUsd: 0n as PicoUsd });
  expect(reservation.release()).toBe(false);
  expect(reservation.renew()).toBe(false);
  const released = reserve('5');
  expect(released.release()).toBe(true);
  expect(released.release()).toBe(false);
  expect(released.settle(usd('5')).applied).toBe(false);
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('2'), heldPicoUsd: 0n });
});

test('an ended reservation cannot end a later one with the same id', () => {
  const { budgets } = setUp();
  const first = budgets.reserve(['team:a'], 'same', usd('1'), TTL);
  expect(refusal(() => budgets.reserve(['team:a'], 'same', usd('1'), TTL))?.code).toBe('gateway.internal');
  first.release();
  budgets.reserve(['team:a'], 'same', usd('3'), TTL);
  expect(first.settle(usd('1')).applied).toBe(false);
  expect(budgets.view('team-a-month').heldPicoUsd).toBe(usd('3'));
});

test('a cost above the hold is charged in full and reported', () => {
  const { budgets, reserve } = setUp();
  const running = reserve('9');
  expect(running.settle(usd('12.5'))).toEqual({ applied: true, overrunPicoUsd: usd('3.5') });
  expect(budgets.view('team-a-month').spentPicoUsd).toBe(usd('12.5'));
  expect(refusal(() => reserve('0'))?.code).toBe('budget.exceeded');
});

test('a renewed hold never expires; one that is not renewed is returned until it is settled', () => {
  const { budgets, clock, reserve } = setUp();
  const stream = reserve('1');
  const lost = reserve('2');
  for (let second = 0; second < 600; second += 30) {
    clock.mono += 30_000;
    expect(stream.renew()).toBe(true);
  }
  expect(budgets.sweep().map((hold) => hold.holdId)).toEqual([lost.holdId]);
  expect(budgets.sweep()).toEqual([lost]);
  expect(budgets.view('team-a-month').heldPicoUsd).toBe(usd('3'));
  for (const hold of budgets.sweep()) hold.settle(hold.amountPicoUsd);
  expect(budgets.sweep()).toEqual([]);
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('2'), heldPicoUsd: usd('1') });
  expect(lost.settle(usd('0.1')).applied).toBe(false);
});

test('each threshold of spent + held is announced once a period, several at once each', () => {
  const { reserve, seen, clock, events } = setUp();
  reserve('4.999999999999').release();
  expect(seen()).toEqual([]);
  reserve('5').settle(usd('1'));
  reserve('5').settle(usd('1'));
  expect(seen()).toEqual(['budget.alert 50']);
  expect(events[0]).toMatchObject({ spentPicoUsd: '0', heldPicoUsd: '5000000000000', principal: 'system' });
  reserve('8').release();
  expect(seen()).toEqual(['budget.alert 50', 'budget.alert 80', 'budget.alert 95']);
  clock.wall = Date.parse('2026-12-01T00:00:00Z');
  reserve('9.5').release();
  expect(seen().slice(3)).toEqual(['budget.alert 50', 'budget.alert 80', 'budget.alert 95']);
  expect(events.at(-1)?.period).toBe('2026-12');
});

test('a threshold that is no whole number of pico-dollars is not reached too early', () => {
  const { budgets, seen } = setUp([{ limitPicoUsd: picoUsd(3n) }]);
  budgets.reserve(['team:a'], 'one', picoUsd(1n), TTL);
  expect(seen()).toEqual([]);
  budgets.reserve(['team:a'], 'two', picoUsd(1n), TTL);
  expect(seen()).toEqual(['budget.alert 50']);
});

test('an overrun and a correction can reach a threshold too', () => {
  const { budgets, reserve, seen } = setUp();
  reserve('1').settle(usd('8'));
  expect(seen()).toEqual(['budget.overrun', 'budget.alert 50', 'budget.alert 80']);
  budgets.adjust('team-a-month', usd('1.5'), 'late bill', 'user:o');
  expect(seen().slice(3)).toEqual(['budget.adjusted', 'budget.alert 95']);
});

test('a call that spending leaves no room for pauses the budget at once; only a resume lets calls in again', () => {
  const { budgets, reserve, seen, clock } = setUp();
  const running = reserve('6');
  running.settle(usd('6'));
  expect(refusal(() => reserve('5'))?.message).toContain('has no room');
  expect(seen()).toEqual(['budget.alert 50', 'budget.paused 100']);
  expect(refusal(() => reserve('0.01'))?.message).toContain('is paused');
  clock.wall = Date.parse('2027-01-01T00:00:00Z');
  expect(refusal(() => reserve('0.01'))?.fix).toContain('sallyport budget resume team-a-month');
  expect(budgets.view('team-a-month')).toMatchObject({
    state: 'paused',
    period: '2027-01',
    spentPicoUsd: 0n,
  });
  expect(budgets.resume('team-a-month', 'user:o')).toBe(true);
  expect(budgets.resume('team-a-month', 'user:o')).toBe(false);
  reserve('0.01');
  expect(seen().slice(2)).toEqual(['budget.resumed']);
});

test('a pause that ends without more room comes again with the next refusal', () => {
  const { budgets, reserve, seen } = setUp();
  reserve('9').settle(usd('9'));
  expect(refusal(() => reserve('5'))).not.toBeNull();
  budgets.resume('team-a-month', 'user:o');
  expect(refusal(() => reserve('5'))).not.toBeNull();
  expect(seen().filter((event) => event === 'budget.paused 100')).toHaveLength(2);
});

test('an exhausted budget says so once, still takes what fits, and starts afresh with the period', () => {
  const { budgets, reserve, seen, clock } = setUp([{ onCap: 'refuse' }]);
  reserve('9').settle(usd('9'));
  for (let call = 0; call < 3; call += 1) expect(refusal(() => reserve('5'))?.code).toBe('budget.exceeded');
  expect(seen()).toEqual(['budget.alert 50', 'budget.alert 80', 'budget.exhausted 100']);
  reserve('0.5').release();
  expect(budgets.view('team-a-month').state).toBe('exhausted');
  clock.wall = Date.parse('2026-12-01T00:00:00Z');
  expect(budgets.view('team-a-month')).toMatchObject({ state: 'active', spentPicoUsd: 0n });
});

test('a refusal that only running calls cause refuses, but does not pause', () => {
  const { budgets, reserve, seen } = setUp();
  const running = reserve('4');
  expect(refusal(() => reserve('7'))?.message).toContain('calls in flight hold $4.00');
  expect(seen()).toEqual([]);
  running.settle(usd('3'));
  expect(seen()).toEqual([]);
  expect(budgets.view('team-a-month').state).toBe('active');
  reserve('7').release();
});

test('a deferred refusal pauses as soon as spending alone would have refused it', () => {
  const { budgets, reserve, seen } = setUp();
  const [first, second] = [reserve('2'), reserve('2')];
  expect(refusal(() => reserve('9'))).not.toBeNull();
  expect(refusal(() => reserve('7'))).not.toBeNull();
  expect(refusal(() => reserve('8'))).not.toBeNull();
  first?.settle(usd('2'));
  expect(seen()).toEqual([]);
  second?.settle(usd('1.000000000001'));
  expect(seen()).toEqual(['budget.paused 100']);
  expect(budgets.view('team-a-month').state).toBe('paused');
});

test('a deferred refusal that came true is over: after a resume, later settlements do not pause again', () => {
  const { budgets, reserve, seen } = setUp();
  const [first, second] = [reserve('4'), reserve('1')];
  expect(refusal(() => reserve('7'))).not.toBeNull();
  first?.settle(usd('4'));
  expect(seen()).toEqual(['budget.alert 50', 'budget.paused 100']);
  budgets.resume('team-a-month', 'user:o');
  second?.settle(usd('1'));
  expect(seen().slice(2)).toEqual(['budget.resumed']);
});

test('a deferred refusal is forgotten when the holds end and it would have fitted', () => {
  const { reserve, seen } = setUp();
  const running = reserve('4');
  expect(refusal(() => reserve('7'))).not.toBeNull();
  running.release();
  reserve('4').settle(usd('4'));
  expect(seen()).toEqual([]);
});

test('a deferred refusal ends with its period', () => {
  const { reserve, seen, clock, budgets } = setUp();
  const running = reserve('4');
  expect(refusal(() => reserve('7'))).not.toBeNull();
  clock.wall = Date.parse('2026-12-01T00:00:00Z');
  reserve('4').settle(usd('4'));
  running.settle(usd('4'));
  expect(seen()).toEqual([]);
  expect(budgets.view('team-a-month').state).toBe('active');
});

test('a correction decides about a deferred refusal', () => {
  const { budgets, reserve, seen } = setUp([{ onCap: 'refuse' }]);
  reserve('4');
  expect(refusal(() => reserve('7'))).not.toBeNull();
  budgets.adjust('team-a-month', usd('3.5'), 'late bill', 'user:o');
  expect(seen()).toEqual(['budget.adjusted', 'budget.alert 50', 'budget.exhausted 100']);
});

test('a call belongs to the period of its reservation', () => {
  const { budgets, reserve, clock } = setUp([{}, { id: 'team-a-total', period: 'total' }]);
  const running = reserve('3');
  clock.wall = Date.parse('2026-12-01T00:00:00Z');
  reserve('1');
  running.settle(usd('2'));
  expect(budgets.view('team-a-month')).toMatchObject({
    period: '2026-12',
    spentPicoUsd: 0n,
    heldPicoUsd: usd('1'),
  });
  expect(budgets.view('team-a-total')).toMatchObject({ spentPicoUsd: usd('2'), heldPicoUsd: usd('1') });
  expect(running.charges[0]).toEqual({ budget: 'team-a-month', period: '2026-11' });
});

test('a clock that goes back never reopens a period', () => {
  const { budgets, reserve, clock } = setUp();
  reserve('6').settle(usd('6'));
  clock.wall = Date.parse('2026-12-01T00:00:00Z');
  reserve('5').settle(usd('5'));
  clock.wall = Date.parse('2026-11-30T00:00:00Z');
  expect(reserve('1').charges[0]?.period).toBe('2026-12');
  clock.wall = Date.parse('2026-12-02T00:00:00Z');
  expect(budgets.view('team-a-month')).toMatchObject({ period: '2026-12', spentPicoUsd: usd('5') });
});

test('a restart with an older clock keeps the newest period of the journal', () => {
  const status = {
    period: '2027-03',
    spentPicoUsd: usd('9'),
    overrunPicoUsd: usd('1'),
    alertedPercent: 80,
    exhausted: false,
    paused: false,
  };
  const { budgets, reserve, seen } = setUp([{}], new Map([['team-a-month', status]]));
  expect(budgets.view('team-a-month')).toMatchObject({
    period: '2027-03',
    spentPicoUsd: usd('9'),
    state: 'warned',
  });
  expect(reserve('0.5').charges[0]?.period).toBe('2027-03');
  expect(seen()).toEqual(['budget.alert 95']);
});

test('a restart in a newer period starts with nothing spent, but still paused', () => {
  const status = {
    period: '2026-10',
    spentPicoUsd: usd('9'),
    overrunPicoUsd: usd('1'),
    alertedPercent: 95,
    exhausted: true,
    paused: true,
  };
  const { budgets } = setUp([{}], new Map([['team-a-month', status]]));
  expect(budgets.view('team-a-month')).toMatchObject({
    period: '2026-11',
    spentPicoUsd: 0n,
    state: 'paused',
  });
});

test('a limit lowered under what is spent and held stops new calls; running ones finish', () => {
  const { budgets, reserve } = setUp();
  reserve('4').settle(usd('4'));
  const running = reserve('3');
  budgets.define({ ...MONTH, limitPicoUsd: usd('5') });
  expect(refusal(() => reserve('0.1'))?.message).toContain('of $5.00');
  expect(running.renew()).toBe(true);
  expect(running.settle(usd('3'))).toEqual({ applied: true, overrunPicoUsd: 0n as PicoUsd });
  budgets.define({ ...MONTH, limitPicoUsd: usd('20') });
  budgets.resume('team-a-month', 'user:o');
  reserve('13');
});

test('a budget is above 0 and at most the maximum, and keeps its subject and period', () => {
  const { budgets } = setUp();
  for (const limit of [0n, -1n, MAX_BUDGET + 1n]) {
    const run = () => budgets.define({ ...MONTH, limitPicoUsd: limit as PicoUsd });
    expect(refusal(run)?.code).toBe('input.invalid');
  }
  budgets.define({ ...MONTH, limitPicoUsd: MAX_BUDGET });
  expect(refusal(() => budgets.define({ ...MONTH, subject: 'team:b' }))?.code).toBe('conflict');
  expect(refusal(() => budgets.view('nothing'))?.code).toBe('not_found');
});

test('a correction is journaled as what it changed, never below zero, with a reason', () => {
  const { budgets, reserve, events } = setUp();
  reserve('3').settle(usd('3'));
  budgets.adjust('team-a-month', -BigInt(usd('1')), ' refund ', 'user:o');
  budgets.adjust('team-a-month', -BigInt(usd('50')), 'refund', 'user:o');
  expect(budgets.view('team-a-month').spentPicoUsd).toBe(0n as PicoUsd);
  expect(events.map(({ deltaPicoUsd, spentPicoUsd }) => [deltaPicoUsd, spentPicoUsd])).toEqual([
    ['-1000000000000', '2000000000000'],
    ['-2000000000000', '0'],
  ]);
  expect(events[0]).toMatchObject({ principal: 'user:o', reason: 'refund', percent: 0 });
  expect(refusal(() => budgets.adjust('team-a-month', 1n, '  ', 'user:o'))?.code).toBe('input.invalid');
  expect(refusal(() => budgets.adjust('team-a-month', 2n ** 63n, 'x', 'user:o'))?.code).toBe('input.invalid');
});

test('amounts at the edge of int64 neither wrap nor stop a settlement', () => {
  const most = picoUsd(2n ** 63n - 1n);
  const { budgets, reserve } = setUp([{ limitPicoUsd: MAX_BUDGET }]);
  expect(refusal(() => budgets.reserve(['team:a'], 'x', most, TTL))?.code).toBe('budget.exceeded');
  budgets.resume('team-a-month', 'user:o');
  const [first, second] = [reserve('1'), reserve('1')];
  expect(first?.settle(most).overrunPicoUsd).toBe((most - usd('1')) as PicoUsd);
  expect(second?.settle(most).applied).toBe(true);
  expect(budgets.view('team-a-month').spentPicoUsd).toBe(most);
  expect(refusal(() => budgets.reserve(['team:a'], 'y', 1n as PicoUsd, TTL))?.code).toBe('budget.exceeded');
});

test('the whole limit can be held, and not one pico-dollar more', () => {
  const { budgets } = setUp([{ limitPicoUsd: MAX_BUDGET }]);
  budgets.reserve(['team:a'], 'all', MAX_BUDGET, TTL);
  budgets.reserve(['team:a'], 'none', 0n as PicoUsd, TTL);
  expect(refusal(() => budgets.reserve(['team:a'], 'more', 1n as PicoUsd, TTL))?.code).toBe(
    'budget.exceeded',
  );
});

test('a budget opened in mid-period starts with what was spent before and what is in flight', () => {
  const { budgets, reserve, events } = setUp([{ id: 'team-a-total', period: 'total' }]);
  const running = reserve('2');
  budgets.define(MONTH);
  budgets.open('team-a-month', usd('3'), 'user:o');
  const later = reserve('1');
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('5'), heldPicoUsd: usd('1') });
  expect(events[0]).toMatchObject({
    action: 'budget.opened',
    deltaPicoUsd: '5000000000000',
    principal: 'user:o',
  });
  running.settle(usd('1'));
  later.settle(usd('1'));
  expect(budgets.view('team-a-month').spentPicoUsd).toBe(usd('6'));
});

test('a call that a new budget already holds is not counted again when it is opened', () => {
  const { budgets, reserve } = setUp();
  reserve('2');
  budgets.open('team-a-month', usd('1'), 'user:o');
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('1'), heldPicoUsd: usd('2') });
});

test('a subject that is named twice is charged once', () => {
  const { budgets, reserve } = setUp();
  const reservation = reserve('2', ['team:a', 'team:a']);
  expect(reservation.charges).toHaveLength(1);
  reservation.settle(usd('1'));
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('1'), heldPicoUsd: 0n });
});

test('without a journal nothing is admitted or changed, and what is running still settles', () => {
  const { budgets, reserve, journal, seen } = setUp();
  const running = reserve('4');
  journal.broken = true;
  expect(refusal(() => reserve('2'))?.code).toBe('audit.unavailable');
  expect(budgets.view('team-a-month').heldPicoUsd).toBe(usd('4'));
  expect(refusal(() => reserve('20'))?.code).toBe('audit.unavailable');
  expect(refusal(() => budgets.adjust('team-a-month', 5n, 'x', 'user:o'))?.code).toBe('audit.unavailable');
  expect(running.settle(usd('6')).applied).toBe(true);
  expect(budgets.view('team-a-month')).toMatchObject({ spentPicoUsd: usd('6'), state: 'active' });
  journal.broken = false;
  reserve('1').release();
  // Both were due, and are told as soon as they can be.
  expect(seen()).toEqual(['budget.alert 50', 'budget.overrun']);
});

test('a path without budgets is admitted and holds nothing', () => {
  const { budgets, reserve } = setUp();
  const reservation = reserve('5', ['team:other', 'token:x']);
  expect(reservation.charges).toEqual([]);
  expect(reservation.settle(usd('7'))).toEqual({ applied: true, overrunPicoUsd: usd('2') });
  expect(budgets.liveHolds).toBe(0);
});

test('a day of 23 and one of 25 hours are one period each, and a call stays in the one it was reserved in', () => {
  const { budgets, clock, reserve } = setUp([{ id: 'd', period: 'day', zone: 'Europe/Berlin' }]);
  const spent = () => [budgets.view('d').period, budgets.view('d').spentPicoUsd];
  clock.wall = Date.parse('2027-03-27T23:00:00Z');
  const first = reserve('1');
  clock.wall = Date.parse('2027-03-28T21:59:59.999Z');
  reserve('2').settle(usd('2'));
  expect(spent()).toEqual(['2027-03-28', usd('2')]);
  clock.wall += 1;
  expect(spent()).toEqual(['2027-03-29', usd('0')]);
  first.settle(usd('1'));
  expect(spent()).toEqual(['2027-03-29', usd('0')]);
  clock.wall = Date.parse('2027-10-30T22:00:00Z');
  reserve('3').settle(usd('3'));
  clock.wall = Date.parse('2027-10-31T22:59:59.999Z');
  expect(spent()).toEqual(['2027-10-31', usd('3')]);
  clock.wall += 1;
  expect(spent()).toEqual(['2027-11-01', usd('0')]);
});

test('a budget that moves to another zone keeps its period until that one ends there', () => {
  const { budgets, clock, reserve } = setUp([{ id: 'd', period: 'day', zone: 'Asia/Tokyo' }]);
  clock.wall = Date.parse('2026-11-21T15:00:00Z');
  reserve('4').settle(usd('4'));
  budgets.define({ ...MONTH, id: 'd', period: 'day', zone: 'America/New_York' });
  expect(budgets.view('d')).toMatchObject({ period: '2026-11-22', spentPicoUsd: usd('4') });
  clock.wall = Date.parse('2026-11-23T04:59:59.999Z');
  expect(budgets.view('d').period).toBe('2026-11-22');
  clock.wall += 1;
  expect(budgets.view('d')).toMatchObject({ period: '2026-11-23', spentPicoUsd: usd('0') });
});

test('what calls cost above their holds is added up per period, and its first time is told', () => {
  const { budgets, clock, events, reserve, seen } = setUp([{}, { id: 'd', period: 'day' }]);
  reserve('1').settle(usd('1'));
  reserve('1').settle(usd('1.25'));
  reserve('1').settle(usd('1.5'));
  const overruns = () => budgets.list().map(({ overrunPicoUsd }) => overrunPicoUsd);
  expect(overruns()).toEqual([usd('0.75'), usd('0.75')]);
  expect(seen()).toEqual(['budget.overrun', 'budget.overrun']);
  expect(events[0]).toMatchObject({
    budget: 'team-a-month',
    overrunPicoUsd: usd('0.25').toString(),
    spentPicoUsd: usd('2.25').toString(),
    deltaPicoUsd: '0',
  });
  // A call of yesterday changes nothing of today.
  const late = reserve('1');
  clock.wall += 86_400_000;
  late.settle(usd('2'));
  expect(overruns()).toEqual([usd('1.75'), usd('0')]);
  reserve('0.5').settle(usd('0.6'));
  expect(seen().filter((action) => action === 'budget.overrun')).toHaveLength(3);
});
