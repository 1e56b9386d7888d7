import { expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import type { BudgetEvent, CallEnd, Entry } from '../audit/entry.ts';
import type { BudgetStatusRow } from '../audit/store.ts';
import type { Authenticator } from '../core/authenticator.ts';
import { encodeTuple } from '../core/tuple.ts';
import { BudgetProjection } from './projection.ts';
import { foldStatus } from './status.ts';

function authenticator(key = 'test'): Authenticator {
  const tag: Authenticator['tag'] = (fields) =>
    Buffer.concat([Buffer.alloc(4), createHmac('sha256', key).update(encodeTuple(fields)).digest()]);
  return { terms: [0], tag, verify: (fields, given) => tag(fields).equals(given) };
}

let seq = 0;
function placed(body: CallEnd | BudgetEvent): Entry {
  seq += 1;
  return { ...body, seq, at: '2026-11-21T12:00:00.000Z' };
}

function end(cost: bigint, ...charges: [budget: string, period: string][]): Entry {
  return placed({
    action: 'call.end',
    id: 'req_1',
    result: 'success',
    errorCode: null,
    promptTokens: 1,
    completionTokens: 1,
    cachedTokens: 0,
    costPicoUsd: cost.toString(),
    basis: 'usage',
    overrunPicoUsd: '0',
    charges: charges.map(([budget, period]) => ({ budget, period })),
    latencyMs: 1,
    recovered: false,
  });
}

function event(action: BudgetEvent['action'], fields: Partial<BudgetEvent> = {}): Entry {
  return placed({
    action,
    budget: 'b',
    period: '2026-11',
    principal: 'system',
    percent: 0,
    spentPicoUsd: '0',
    heldPicoUsd: '0',
    limitPicoUsd: '100',
    deltaPicoUsd: '0',
    reason: null,
    ...fields,
  });
}

/** A table that does what the projection says, and counts the MACs it holds. */
class Table {
  readonly rows = new Map<string, BudgetStatusRow>();
  readonly tags: string[] = [];

  commit(projection: BudgetProjection): void {
    const { rows, gone, added } = projection.pending();
    for (const tag of gone) {
      if (!tag) continue;
      const index = this.tags.indexOf(Buffer.from(tag).toString('hex'));
      expect(index).toBeGreaterThanOrEqual(0);
      this.tags.splice(index, 1);
    }
    for (const tag of added) this.tags.push(Buffer.from(tag).toString('hex'));
    for (const row of rows) this.rows.set(row.budget, row);
    projection.committed();
    expect(
      projection
        .statusTags()
        .map((tag) => Buffer.from(tag).toString('hex'))
        .sort(),
    ).toEqual(this.tags.toSorted());
  }
}

test('a call charges each of its budgets, in the period of its reservation only', () => {
  const projection = new BudgetProjection(authenticator(), []);
  projection.apply(end(5n, ['b', '2026-11'], ['c', 'total']));
  projection.apply(end(7n, ['b', '2026-12'], ['c', 'total']));
  projection.apply(end(100n, ['b', '2026-11']));
  expect(projection.statuses.get('b')).toMatchObject({ period: '2026-12', spentPicoUsd: 7n });
  expect(projection.statuses.get('c')).toMatchObject({ period: 'total', spentPicoUsd: 12n });
});

test('events set and end states; a pause outlives its period, the rest does not', () => {
  const projection = new BudgetProjection(authenticator(), []);
  const folded = (...entries: Entry[]) => {
    for (const entry of entries) projection.apply(entry);
    return projection.statuses.get('b');
  };
  expect(
    folded(event('budget.opened', { deltaPicoUsd: '40' }), event('budget.alert', { percent: 50 })),
  ).toEqual({
    period: '2026-11',
    spentPicoUsd: 40n,
    overrunPicoUsd: 0n,
    alertedPercent: 50,
    exhausted: false,
    paused: false,
  });
  expect(folded(event('budget.adjusted', { deltaPicoUsd: '-15' }))).toMatchObject({ spentPicoUsd: 25n });
  expect(folded(event('budget.exhausted', { percent: 100 }))).toMatchObject({
    exhausted: true,
    alertedPercent: 50,
  });
  expect(folded(event('budget.paused', { percent: 100 }))).toMatchObject({ exhausted: true, paused: true });
  expect(folded(event('budget.alert', { period: '2026-12', percent: 50 }))).toEqual({
    period: '2026-12',
    spentPicoUsd: 0n,
    overrunPicoUsd: 0n,
    alertedPercent: 50,
    exhausted: false,
    paused: true,
  });
  expect(folded(event('budget.adjusted', { deltaPicoUsd: '9' }))).toMatchObject({ spentPicoUsd: 0n });
  expect(folded(event('budget.resumed', { period: '2026-12' }))).toMatchObject({ paused: false });
});

test('entries about something else change nothing', () => {
  const status = {
    period: 'total',
    spentPicoUsd: 1n,
    overrunPicoUsd: 0n,
    alertedPercent: 0,
    exhausted: false,
    paused: false,
  };
  expect(foldStatus('other', status, end(5n, ['b', 'total']))).toBe(status);
  expect(foldStatus('other', status, event('budget.paused'))).toBe(status);
  const closed: Entry = { action: 'journal.close', reason: 'stop', seq: 1, at: '2026-11-21T12:00:00.000Z' };
  expect(foldStatus('b', status, closed)).toBe(status);
  expect(foldStatus('b', undefined, closed)).toBeUndefined();
});

test('an edited row is refused, whichever field was changed', () => {
  const projection = new BudgetProjection(authenticator(), []);
  projection.apply(end(5n, ['b', '2026-11']));
  const [row] = projection.pending().rows;
  if (!row) throw new Error('no row');
  expect(new BudgetProjection(authenticator(), [row]).statuses.get('b')?.spentPicoUsd).toBe(5n);
  const edits: Partial<BudgetStatusRow>[] = [
    { budget: 'c' },
    { period: '2026-12' },
    { spentPicoUsd: 4n },
    { overrunPicoUsd: 1n },
    { alertedPercent: 95 },
    { exhausted: true },
    { paused: true },
    { mac: new Uint8Array(36) },
  ];
  for (const edit of edits) {
    const open = () => new BudgetProjection(authenticator(), [{ ...row, ...edit }]);
    expect(open).toThrow(expect.objectContaining({ code: 'store.tampered' }));
  }
  expect(() => new BudgetProjection(authenticator('another'), [row])).toThrow('"b" was changed outside');
});

test('an overrun is folded into its period and authenticated; a row without one verifies as it did before there were overruns', () => {
  const projection = new BudgetProjection(authenticator(), []);
  projection.apply(end(5n, ['b', '2026-11']));
  const row = () => {
    const [first] = projection.pending().rows;
    if (!first) throw new Error('no row');
    return first;
  };
  const before = ['budget.status.v1', 'b', '2026-11', '5', '0', 'open', 'running'];
  expect(row().mac).toEqual(authenticator().tag(before));
  const over = end(9n, ['b', '2026-11']);
  projection.apply({ ...over, overrunPicoUsd: '4' } as Entry);
  expect(row()).toMatchObject({ spentPicoUsd: 14n, overrunPicoUsd: 4n });
  for (const overrunPicoUsd of [0n, 3n]) {
    const open = () => new BudgetProjection(authenticator(), [{ ...row(), overrunPicoUsd }]);
    expect(open).toThrow(expect.objectContaining({ code: 'store.tampered' }));
  }
  expect(new BudgetProjection(authenticator(), [row()]).statuses.get('b')?.overrunPicoUsd).toBe(4n);
  projection.apply(end(1n, ['b', '2026-12']));
  expect(projection.statuses.get('b')).toMatchObject({ period: '2026-12', overrunPicoUsd: 0n });
});

test('a commit that fails is asked for again; what is applied meanwhile belongs to the next', () => {
  const table = new Table();
  const projection = new BudgetProjection(authenticator(), []);
  projection.apply(end(1n, ['b', 'total']));
  expect(projection.pending().rows).toHaveLength(1);
  projection.apply(end(1n, ['c', 'total']));
  expect(projection.pending().rows.map((row) => row.budget)).toEqual(['b', 'c']);
  projection.apply(end(10n, ['b', 'total']));
  projection.committed();
  const next = projection.pending();
  expect(next.rows).toMatchObject([{ budget: 'b', spentPicoUsd: 11n }]);
  expect(next.gone[0]).toBeDefined();
  projection.committed();
  expect(projection.pending()).toEqual({ rows: [], gone: [], added: [] });
  projection.committed();
  table.commit(new BudgetProjection(authenticator(), []));
});

test('through any mix of entries, commits and failures, a reopened projection has the same state', () => {
  const step = fc.oneof(
    fc.record({
      budget: fc.constantFrom('b', 'c', 'd'),
      cost: fc.nat(100),
      month: fc.integer({ min: 10, max: 12 }),
    }),
    fc.constantFrom('commit' as const, 'fail' as const),
  );
  const run = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const table = new Table();
    const projection = new BudgetProjection(authenticator(), []);
    for (const given of steps) {
      if (given === 'commit') table.commit(projection);
      else if (given === 'fail') projection.pending();
      else projection.apply(end(BigInt(given.cost), [given.budget, `2026-${given.month}`]));
    }
    table.commit(projection);
    const reopened = new BudgetProjection(authenticator(), [...table.rows.values()]);
    expect(reopened.statuses).toEqual(projection.statuses);
    expect(reopened.pending().rows).toEqual([]);
  });
  fc.assert(run, { numRuns: 200 });
});
