import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import type { ClockEvent } from '../audit/entry.ts';
import { parseUsd } from '../core/money.ts';
import { Budgets } from './budgets.ts';
import { AGREE_MS, MAX_ABSENCE_MS, MAX_JUMP_MS, SteadyClock } from './steady-clock.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.parse('2026-11-21T23:50:00Z');

function setUp() {
  const time = { mono: 5000.25, wall: START };
  const events: ClockEvent[] = [];
  const steady = new SteadyClock({
    clock: { monotonicMs: () => time.mono, wallMs: () => time.wall },
    emit: (event) => events.push(event),
  });
  const pass = (ms: number) => {
    time.mono += ms;
    time.wall += ms;
  };
  /** As the housekeeping does: looks every second. */
  const watch = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      pass(1000);
      steady.wallMs();
    }
  };
  return { time, events, steady, pass, watch };
}

test.each([61_000, -61_000, 30 * HOUR, -30 * HOUR])(
  'a jump by %d ms stops the time for budgets, and is on record once',
  (jump) => {
    const { time, events, steady, pass } = setUp();
    pass(5000);
    expect(steady.wallMs()).toBe(START + 5000);
    time.wall += jump;
    for (let look = 0; look < 5; look += 1) {
      expect(steady.wallMs()).toBe(START + 5000);
      pass(MINUTE);
    }
    expect(events).toEqual([
      { action: 'clock.jumped', principal: 'system', jumpMs: jump, stoppedAt: '2026-11-21T23:50:05.000Z' },
    ]);
    expect(steady.state).toEqual({ stoppedAtMs: START + 5000, jumpMs: jump });
  },
);

test('a difference of up to a minute is none: the wall clock counts as it is', () => {
  const { time, events, steady } = setUp();
  time.wall += MAX_JUMP_MS;
  expect(steady.wallMs()).toBe(START + MAX_JUMP_MS);
  time.wall -= 2 * MAX_JUMP_MS;
  expect(steady.wallMs()).toBe(START - MAX_JUMP_MS);
  expect(events).toEqual([]);
});

test('many small jumps are one large one; a clock that is slewed is none', () => {
  const creeping = setUp();
  for (let step = 0; step < 3; step += 1) {
    creeping.time.wall += 25_000;
    creeping.pass(1000);
    creeping.steady.wallMs();
  }
  expect(creeping.events.map(({ action }) => action)).toEqual(['clock.jumped']);
  const slewed = setUp();
  for (let second = 0; second < 50_000; second += 1) {
    slewed.time.wall += 5;
    slewed.pass(1000);
    slewed.steady.wallMs();
  }
  expect(slewed.events).toEqual([]);
});

test('periods go on by themselves when the clock has agreed for ten minutes, counted anew after another jump', () => {
  const { time, events, steady, watch } = setUp();
  time.wall += 30 * HOUR;
  watch(AGREE_MS - MINUTE);
  time.wall += HOUR;
  watch(AGREE_MS - MINUTE);
  expect(steady.state).toEqual({ stoppedAtMs: START, jumpMs: 31 * HOUR });
  watch(2 * MINUTE);
  expect(steady.wallMs()).toBe(time.wall);
  expect(events.map(({ action, jumpMs }) => [action, jumpMs])).toEqual([
    ['clock.jumped', 30 * HOUR],
    ['clock.resumed', 31 * HOUR],
  ]);
});

test('a jump that is undone is forgotten at once', () => {
  const { time, steady, pass } = setUp();
  time.wall += 30 * HOUR;
  expect(steady.wallMs()).toBe(START);
  pass(MINUTE);
  time.wall -= 30 * HOUR;
  expect(steady.wallMs()).toBe(START + MINUTE);
});

test('a confirmed time counts at once; confirming what nobody doubts is not recorded', () => {
  const { time, events, steady } = setUp();
  expect(steady.confirm('user:o')).toBe(false);
  time.wall += HOUR;
  expect(steady.confirm('user:o')).toBe(true);
  expect(steady.wallMs()).toBe(START + HOUR);
  expect(events.map(({ action, principal }) => [action, principal])).toEqual([
    ['clock.jumped', 'system'],
    ['clock.resumed', 'user:o'],
  ]);
});

test('no jump gives a spent budget a new period, or an old one back', () => {
  const { time, steady, pass } = setUp();
  const budgets = new Budgets({ clock: steady, emit: () => undefined });
  const limitPicoUsd = parseUsd('1');
  budgets.define({ id: 'd', subject: 'org', period: 'day', zone: 'UTC', limitPicoUsd, onCap: 'refuse' });
  const reserve = (id: string) => budgets.reserve(['org'], id, limitPicoUsd, HOUR);
  reserve('a').settle(limitPicoUsd);
  time.wall += 24 * HOUR;
  expect(() => reserve('b')).toThrow('2026-11-22');
  expect(budgets.view('d').period).toBe('2026-11-21');
  time.wall -= 24 * HOUR;
  pass(15 * MINUTE);
  const next = reserve('c');
  expect(next.charges).toEqual([{ budget: 'd', period: '2026-11-22' }]);
  next.settle(limitPicoUsd);
  // Back over midnight: no matter how the clock is trusted again, the old day stays closed.
  time.wall -= 48 * HOUR;
  steady.confirm('user:o');
  expect(() => reserve('e')).toThrow('no room');
  expect(budgets.view('d')).toMatchObject({ period: '2026-11-22', spentPicoUsd: limitPicoUsd });
});

test('whatever the clock does, the time stands still or is the wall clock, and never moves more than a minute off its course unseen', () => {
  const move = fc.oneof(
    { weight: 6, arbitrary: fc.record({ pass: fc.integer({ min: 0, max: 5 * MINUTE }) }) },
    { weight: 2, arbitrary: fc.record({ jump: fc.integer({ min: -50 * HOUR, max: 50 * HOUR }) }) },
    { weight: 1, arbitrary: fc.record({ jump: fc.integer({ min: -2 * MINUTE, max: 2 * MINUTE }) }) },
  );
  const run = fc.property(fc.array(move, { maxLength: 80 }), (moves) => {
    const { time, events, steady, pass } = setUp();
    let last = steady.wallMs();
    let resumed = 0;
    for (const given of moves) {
      if ('pass' in given) pass(given.pass);
      else time.wall += given.jump;
      const expected = last + ('pass' in given ? given.pass : 0);
      const now = steady.wallMs();
      const { stoppedAtMs } = steady.state;
      expect(now).toBe(stoppedAtMs ?? time.wall);
      const resumes = events.filter(({ action }) => action === 'clock.resumed').length;
      // Without an entry in the journal, the time moves as the monotonic clock does, give or take the jump that is let through.
      if (resumes === resumed && stoppedAtMs === null)
        expect(Math.abs(now - expected)).toBeLessThanOrEqual(2 * MAX_JUMP_MS);
      if (stoppedAtMs !== null && resumes === resumed)
        expect(now).toBeLessThanOrEqual(expected + 2 * MAX_JUMP_MS);
      resumed = resumes;
      last = now;
    }
    const actions = events.map(({ action }) => action);
    expect(
      actions.every((action, index) => action === (index % 2 === 0 ? 'clock.jumped' : 'clock.resumed')),
    ).toBe(true);
  });
  fc.assert(run, { numRuns: 500 });
});

const DAY = 24 * HOUR;

/** A process that starts at `wall`, after one whose journal ended at START. */
function startAt(wall: number) {
  const time = { mono: 5000.25, wall };
  const events: ClockEvent[] = [];
  const clock = { monotonicMs: () => time.mono, wallMs: () => time.wall };
  const steady = new SteadyClock({ clock, lastEntryMs: START, emit: (event) => events.push(event) });
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1000) {
      time.mono += 1000;
      time.wall += 1000;
      steady.wallMs();
    }
  };
  return { time, events, steady, pass };
}

test.each([-MAX_JUMP_MS, 0, 1000, HOUR, 30 * DAY, MAX_ABSENCE_MS])(
  'a process that starts %d ms after the last entry believes its clock',
  (ms) => {
    const { events, steady } = startAt(START + ms);
    expect(steady.wallMs()).toBe(START + ms);
    expect([events, steady.state.stoppedAtMs]).toEqual([[], null]);
  },
);

test('a process without a journal believes its clock', () => {
  const clock = { monotonicMs: () => 5, wallMs: () => START + 5000 * DAY };
  expect(new SteadyClock({ clock, lastEntryMs: null, emit: () => undefined }).wallMs()).toBe(
    START + 5000 * DAY,
  );
});

test.each([-2 * MAX_JUMP_MS, -HOUR, -400 * DAY, MAX_ABSENCE_MS + 1, 5000 * DAY])(
  'a clock that is %d ms off the last entry at the start stops the time at the earlier of the two, with an alarm',
  (ms) => {
    const { events, steady, pass } = startAt(START + ms);
    const stoppedAtMs = Math.min(START, START + ms);
    expect(steady.wallMs()).toBe(stoppedAtMs);
    expect(events).toEqual([
      {
        action: 'clock.jumped',
        principal: 'system',
        jumpMs: ms,
        stoppedAt: new Date(stoppedAtMs).toISOString(),
      },
    ]);
    pass(MINUTE / 2);
    expect(steady.state).toEqual({ stoppedAtMs, jumpMs: ms });
    expect(events).toHaveLength(1);
  },
);

test('a start behind the journal is believed after ten minutes; one years ahead of it only by an operator', () => {
  const behind = startAt(START - HOUR);
  behind.pass(AGREE_MS - 1000);
  expect(behind.steady.wallMs()).toBe(START - HOUR);
  behind.pass(2000);
  expect(behind.steady.wallMs()).toBe(behind.time.wall);
  const ahead = startAt(START + 5000 * DAY);
  ahead.pass(3 * AGREE_MS);
  expect(ahead.steady.wallMs()).toBe(START);
  expect(ahead.steady.confirm('user:o')).toBe(true);
  expect(ahead.steady.wallMs()).toBe(ahead.time.wall);
  expect(ahead.events.at(-1)).toMatchObject({
    action: 'clock.resumed',
    principal: 'user:o',
    jumpMs: 5000 * DAY,
  });
});

test('a clock that is put right after the start is believed at once', () => {
  for (const wrong of [-400 * DAY, 5000 * DAY]) {
    const { time, events, steady, pass } = startAt(START + wrong);
    pass(5000);
    time.wall = START + 2 * HOUR;
    expect(steady.wallMs()).toBe(START + 2 * HOUR);
    expect(events.map(({ action, principal }) => [action, principal])).toEqual([
      ['clock.jumped', 'system'],
      ['clock.resumed', 'system'],
    ]);
    // And watched from then on, as ever.
    time.wall += HOUR;
    expect(steady.wallMs()).toBeLessThan(START + 2 * HOUR + MINUTE);
  }
});

test('entries that were written with a clock years ahead begin no period after a restart with the right one', () => {
  const { steady, pass } = startAt(START - 1500 * DAY);
  const status = {
    period: '2022-10',
    spentPicoUsd: parseUsd('10'),
    overrunPicoUsd: 0n,
    alertedPercent: 95,
    exhausted: false,
    paused: false,
  };
  const budgets = new Budgets({ clock: steady, emit: () => undefined, statuses: new Map([['b', status]]) });
  const definition = { id: 'b', subject: 'team:chat', zone: 'UTC', onCap: 'refuse' } as const;
  budgets.define({ ...definition, period: 'month', limitPicoUsd: parseUsd('10') });
  for (let half = 0; half < 3; half += 1) {
    expect(() => budgets.reserve(['team:chat'], 'h', parseUsd('1'), 1000)).toThrow('no room');
    expect(budgets.view('b').period).toBe('2022-10');
    pass(AGREE_MS / 2 + 1000);
  }
});

test('a process that starts years ahead gives no spent budget a new period', () => {
  const { time, steady } = startAt(START + 5000 * DAY);
  const status = {
    period: '2026-11',
    spentPicoUsd: parseUsd('10'),
    overrunPicoUsd: 0n,
    alertedPercent: 95,
    exhausted: false,
    paused: false,
  };
  const budgets = new Budgets({ clock: steady, emit: () => undefined, statuses: new Map([['b', status]]) });
  budgets.define({
    id: 'b',
    subject: 'team:chat',
    period: 'month',
    zone: 'UTC',
    limitPicoUsd: parseUsd('10'),
    onCap: 'refuse',
  });
  expect(() => budgets.reserve(['team:chat'], 'h', parseUsd('1'), 1000)).toThrow('no room');
  expect(budgets.view('b').period).toBe('2026-11');
  steady.confirm('user:o');
  budgets.reserve(['team:chat'], 'h', parseUsd('1'), 1000);
  expect(budgets.view('b').period).toBe(new Date(time.wall).toISOString().slice(0, 7));
});
