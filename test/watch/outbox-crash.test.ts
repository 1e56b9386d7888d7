/**
 * `kill -9` of the real process while alerts are on their way: before a message is sent, after it was sent and before that is noted, in the
 * commit that makes the rows, in the one that notes them, and at random. After the restart every alert has come, those that came twice
 * came with the same id, and each was signed.
 */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../src/audit/reader.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { type Receiver, startReceiver } from '../support/alert-receiver.ts';
import { sallyport } from '../support/cli.ts';
import { load, type Lab, openLab } from '../support/crash-lab.ts';
import { startProcess, tempFolder } from '../support/harness.ts';

let lab: Lab;
let receiver: Receiver;
/** A data folder with a destination that leads to the receiver. */
let base: string;
const copies: string[] = [];

beforeAll(async () => {
  // Small enough that the load reaches every threshold in a moment.
  lab = await openLab('0.001');
  receiver = startReceiver();
  base = lab.freshData();
  const gate = await startProcess(base, { SALLYPORT_LOG_LEVEL: 'error' });
  const add = ['alert', 'add', 'ops', '--type', 'webhook', '--allow-private', '--json', '--data', base];
  const added = await sallyport(add, receiver.url);
  receiver.secrets = [(JSON.parse(added.stdout) as { secret: string }).secret];
  gate.kill('SIGTERM');
  await gate.exited;
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
  for (const copy of copies) rmSync(copy, { recursive: true, force: true });
});

function prepare(): string {
  lab.fake.reset();
  receiver.alerts.length = 0;
  const folder = tempFolder();
  copies.push(folder);
  cpSync(base, join(folder, 'data'), { recursive: true });
  return join(folder, 'data');
}

interface Expected {
  readonly type: string;
  readonly percent: number;
  readonly entry: string;
}

/** What the journal says people should hear of, which is asked independently of the code that derives alerts. */
function expectedAlerts(data: string): Expected[] {
  return [...readJournal(join(data, 'journal'))]
    .filter(({ entry }) =>
      /^(budget\.(alert|paused|exhausted|overrun)|key\.rejected|disk\.)/.test(entry.action),
    )
    .map(({ entry, position }) => ({
      type: entry.action,
      percent: 'percent' in entry ? entry.percent : 0,
      entry: `${position.stream}#${entry.seq}`,
    }));
}

/** Starts again on what is left and waits until all that the journal names has come. */
async function expectAllTold(data: string): Promise<void> {
  const gate = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
  const expected = expectedAlerts(data);
  expect(expected.map(({ percent }) => percent)).toEqual([50, 80, 95, 100]);
  await receiver.until((alerts) => new Set(alerts.map(({ id }) => id)).size >= expected.length);
  // Nothing is left, and another process sends nothing more.
  let states: string[] = [];
  for (let wait = 0; wait < 200 && states.filter((state) => state === 'delivered').length < 4; wait += 1) {
    const outbox = await sallyport(['alert', 'outbox', '--json', '--data', data]);
    states = (JSON.parse(outbox.stdout) as { state: string }[]).map(({ state }) => state);
  }
  expect(states).toEqual(['delivered', 'delivered', 'delivered', 'delivered']);
  gate.kill('SIGTERM');
  expect(await gate.exited).toBe(0);
  const came = receiver.alerts.length;
  const again = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
  again.kill('SIGTERM');
  expect(await again.exited).toBe(0);
  expect(receiver.alerts.length).toBe(came);

  const byId = new Map(receiver.alerts.map((alert) => [alert.id, alert]));
  const told = [...byId.values()].map(({ type, data: about }) => ({
    type,
    percent: about['percent'] as number,
    entry: about['entry'] as string,
  }));
  expect(told.toSorted((a, b) => a.percent - b.percent)).toEqual(expected);
  // One that came again was the same message.
  for (const alert of receiver.alerts) expect(alert).toEqual(byId.get(alert.id)!);
  expect(receiver.forged()).toBe(0);
  expect(verifyJournal(join(data, 'journal')).ok).toBe(true);
}

/** Loads a process until it has killed itself at the `nth` pass of a point. */
async function killAt(data: string, point: string, nth: number): Promise<void> {
  const marker = join(data, '..', 'marker');
  rmSync(marker, { force: true });
  const gate = await startProcess(data, {
    SALLYPORT_FAILPOINT: `${point}:${nth}`,
    SALLYPORT_FAILPOINT_MARKER: marker,
    SALLYPORT_LOG_LEVEL: 'error',
  });
  await load(gate, lab.token, 8000);
  for (let wait = 0; wait < 2000 && !existsSync(marker); wait += 1) await Bun.sleep(5);
  gate.kill('SIGKILL');
  await gate.exited;
  expect(readFileSync(marker, 'utf8')).toStartWith(`${point} `);
}

/** The rest of the load, for a process that died before the budget was used up. */
async function finishLoad(data: string): Promise<void> {
  const gate = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
  for (let turn = 0; turn < 20 && expectedAlerts(data).length < 4; turn += 1)
    await load(gate, lab.token, 300);
  gate.kill('SIGKILL');
  await gate.exited;
}

test.each([
  ['before-alert-send', 1, 0],
  ['before-alert-send', 3, 2],
  ['after-alert-send', 1, 1],
  ['after-alert-send', 4, 4],
  ['in-alert-settle', 2, 2],
  ['in-commit', 2, 0],
] as const)(
  'killed %s, pass %d: nothing is lost, and what comes again has the same id',
  async (point, nth, cameBefore) => {
    const data = prepare();
    await killAt(data, point, nth);
    if (point !== 'in-commit') expect(receiver.alerts.length).toBe(cameBefore);
    await finishLoad(data);
    await expectAllTold(data);
    const repeated = receiver.alerts.length - new Set(receiver.alerts.map(({ id }) => id)).size;
    // The message that was sent and not noted, and no other; the kill at the end may add one more.
    expect(repeated).toBeGreaterThanOrEqual(['after-alert-send', 'in-alert-settle'].includes(point) ? 1 : 0);
    expect(repeated).toBeLessThanOrEqual(2);
  },
);
