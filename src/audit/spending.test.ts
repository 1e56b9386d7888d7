/** What calls have cost, asked while they end: at every step of the index, also when the database or the journal takes nothing. */
import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { callEnd, callStart, JournalLab } from '../../test/support/journal-lab.ts';
import { MemoryIndex, noAlerts } from '../../test/support/memory-index.ts';
import { thrownBy } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import { silentLog } from '../core/log.ts';
import { Trust } from '../records/trust.ts';
import type { CallEnd } from './entry.ts';
import { Indexer } from './indexer.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { openSpending, type Spending } from './spending.ts';
import type { CallMatch } from './store.ts';

const authenticator = (await testKeyring()).authenticator('row-mac');
const NO_STATUSES = {
  apply: () => undefined,
  pending: () => ({ rows: [], gone: [], added: [] }),
  committed: () => undefined,
};
const TEAMS = ['acme', 'other'];

class Rig implements Disposable {
  readonly lab = new JournalLab();
  readonly index: MemoryIndex;
  readonly journal = this.lab.open();
  /** Ends that the journal has not taken. */
  readonly waiting: CallEnd[] = [];
  readonly running: { id: string; team: string; atMs: number }[] = [];
  /** What a ledger would say: cost by team and start. */
  readonly costs: { team: string; atMs: number; cost: bigint }[] = [];
  readonly indexer: Indexer;
  #number = 0;

  private constructor(indexer: Indexer, index: MemoryIndex) {
    this.indexer = indexer;
    this.index = index;
    this.lab.onEntry = (placed) => indexer.add(placed);
  }

  static async open(): Promise<Rig> {
    const index = new MemoryIndex();
    const trust = Trust.open(authenticator, null, { records: [], statuses: [] });
    const indexer = await Indexer.open({
      store: index,
      trust,
      statuses: NO_STATUSES,
      alerts: noAlerts,
      pseudonyms: new Pseudonyms(),
      authenticator,
      log: silentLog,
    });
    return new Rig(indexer, index);
  }

  start(team: string): void {
    this.#number += 1;
    const id = `req_${this.#number}`;
    this.lab.clock.pass(1);
    this.journal.append(callStart(id, '1000', { team }));
    this.running.push({ id, team, atMs: this.lab.clock.wallMs() });
  }

  end(written: boolean): void {
    const call = this.running.shift();
    if (!call) return;
    const cost = BigInt(100 + this.#number);
    const entry = callEnd(call.id, String(cost));
    this.costs.push({ team: call.team, atMs: call.atMs, cost });
    if (written && this.waiting.length === 0) this.journal.append(entry);
    else this.waiting.push(entry);
  }

  catchUp(): void {
    for (const entry of this.waiting.splice(0)) this.journal.append(entry);
  }

  spent({ team }: CallMatch, sinceMs: number): bigint {
    return this.costs
      .filter((call) => (team === undefined || call.team === team) && call.atMs >= sinceMs)
      .reduce((sum, { cost }) => sum + cost, 0n);
  }

  ask(calls: CallMatch, sinceMs: number): Promise<Spending> {
    const { indexer, index } = this;
    return openSpending({ indexer, store: index, unwritten: () => this.waiting }, calls, sinceMs);
  }

  [Symbol.dispose](): void {
    this.lab[Symbol.dispose]();
  }
}

type Step = 'start' | 'end' | 'end late' | 'catch up' | 'flush' | 'fail';

test('the sum is exact whenever it is asked, whatever ends, is written or fails meanwhile', async () => {
  const step = fc.constantFrom<Step[]>(
    'start',
    'start',
    'end',
    'end',
    'end late',
    'catch up',
    'flush',
    'fail',
  );
  const steps = fc.array(fc.tuple(step, fc.constantFrom(...TEAMS)), { maxLength: 30 });
  const match = fc.constantFrom<CallMatch[]>({}, { team: 'acme' }, { team: 'other' });
  await fc.assert(
    fc.asyncProperty(
      steps,
      steps,
      steps,
      match,
      fc.boolean(),
      async (before, during, after, calls, fails) => {
        using rig = await Rig.open();
        const take = async (all: [Step, string][]): Promise<void> => {
          for (const [one, team] of all) {
            if (one === 'start') rig.start(team);
            else if (one === 'end') rig.end(true);
            else if (one === 'end late') rig.end(false);
            else if (one === 'catch up') rig.catchUp();
            else if (one === 'flush') await rig.indexer.flush();
            else {
              rig.index.beforeCommit = () => {
                throw new Error('SQLITE_FULL');
              };
              await rig.indexer.flush().catch(() => undefined);
              rig.index.beforeCommit = () => undefined;
            }
          }
        };
        await take(before);
        // The window is wide: a commit that is under way, and the question itself, last as long as these steps.
        const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
        rig.index.beforeCommit = async () => {
          begin();
          for (let n = 0; n < 100; n += 1) await Promise.resolve();
          if (fails) throw new Error('SQLITE_FULL');
        };
        const committing = rig.indexer.flush().catch(() => undefined);
        await Promise.race([begun, committing]);
        rig.index.beforeQuery = () => take(during);
        using spending = await rig.ask(calls, 0);
        await committing;
        expect(spending.since(0)).toBe(rig.spent(calls, 0));
        const middle = rig.lab.clock.wallMs();
        for (const one of after) {
          await take([one]);
          expect(spending.since(0)).toBe(rig.spent(calls, 0));
          // A period that began after the question: only what started in it.
          expect(spending.since(middle + 1)).toBe(rig.spent(calls, middle + 1));
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('the tables go on when the sum is no longer needed, and also when it cannot be had', async () => {
  using rig = await Rig.open();
  rig.start('acme');
  rig.end(true);
  {
    using spending = await rig.ask({}, 0);
    rig.start('acme');
    const { lag } = rig.indexer;
    await rig.indexer.flush();
    expect([rig.indexer.lag, spending.since(0)]).toEqual([lag, rig.spent({}, 0)]);
    expect(lag).toBeGreaterThan(0);
  }
  await rig.indexer.flush();
  expect(rig.indexer.lag).toBe(0);
  rig.index.beforeQuery = () => Promise.reject(new Error('SQLITE_IOERR'));
  expect(await thrownBy(rig.ask({}, 0))).toMatchObject({ message: 'SQLITE_IOERR' });
  rig.start('acme');
  await rig.indexer.flush();
  expect(rig.indexer.lag).toBe(0);
});
