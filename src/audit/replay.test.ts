/** Kills at any byte: whatever of the journal survives, replaying it gives the rows of the entries that survived, and nothing else. */
import { expect, test } from 'bun:test';
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import * as fc from 'fast-check';
import { callEnd, callProgress, callStart, JournalLab, readAll } from '../../test/support/journal-lab.ts';
import { MemoryIndex, noAlerts } from '../../test/support/memory-index.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import { silentLog } from '../core/log.ts';
import { BudgetProjection } from '../ledger/projection.ts';
import { Trust } from '../records/trust.ts';
import type { CallEnd, CallProgress, CallStart, Entry, EntryBody } from './entry.ts';
import { Indexer } from './indexer.ts';
import { segmentPath } from './layout.ts';
import { openCallTag } from './open-call-tag.ts';
import { Pseudonyms } from './pseudonyms.ts';

const authenticator = (await testKeyring()).authenticator('row-mac');

const id = fc.constantFrom('req_1', 'req_2', 'req_3', 'req_4', 'req_5');
const pico = fc.nat(2000).map(String);
const history = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(id, pico).map(([call, hold]): EntryBody => callStart(call, hold)) },
    { weight: 2, arbitrary: fc.tuple(id, pico).map(([call, bound]): EntryBody => callProgress(call, bound)) },
    { weight: 4, arbitrary: fc.tuple(id, pico).map(([call, cost]): EntryBody => callEnd(call, cost)) },
    fc.constant<EntryBody>({
      action: 'auth.refused',
      address: 'a_1',
      tokenId: 't',
      count: 2,
      errorCode: 'token.invalid',
    }),
    fc.constant('restart' as const),
  ),
  { minLength: 1, maxLength: 25 },
);

/** A call's row as the rule says it, without a word of the code that makes it: [state, cost, bound, spent on its budget]. */
interface Expected {
  readonly calls: Map<string, readonly [result: string | null, cost: bigint, bound: bigint]>;
  readonly spent: bigint;
  readonly others: number;
}

function expectedOf(entries: readonly Entry[]): Expected {
  const calls = new Map<string, readonly [string | null, bigint, bigint]>();
  let spent = 0n;
  let others = 0;
  for (const entry of entries) {
    if (entry.action === 'call.start') {
      calls.set(entry.id, [null, 0n, BigInt((entry as CallStart).holdPicoUsd)]);
    } else if (entry.action === 'call.progress') {
      const call = calls.get(entry.id);
      if (call?.[0] === null) calls.set(entry.id, [null, 0n, BigInt((entry as CallProgress).boundPicoUsd)]);
    } else if (entry.action === 'call.end') {
      const end = entry as CallEnd;
      const call = calls.get(entry.id);
      if (call?.[0] === null) calls.set(entry.id, [end.result, BigInt(end.costPicoUsd), call[2]]);
      spent += BigInt(end.costPicoUsd);
    } else others += 1;
  }
  return { calls, spent, others };
}

/** What the tables say. */
function foundIn(index: MemoryIndex): Expected {
  const rows = [...index.rows.values()];
  const calls = rows.filter(({ action }) => action === 'call');
  return {
    calls: new Map(calls.map((row) => [row.id, [row.result, row.costPicoUsd, row.boundPicoUsd] as const])),
    spent: index.statuses.get('team-acme-month')?.spentPicoUsd ?? 0n,
    others: rows.length - calls.length,
  };
}

/** Opens the tables as they are and applies what the journal has beyond them, as a start does. */
async function replay(folder: string, index: MemoryIndex): Promise<void> {
  const statuses = new BudgetProjection(authenticator, [...index.statuses.values()]);
  const open = await index.openCalls();
  const trust = Trust.open(authenticator, index.trust, {
    records: [],
    statuses: statuses.statusTags(),
    openCalls: (term) => open.map((row) => openCallTag(authenticator, row, term)),
  });
  const indexer = await Indexer.open({
    store: index,
    trust,
    statuses,
    alerts: noAlerts,
    pseudonyms: new Pseudonyms(),
    authenticator,
    log: silentLog,
  });
  for (const placed of readAll(folder, trust.position).entries) indexer.add(placed);
  await indexer.flush();
}

function fill(lab: JournalLab, steps: readonly (EntryBody | 'restart')[], segmentBytes: number): string[] {
  let journal = lab.open({ segmentBytes });
  for (const step of steps) {
    if (step === 'restart') journal = lab.open({ segmentBytes });
    else journal.append(step);
  }
  return [
    ...new Set(lab.written.map(({ position }) => segmentPath(lab.folder, position.stream, position.segment))),
  ];
}

test('after a kill at any byte the tables are what the surviving entries say, however far they had come before', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.constantFrom(300, 900, 1 << 20),
      fc.nat(),
      fc.nat(),
      async (steps, size, kill, had) => {
        using lab = new JournalLab();
        const newest = fill(lab, steps, size).at(-1)!;
        const bytes = readFileSync(newest).length;
        truncateSync(newest, kill % (bytes + 1));
        const survived = readAll(lab.folder).entries;
        expect(survived).toEqual(lab.written.slice(0, survived.length));

        // The tables had come to some earlier entry: to there the journal as it was then is replayed first.
        const index = new MemoryIndex();
        const reached = had % (survived.length + 1);
        await replayPart(lab, index, reached);
        expect(foundIn(index)).toEqual(expectedOf(survived.slice(0, reached).map(({ entry }) => entry)));
        await replay(lab.folder, index);
        expect(foundIn(index)).toEqual(expectedOf(survived.map(({ entry }) => entry)));
        // Once more changes nothing.
        const commits = index.commits;
        await replay(lab.folder, index);
        expect(index.commits).toBe(commits);
      },
    ),
    { numRuns: 60 },
  );
}, 30_000);

/** Brings the tables to the first `count` entries of the journal. */
async function replayPart(lab: JournalLab, index: MemoryIndex, count: number): Promise<void> {
  const last = lab.written[count - 1];
  if (!last) return;
  const folder = lab.copy();
  try {
    for (const { position } of lab.written.slice(count)) {
      const { stream, segment } = position;
      const own = stream === last.position.stream && segment === last.position.segment;
      const path = segmentPath(folder, stream, segment);
      if (own) truncateSync(path, last.position.offset);
      else rmSync(path, { force: true });
    }
    await replay(folder, index);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a commit that fails at any moment of the replay is made up for by the next start', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.array(fc.boolean(), { maxLength: 6 }), async (steps, failures) => {
      using lab = new JournalLab();
      fill(lab, steps, 1 << 20);
      const index = new MemoryIndex();
      const left = [...failures];
      index.beforeCommit = () => {
        if (left.shift()) throw new Error('SQLITE_FULL');
      };
      for (let start = 0; start <= failures.length; start += 1)
        await replay(lab.folder, index).catch(() => undefined);
      expect(foundIn(index)).toEqual(expectedOf(lab.written.map(({ entry }) => entry)));
    }),
    { numRuns: 60 },
  );
});
