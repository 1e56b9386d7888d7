import { expect, spyOn, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import type { BudgetEvent } from '../audit/entry.ts';
import type { CallMatch } from '../audit/store.ts';
import type { Authenticator } from '../core/authenticator.ts';
import type { SallyportError } from '../core/errors.ts';
import { type PicoUsd, parseUsd } from '../core/money.ts';
import { encodeTuple } from '../core/tuple.ts';
import { type ControlEntry, RecordBook } from '../records/records.ts';
import type { RecordRow, TrustRow } from '../records/store.ts';
import { Trust } from '../records/trust.ts';
import { Ledger, budgetId } from './ledger.ts';
import { RateLimits } from './rates.ts';
import type { BudgetStatus } from './status.ts';

const usd = parseUsd;
const tag: Authenticator['tag'] = (fields) =>
  Buffer.concat([Buffer.alloc(4), createHmac('sha256', 'test').update(encodeTuple(fields)).digest()]);
const authenticator: Authenticator = {
  terms: [0],
  tag,
  verify: (fields, given) => tag(fields).equals(given),
};

/** What outlives a process. */
class Disk {
  readonly rows = new Map<string, RecordRow>();
  trust: TrustRow | null = null;
  full = false;
  /** Runs while an entry is made durable. */
  journaling: () => Promise<void> = () => Promise.resolve();
  readonly control: ControlEntry[] = [];
}

function start(
  options: {
    disk?: Disk;
    statuses?: Map<string, BudgetStatus>;
    spent?: PicoUsd;
    calls?: number;
    /** Runs while what was spent is looked up. */
    asking?: () => Promise<void>;
  } = {},
) {
  const disk = options.disk ?? new Disk();
  const rows = [...disk.rows.values()];
  const trust = Trust.open(authenticator, disk.trust, { records: rows.map((row) => row.mac), statuses: [] });
  const store = {
    loadRecords: () => Promise.resolve(rows),
    loadTrust: () => Promise.resolve(disk.trust),
    commitRecords: (changed: readonly RecordRow[], trustRow: TrustRow) => {
      if (disk.full) return Promise.reject(new Error('no space left'));
      for (const row of changed) disk.rows.set(row.id, row);
      disk.trust = trustRow;
      return Promise.resolve();
    },
  };
  const records = new RecordBook({ store, authenticator, trust }, rows);
  records.attachJournal((entry) => {
    disk.control.push(entry);
    return disk.journaling().then(() => () => {});
  });
  const events: BudgetEvent[] = [];
  /** What calls cost that ended since the question. */
  const ended = { spent: 0n };
  let open = 0;
  const asked: [CallMatch, number][] = [];
  const counted: [CallMatch, number, number][] = [];
  const clock = { mono: 0, wall: Date.parse('2026-11-21T12:00:00Z') };
  const ledger = new Ledger({
    clock: { monotonicMs: () => clock.mono, wallMs: () => clock.wall },
    records,
    statuses: options.statuses ?? new Map(),
    emit: (event) => events.push(event),
    spending: async (calls, sinceMs) => {
      asked.push([calls, sinceMs]);
      open += 1;
      await options.asking?.();
      return {
        since: (fromMs) => (fromMs > sinceMs ? 0n : (options.spent ?? 0n)) + ended.spent,
        [Symbol.dispose]: () => void (open -= 1),
      };
    },
    callsBetween: (...between) => {
      counted.push(between);
      return Promise.resolve(options.calls ?? 0);
    },
  });
  return { disk, ledger, events, asked, counted, clock, records, ended, stillOpen: () => open };
}

const MONTH = { subject: 'team:chat', period: 'month', limitPicoUsd: usd('10') } as const;

test('a budget is a record: set, in force, and there again after a restart', async () => {
  const { ledger, disk, events } = start();
  const view = await ledger.setBudget('user:o', MONTH);
  expect(view).toMatchObject({
    definition: { id: 'team-chat-month', subject: 'team:chat', period: 'month', onCap: 'pause' },
    limitPicoUsd: usd('10'),
    state: 'active',
  });
  expect(disk.control).toMatchObject([{ action: 'budget.set', principal: 'user:o' }]);
  expect(disk.control[0]?.records[0]?.body).toEqual({
    id: 'team-chat-month',
    subject: 'team:chat',
    period: 'month',
    zone: 'UTC',
    limitPicoUsd: '10000000000000',
    onCap: 'pause',
    createdAt: '2026-11-21T12:00:00.000Z',
  });
  expect(events.map((event) => event.action)).toEqual(['budget.opened']);
  const status = {
    period: '2026-11',
    spentPicoUsd: usd('4'),
    overrunPicoUsd: 0n,
    alertedPercent: 0,
    exhausted: false,
    paused: false,
  };
  const restarted = start({ disk, statuses: new Map([['team-chat-month', status]]) });
  await restarted.ledger.openHistory();
  expect(restarted.asked).toEqual([]);
  expect(restarted.ledger.list('team:chat')).toMatchObject([
    { spentPicoUsd: usd('4'), limitPicoUsd: usd('10') },
  ]);
  expect(() => restarted.ledger.reserve(['team:chat'], 'h', usd('7'), 1000)).toThrow('no room');
});

test('a new budget starts with what its subject spent in this period', async () => {
  const { ledger, asked, events } = start({ spent: usd('6') });
  const view = await ledger.setBudget('user:o', MONTH);
  expect(asked).toEqual([[{ team: 'chat' }, Date.parse('2026-11-01T00:00:00Z')]]);
  expect(view.spentPicoUsd).toBe(usd('6'));
  expect(events[0]).toMatchObject({
    action: 'budget.opened',
    principal: 'user:o',
    deltaPicoUsd: '6000000000000',
  });
  expect(() => ledger.reserve(['team:chat'], 'h', usd('4.01'), 1000)).toThrow('no room');
});

test('calls that end at any step of a set-up are in the new budget, and so are those that still run', async () => {
  const disk = new Disk();
  const rig = start({ disk, spent: usd('1'), asking: () => step('asked') });
  const { ledger, ended, stillOpen } = rig;
  const steps: string[] = [];
  let number = 0;
  /** One call begins and ends here, one that ran before ends, and one begins and goes on. */
  const before = Array.from({ length: 3 }, (_, n) =>
    ledger.reserve(['team:chat'], `b${n}`, usd('0.5'), 1000),
  );
  async function step(name: string): Promise<void> {
    steps.push(name);
    await Promise.resolve();
    number += 1;
    const short = ledger.reserve(['team:chat'], `s${number}`, usd('0.7'), 1000);
    for (const call of [short, before[number]!]) {
      expect(call.settle(usd('0.1')).applied).toBe(true);
      ended.spent += usd('0.1');
    }
    ledger.reserve(['team:chat'], `l${number}`, usd('0.25'), 1000);
  }
  disk.journaling = () => step('journaled');
  const view = await ledger.setBudget('user:o', MONTH);
  expect(steps).toEqual(['asked', 'journaled']);
  // Spent before, four that ended meanwhile, and the holds of one that ran before and two that began meanwhile.
  expect(view.spentPicoUsd).toBe(usd('2.4'));
  expect(rig.events.filter(({ action }) => action === 'budget.opened')).toMatchObject([
    { deltaPicoUsd: usd('2.4').toString() },
  ]);
  expect(stillOpen()).toBe(0);
  before[0]!.settle(usd('0.2'));
  expect(ledger.view('team-chat-month').spentPicoUsd).toBe(usd('2.4'));
});

test('no call is let in by a budget that is in force but does not know yet what was spent', async () => {
  const disk = new Disk();
  const { ledger, records } = start({ disk, spent: usd('9.99') });
  const seen: unknown[] = [];
  // In the very step in which the budget comes into force, and in each microtask after it.
  records.subscribe('budget', () => {
    const attempt = (): void => {
      try {
        ledger.reserve(['team:chat'], `h${seen.length}`, usd('0.02'), 1000);
        seen.push('let in');
      } catch (error) {
        seen.push((error as SallyportError).code);
      }
    };
    attempt();
    let turn = Promise.resolve();
    for (let n = 0; n < 20; n += 1) turn = turn.then(attempt);
  });
  await ledger.setBudget('user:o', { ...MONTH, onCap: 'refuse' });
  await Bun.sleep(0);
  expect(seen).toEqual(Array<string>(21).fill('budget.exceeded'));
});

test('a period that begins while its budget is set up starts with what ended in it', async () => {
  const { ledger, clock, ended } = start({
    spent: usd('6'),
    asking: () => {
      clock.wall = Date.parse('2026-12-01T00:00:00Z');
      ended.spent += usd('0.1');
      return Promise.resolve();
    },
  });
  expect(await ledger.setBudget('user:o', MONTH)).toMatchObject({
    period: '2026-12',
    spentPicoUsd: usd('0.1'),
  });
});

test('a set-up that fails lets the tables go on, and leaves no budget', async () => {
  const disk = new Disk();
  const { ledger, stillOpen } = start({ disk });
  disk.journaling = () => Promise.reject(new Error('no space left'));
  await ledger.setBudget('user:o', MONTH).catch(() => undefined);
  expect([stillOpen(), ledger.list()]).toEqual([0, []]);
  disk.journaling = () => Promise.resolve();
  expect(await ledger.setBudget('user:o', MONTH)).toMatchObject({ state: 'active' });
});

test('a budget whose set-up a crash interrupted is opened at the next start, once', async () => {
  const { ledger, disk } = start();
  await ledger.setBudget('user:o', MONTH);
  const restarted = start({ disk, spent: usd('4') });
  await restarted.ledger.openHistory();
  await restarted.ledger.openHistory();
  expect(restarted.events.map(({ action, deltaPicoUsd }) => [action, deltaPicoUsd])).toEqual([
    ['budget.opened', '4000000000000'],
  ]);
});

test('two simultaneous set-ups of one budget open it once', async () => {
  const { ledger, events } = start({ spent: usd('2') });
  await Promise.all([
    ledger.setBudget('user:o', MONTH),
    ledger.setBudget('user:p', { ...MONTH, limitPicoUsd: usd('20') }),
  ]);
  expect(events.filter((event) => event.action === 'budget.opened')).toHaveLength(1);
  expect(ledger.view('team-chat-month')).toMatchObject({ spentPicoUsd: usd('2'), limitPicoUsd: usd('20') });
});

test('a new budget that the database could not take is in force, with what was spent before', async () => {
  const disk = new Disk();
  const { ledger } = start({ disk, spent: usd('6') });
  disk.full = true;
  const error = await ledger.setBudget('user:o', MONTH).catch((thrown: unknown) => thrown);
  expect((error as SallyportError).code).toBe('store.unavailable');
  expect(ledger.view('team-chat-month')).toMatchObject({ limitPicoUsd: usd('10'), spentPicoUsd: usd('6') });
});

test('a change keeps what it does not name; a raised limit ends exhaustion but no pause', async () => {
  const { ledger, disk, events } = start();
  await ledger.setBudget('user:o', { ...MONTH, onCap: 'refuse' });
  await ledger.setBudget('user:o', { ...MONTH, period: 'total' });
  expect(() => ledger.reserve(['team:chat'], 'h', usd('11'), 1000)).toThrow('no room');
  expect(ledger.list().map((view) => view.state)).toEqual(['exhausted', 'paused']);
  const lowered = await ledger.setBudget('user:p', { ...MONTH, limitPicoUsd: usd('9') });
  expect(lowered).toMatchObject({ state: 'exhausted', definition: { onCap: 'refuse' } });
  const raised = await ledger.setBudget('user:p', { ...MONTH, limitPicoUsd: usd('50') });
  expect(raised.state).toBe('active');
  expect(events.at(-1)).toMatchObject({
    action: 'budget.resumed',
    principal: 'user:p',
    budget: 'team-chat-month',
  });
  const total = await ledger.setBudget('user:p', { ...MONTH, period: 'total', limitPicoUsd: usd('50') });
  expect(total.state).toBe('paused');
  expect(disk.rows.get('team-chat-month')?.revision).toBe(3);
  expect(ledger.resume('team-chat-total', 'user:p')).toBe(true);
  ledger.reserve(['team:chat'], 'h', usd('11'), 1000);
});

test('a budget that cannot be is refused before anything is written', async () => {
  const { ledger, disk } = start();
  const wrong = [
    { ...MONTH, limitPicoUsd: 0n as PicoUsd },
    { ...MONTH, limitPicoUsd: usd('1000000.01') },
    { ...MONTH, subject: 'team' },
    { ...MONTH, subject: 'team:a b' },
    { ...MONTH, subject: '' },
  ];
  for (const request of wrong) {
    const error = await ledger.setBudget('user:o', request).catch((thrown: unknown) => thrown);
    expect((error as SallyportError).code).toBe('input.invalid');
  }
  expect(disk.control).toEqual([]);
  expect(ledger.list()).toEqual([]);
});

test('different subjects and periods never share an id', () => {
  expect(budgetId('team:chat', 'month')).toBe('team-chat-month');
  expect(budgetId('token:chat-month', 'day')).not.toBe(budgetId('token:chat', 'month'));
  expect(budgetId('team:a-b', 'day')).toBe('team-a-b-day');
});

test('a record that this version does not understand refuses to start', async () => {
  const good = { ...MONTH, limitPicoUsd: '5', onCap: 'pause', createdAt: '2026-11-21T12:00:00.000Z' };
  const bad = [
    { ...good, id: 'b', zone: 'Europe/Rome' },
    { ...good, id: 'b', limitPicoUsd: '0' },
    { ...good, id: 'b', period: 'week' },
    { ...good, id: 'b' },
  ];
  for (const body of bad) {
    const { disk, records } = start();
    const change = records.change('budget.set', 'user:o', () => [{ kind: 'budget', id: 'b', body }]);
    await change.catch(() => undefined);
    expect(() => start({ disk })).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  }
});

test('one sweep frees idle limits and returns the reservations of lost calls', async () => {
  const { ledger, clock } = start();
  await ledger.setBudget('user:o', MONTH);
  ledger.limits.setSubjectLimits('token:t', { rateLimitRpm: 2, concurrency: 1 });
  const admission = ledger.limits.admit(['team:chat', 'token:t'], 0);
  expect(ledger.limits.states(['team:chat', 'token:t']).requests).toMatchObject({
    subject: 'token:t',
    remaining: 1,
  });
  expect(() => ledger.limits.admit(['team:chat', 'token:t'], 0)).toThrow('token:t');
  admission.release();
  const lost = ledger.reserve(['team:chat', 'token:t'], 'h', usd('1'), 1000);
  clock.mono += 1000;
  const forget = spyOn(RateLimits.prototype, 'sweep');
  expect(ledger.sweep()).toEqual([lost]);
  expect(forget).toHaveBeenCalledTimes(1);
  forget.mockRestore();
  lost.settle(lost.amountPicoUsd);
  ledger.adjust('team-chat-month', -BigInt(usd('0.5')), 'the call never left', 'user:o');
  expect(ledger.view('team-chat-month').spentPicoUsd).toBe(usd('0.5'));
  expect(ledger.sweep()).toEqual([]);
});

test('a daily limit goes on where the last process was, and a limit that was taken away counts no more', async () => {
  const { ledger, disk, counted, clock } = start({ calls: 3 });
  const day = Date.parse('2026-11-21T00:00:00Z');
  expect(await ledger.limits.set('user:o', 'team:chat', { rateLimitRPD: 5 })).toMatchObject({
    rateLimitRPD: 5,
    today: { count: 3 },
  });
  expect(counted).toEqual([[{ team: 'chat' }, day, clock.wall + 1]]);
  const admission = ledger.limits.admit(['team:chat'], 0);
  admission.started();
  admission.release();
  // Never started: as if it had not been.
  ledger.limits.admit(['team:chat'], 0).release();
  expect(ledger.limits.view('team:chat').today?.count).toBe(4);
  const restarted = start({ disk, calls: 4 });
  await restarted.ledger.openHistory();
  expect(restarted.counted).toEqual([[{ team: 'chat' }, day, Number.MAX_SAFE_INTEGER]]);
  expect(restarted.ledger.limits.view('team:chat').today?.count).toBe(4);
  await restarted.ledger.limits.set('user:o', 'team:chat', { rateLimitRPD: null });
  for (let call = 0; call < 10; call += 1) restarted.ledger.limits.admit(['team:chat'], 0).started();
});

test('a call that one limit refuses counts for no other', async () => {
  const { ledger } = start();
  const { limits } = ledger;
  await limits.set('user:o', 'team:chat', { rateLimitRPD: 9, rateLimitTPM: 1000 });
  limits.setSubjectLimits('token:t', { rateLimitRpm: null, concurrency: 1 });
  const path = ['token:t', 'team:chat'];
  const first = limits.admit(path, 100);
  first.started();
  for (let call = 0; call < 5; call += 1) expect(() => limits.admit(path, 100)).toThrow('at the same time');
  for (let call = 0; call < 5; call += 1)
    expect(() => limits.admit(path, 1001)).toThrow('more than the 1000');
  expect(limits.states(path)).toMatchObject({ requests: { remaining: 8 }, tokens: { remaining: 900 } });
  first.settle(30);
  first.release();
  expect(limits.states(path).tokens?.remaining).toBe(970);
});

test('what a recovery charged is told at the start, though no call comes: each threshold once', async () => {
  const { disk, ledger } = start();
  await ledger.setBudget('local', MONTH);
  const spent = { period: '2026-11', spentPicoUsd: usd('8.5'), overrunPicoUsd: 0n, alertedPercent: 50 };
  const statuses = new Map([['team-chat-month', { ...spent, exhausted: false, paused: false }]]);
  const next = start({ disk, statuses });
  await next.ledger.openHistory();
  expect(next.events.map(({ action, percent }) => `${action} ${percent}`)).toEqual(['budget.alert 80']);
  // A month later nothing of it is due.
  const later = start({ disk, statuses });
  later.clock.wall = Date.parse('2026-12-02T00:00:00Z');
  await later.ledger.openHistory();
  expect(later.events).toEqual([]);
});
