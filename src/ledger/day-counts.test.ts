import { expect, test } from 'bun:test';
import { DayCounts } from './day-counts.ts';

const HOUR = 3_600_000;

function setUp(limit: number, zone = 'UTC', start = '2026-11-21T12:00:00Z') {
  const clock = { wall: Date.parse(start), wallMs: () => clock.wall, monotonicMs: () => 0 };
  const days = new DayCounts(clock);
  const open = days.setLimit('team:a', limit, zone);
  const take = (calls: number) => Array.from({ length: calls }, () => days.take(['team:a']));
  return { clock, days, open, take, refused: () => days.refusal(['token:t', 'team:a']) };
}

test('a day has its calls and no more; the refusal says when the next one begins, and invites no retry', () => {
  const { clock, take, refused } = setUp(3, 'Europe/Berlin');
  take(2);
  expect(refused()).toBeNull();
  take(1);
  expect(refused()).toMatchObject({ code: 'limit.rate', retryable: false, retryAfterSeconds: undefined });
  expect(refused()?.fix).toContain('2026-11-21T23:00:00.000Z');
  clock.wall = Date.parse('2026-11-21T22:59:59.999Z');
  expect(refused()).not.toBeNull();
  clock.wall += 1;
  expect(refused()).toBeNull();
});

test('a clock that goes back gives nobody a second day', () => {
  const { clock, take, refused } = setUp(2);
  clock.wall += 24 * HOUR;
  take(2);
  clock.wall -= 24 * HOUR;
  expect(refused()).not.toBeNull();
});

test('a call that was never started is taken back, but not from another day', () => {
  const { clock, days, take } = setUp(5);
  const [first, second] = take(2);
  first?.();
  first?.();
  expect(days.view('team:a')?.count).toBe(1);
  clock.wall += 24 * HOUR;
  take(1);
  second?.();
  expect(days.view('team:a')?.count).toBe(1);
});

test('a new limit asks for the calls the day had before; a changed one keeps its count; another zone asks again', () => {
  const { clock, days, open, take, refused } = setUp(10);
  expect(open?.sinceMs).toBe(Date.parse('2026-11-21T00:00:00Z'));
  expect(open?.untilMs).toBe(clock.wall + 1);
  take(1);
  open?.add(8);
  expect(days.view('team:a')?.count).toBe(9);
  expect(days.setLimit('team:a', 9, 'UTC')).toBeNull();
  expect(refused()).not.toBeNull();
  const moved = days.setLimit('team:a', 9, 'Asia/Tokyo');
  expect(moved?.sinceMs).toBe(Date.parse('2026-11-20T15:00:00Z'));
  // What was found for the day in the old zone is of no use any more.
  open?.add(5);
  expect(days.view('team:a')?.count).toBe(0);
  days.setLimit('team:a', null, 'UTC');
  expect(refused()).toBeNull();
  expect(days.view('team:a')).toBeNull();
});

test('0 refuses all', () => {
  expect(setUp(0).refused()?.message).toContain('switched off');
});

test('what is left and the end of the day are told', () => {
  const { days, take } = setUp(10);
  take(4);
  expect(days.tightest(['token:t', 'team:a'])).toEqual({
    subject: 'team:a',
    limit: 10,
    remaining: 6,
    resetMs: 12 * HOUR,
  });
});
