/**
 * How fair the queue is, in turns, and what a wait costs, in CPU: the gateway's own queue and limits, with a provider key of eight calls at
 * once that every turn keeps busy. Turns are counted, not timed: the figures are the same on any machine; only the last table is not.
 *
 *   npm run bench:queue
 */
import { Limits } from '../src/ledger/limits.ts';
import type { Admission } from '../src/ledger/limits.ts';
import { Turns } from '../src/gateway/turns.ts';
import { MemoryStore, openMemoryBook } from '../test/support/memory-store.ts';
import { testKeyring } from '../test/support/test-keyring.ts';

const SLOTS = 8;
const KEY = 'key:groq';

interface Desk {
  readonly turns: Turns;
  /** Whose calls had a turn, in order. */
  readonly order: string[];
  /** Whose calls run. */
  readonly running: Admission[];
  call(team: string): void;
  /** One running call ends; whoever is next begins. */
  turn(): Promise<void>;
}

async function openDesk(weights: Readonly<Record<string, number>>): Promise<Desk> {
  const store = new MemoryStore();
  const { book } = await openMemoryBook(store, await testKeyring(store));
  const limits = new Limits({ clock, records: book, callsBetween: () => Promise.resolve(0) });
  await limits.set('bench', KEY, { concurrency: SLOTS });
  for (const [team, queueWeight] of Object.entries(weights))
    await limits.set('bench', `team:${team}`, { queue: { length: 10_000, waitMs: 300_000 }, queueWeight });
  const turns = new Turns({ clock, limits, maxWaiting: 20_000 });
  const order: string[] = [];
  const running: Admission[] = [];
  const begin = (team: string, place: Admission): void => {
    order.push(team);
    running.push(place);
  };
  return {
    turns,
    order,
    running,
    call: (team) => {
      const load = { subjects: [`token:${team}`, `team:${team}`, KEY], tokens: 100 };
      const place = turns.enter(team, team, load);
      if (place) begin(team, place);
      else
        turns
          .wait(
            {
              tokenId: team,
              team,
              arrivedMs: clock.monotonicMs(),
              patienceMs: null,
              signal: new AbortController().signal,
              decideAgain: () => load,
            },
            load,
          )
          .then(
            (later) => begin(team, later),
            () => undefined,
          );
    },
    turn: async () => {
      running.shift()?.release();
      await new Promise((resolve) => setImmediate(resolve));
      // The queue rests for a moment after a long piece of work.
      if (running.length === 0 && turns.waiting > 0) await Bun.sleep(1);
    },
  };
}

const clock = { monotonicMs: () => performance.now(), wallMs: () => Date.now() };

function row(...cells: readonly (string | number)[]): void {
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

function heading(title: string, ...cells: readonly string[]): void {
  process.stdout.write(`\n${title}\n\n`);
  row(...cells);
  row(...cells.map(() => '---'));
}

/** How many turns pass until the single call has its own, that one counted. */
async function turnsOfSingle(others: Readonly<Record<string, number>>): Promise<number> {
  const weights = Object.fromEntries([...Object.keys(others), 'single'].map((team) => [team, 1]));
  const desk = await openDesk(weights);
  for (const [team, calls] of Object.entries(others))
    for (let index = 0; index < calls; index += 1) desk.call(team);
  desk.call('single');
  const before = desk.order.length;
  while (!desk.order.includes('single')) await desk.turn();
  desk.turns.stop();
  return desk.order.indexOf('single') - before + 1;
}

heading(
  `A single call that comes last, ${SLOTS} calls at once through the key`,
  'waiting before it',
  'its turn',
  'first come, first served',
);
for (const others of [
  { a: 10 },
  { a: 100 },
  { a: 1000 },
  { a: 1000, b: 1000 },
  { a: 1000, b: 1000, c: 1000, d: 1000 },
]) {
  const waiting = Object.values(others).reduce((sum, calls) => sum + calls, 0) - SLOTS;
  row(`${waiting} of ${Object.keys(others).length} teams`, await turnsOfSingle(others), waiting + 1);
}

heading('Turns of the first 600, all teams with calls waiting', 'weights', 'turns', 'share that was due');
for (const weights of [
  { a: 1, b: 1 },
  { a: 3, b: 1 },
  { a: 5, b: 3, c: 2 },
]) {
  const desk = await openDesk(weights);
  for (let index = 0; index < 1000; index += 1) for (const team of Object.keys(weights)) desk.call(team);
  const from = desk.order.length;
  while (desk.order.length < from + 600) await desk.turn();
  const had = desk.order.slice(from, from + 600);
  desk.turns.stop();
  const all = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  row(
    Object.values(weights).join(' : '),
    Object.keys(weights)
      .map((team) => had.filter((one) => one === team).length)
      .join(' : '),
    Object.values(weights)
      .map((weight) => Math.round((600 * weight) / all))
      .join(' : '),
  );
}

heading('CPU of a wait: enqueued, decided again, served', 'calls waiting', 'teams', 'us a call');
for (const [calls, teams] of [
  [100, 1],
  [1000, 1],
  [1000, 20],
] as const) {
  const desk = await openDesk(
    Object.fromEntries(Array.from({ length: teams }, (_, index) => [`t${index}`, 1])),
  );
  for (let index = 0; index < SLOTS; index += 1) desk.call('t0');
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index += 1) desk.call(`t${index % teams}`);
  while (desk.turns.waiting > 0) await desk.turn();
  const { user, system } = process.cpuUsage(before);
  desk.turns.stop();
  row(calls, teams, ((user + system) / calls).toFixed(1));
}
process.stdout.write('\n');
