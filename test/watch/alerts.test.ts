/** Alerts from the event to the receiver: a running gateway, real receivers, each alert once. */
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { type Ran, run, type TestIoOptions } from '../../src/cli/test-io.ts';
import { type ReceivedAlert, type Receiver, startReceiver } from '../support/alert-receiver.ts';
import { startCapture } from '../support/capture.ts';
import { type OpenGate, openGate } from '../support/harness.ts';
import { rejectionOf } from '../support/refusal.ts';

let gate: OpenGate;
let receiver: Receiver;
const cli = (line: readonly string[], options: TestIoOptions = {}): Promise<Ran> =>
  run(line, { ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });

beforeEach(async () => {
  // A call of the fake costs about 0.00002 USD and holds a little more: some of them use up a budget of 0.0001.
  gate = await openGate({ budgetUsd: '0.0001', variables: { SALLYPORT_ALERT_AUTH_FAILURES: '5' } });
  receiver = startReceiver();
});
afterEach(async () => {
  await gate[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
});

async function addHook(name: string, ...flags: string[]): Promise<string> {
  const added = await cli(
    ['alert', 'add', name, '--type', 'webhook', '--allow-private', '--json', ...flags],
    {
      stdin: `${receiver.url}\n`,
    },
  );
  expect([added.code, added.err]).toEqual([0, expect.stringContaining(`alert test ${name}`)]);
  const { secret } = added.json() as { secret: string };
  receiver.secrets.push(secret);
  return secret;
}

/** Calls until the budget refuses one. */
async function useUp(): Promise<void> {
  for (let call = 0; call < 50; call += 1) {
    const reply = await gate.chat();
    await reply.text();
    if (reply.status === 402) return;
    expect(reply.status).toBe(200);
  }
  throw new Error('The budget was never used up.');
}

const typesOf = (alerts: readonly ReceivedAlert[]): string[] =>
  alerts.map(({ type, data }) => (type === 'budget.alert' ? `${type} ${String(data['percent'])}` : type));

test('a budget that runs out is told at 50, 80, 95 and 100 %, each once, signed, with amounts and no prompt', async () => {
  await addHook('ops');
  await useUp();
  await receiver.until((alerts) => alerts.some(({ type }) => type === 'budget.paused'));
  await gate.chat();
  expect(typesOf(receiver.alerts)).toEqual([
    'budget.alert 50',
    'budget.alert 80',
    'budget.alert 95',
    'budget.paused',
  ]);
  expect(receiver.forged()).toBe(0);
  expect(new Set(receiver.alerts.map(({ id }) => id)).size).toBe(4);
  const paused = receiver.alerts.at(-1)!;
  expect(paused).toMatchObject({
    id: expect.stringMatching(/^alr_[0-9a-f]{32}$/),
    severity: 'critical',
    summary: expect.stringContaining('sallyport budget resume team-acme-month'),
    data: { budget: 'team-acme-month', subject: 'team:acme', percent: 100, limitPicoUsd: '100000000' },
  });
  const outbox = (await cli(['alert', 'outbox', '--json'])).jsonList();
  expect(outbox.map(({ state, attempts }) => `${String(state)} ${String(attempts)}`)).toEqual(
    Array.from({ length: 4 }, () => 'delivered 1'),
  );
  expect((await cli(['status', '--json'])).json()['alerts']).toEqual({
    destinations: 1,
    waiting: 0,
    undelivered: 0,
  });
});

test('nothing is told twice over a restart, and a second pause is a second alert', async () => {
  await addHook('ops');
  await useUp();
  await receiver.until((alerts) => alerts.some(({ type }) => type === 'budget.paused'));
  await gate.restart();
  await cli(['budget', 'resume', 'team-acme-month']);
  await useUp();
  await receiver.until((alerts) => alerts.filter(({ type }) => type === 'budget.paused').length === 2);
  expect(typesOf(receiver.alerts).filter((type) => type.startsWith('budget.alert'))).toHaveLength(3);
  expect(new Set(receiver.alerts.map(({ id }) => id)).size).toBe(5);
});

test('a destination gets the events that it asked for, and those of its team alone', async () => {
  await cli(['team', 'add', 'other']);
  const pauses = await addHook('pauses', '--event', 'budget.paused');
  await addHook('others', '--team', 'other');
  const acme = await addHook('acme', '--team', 'acme', '--event', 'budget.*');
  await useUp();
  await receiver.until((alerts) => alerts.length === 5);
  const outbox = (await cli(['alert', 'outbox', '--json'])).jsonList();
  const to = (name: string) => outbox.filter(({ destination }) => destination === name).length;
  expect([to('pauses'), to('others'), to('acme'), pauses === acme]).toEqual([1, 0, 4, false]);
});

test('refused credentials in a burst are one alert, without an address', async () => {
  await addHook('ops');
  for (let attempt = 0; attempt < 20; attempt += 1)
    await fetch(`${gate.url}/openai/v1/models`, { headers: { authorization: `Bearer wrong${attempt}` } });
  await receiver.until((alerts) => alerts.length > 0);
  await gate.app.stop('test');
  expect(receiver.alerts).toMatchObject([
    { type: 'auth.burst', severity: 'warning', data: { windowSeconds: 60, addresses: 1, threshold: 5 } },
  ]);
  expect(JSON.stringify(receiver.alerts)).not.toContain('127.0.0.1');
  expect(gate.events('auth.burst')).toHaveLength(1);
});

test('a key that the provider refuses is told once, however many calls say so', async () => {
  await addHook('ops', '--event', 'key.*');
  gate.fake.setKnobs({ error: '401' } as never);
  for (let call = 0; call < 3; call += 1) await (await gate.chat()).text();
  await receiver.until((alerts) => alerts.length > 0);
  // A new process puts it on record again, within the hours in which it is told once.
  await gate.restart();
  await (await gate.chat()).text();
  expect((await cli(['alert', 'outbox', '--json'])).jsonList()).toMatchObject([
    { type: 'key.rejected', state: 'delivered' },
  ]);
  expect(gate.events('key.rejected')).toHaveLength(2);
  expect(receiver.alerts).toMatchObject([
    { severity: 'critical', data: { key: 'groq@1', provider: 'groq', status: 401 } },
  ]);
});

test('while a secret is rotated the message is signed with both, and afterwards with the new one alone', async () => {
  const old = await addHook('ops');
  const verified = async (...secrets: string[]): Promise<boolean> => {
    receiver.secrets = secrets;
    return (await cli(['alert', 'test', 'ops'])).code === 0;
  };
  const rotate = async (...flags: string[]): Promise<string> =>
    (await cli(['alert', 'rotate-secret', 'ops', '--json', ...flags])).json()['secret'] as string;
  const next = await rotate();
  expect([next !== old, await verified(old), await verified(next)]).toEqual([true, true, true]);
  const last = await rotate('--overlap', '0');
  expect([await verified(next), await verified(old), await verified(last)]).toEqual([false, false, true]);
  expect(gate.events('alert.tested').map(({ delivered }) => delivered)).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});

test('a redirect is not followed, and not a delivery', async () => {
  await using elsewhere = startCapture(() => new Response('ok'));
  await addHook('ops');
  receiver.answer = () => Response.redirect(elsewhere.url, 307);
  const { code, out } = await cli(['alert', 'test', 'ops']);
  expect([code, elsewhere.requests.length]).toEqual([1, 0]);
  expect(out).toContain('status 307');
});

test('Slack gets a text in which nobody can be called, and its URL is shown nowhere', async () => {
  await using slack = startCapture(() => new Response('ok'));
  const url = `${slack.url}/services/T0/B0/${'x'.repeat(24)}`;
  const added = await cli(['alert', 'add', 'chat', '--type', 'slack', '--allow-private', '--json'], {
    stdin: url,
  });
  expect([added.code, added.json()['secret']]).toEqual([0, null]);
  await useUp();
  for (let wait = 0; wait < 2000 && slack.requests.length < 4; wait += 1) await Bun.sleep(5);
  const texts = slack.requests.map(({ body }) => (JSON.parse(body.toString()) as { text: string }).text);
  expect(slack.requests[0]!.path).toBe(`/services/T0/B0/${'x'.repeat(24)}`);
  expect(texts.at(-1)).toStartWith(':rotating_light: *budget.paused* (critical)\nThe budget team-acme-month');
  const printed = [added, await cli(['alert', 'list', '--json']), await cli(['alert', 'show', 'chat'])];
  printed.push(await cli(['audit', 'query', '--json']), await cli(['alert', 'outbox', '--json']));
  expect(printed.filter(({ out, err }) => `${out}${err}`.includes('services'))).toEqual([]);
  expect(gate.events('control.alert.add')).toMatchObject([
    { records: [{ body: { origin: slack.url }, resealed: true }] },
  ]);
});

test('what waits for a removed destination is not sent, and what was sealed for it is gone', async () => {
  await addHook('ops');
  receiver.answer = () => new Response('busy', { status: 503 });
  await useUp();
  for (let wait = 0; wait < 2000 && receiver.messages() === 0; wait += 1) await Bun.sleep(5);
  expect((await cli(['alert', 'outbox', '--state', 'pending', '--json'])).jsonList()).toHaveLength(4);
  expect((await cli(['alert', 'remove', 'ops'])).code).toBe(0);
  receiver.answer = () => null;
  const messages = receiver.messages();
  await gate.restart();
  let states: unknown[] = [];
  for (let wait = 0; wait < 500 && states.filter((state) => state === 'dead').length < 4; wait += 1) {
    states = (await cli(['alert', 'outbox', '--json'])).jsonList().map(({ state }) => state);
    await Bun.sleep(5);
  }
  expect(states).toEqual(['dead', 'dead', 'dead', 'dead']);
  expect([receiver.messages(), receiver.alerts.length]).toEqual([messages, 0]);
  expect((await cli(['alert', 'show', 'ops'])).code).toBe(2);
  expect((await cli(['status', '--json'])).json()['alerts']).toEqual({
    destinations: 0,
    waiting: 0,
    undelivered: 0,
  });
  // The name is free again.
  await addHook('ops');
});

test('a disk that runs full is told', async () => {
  await addHook('ops', '--event', 'disk.*');
  await gate.app.stop('test');
  const variables = { SALLYPORT_ALERT_DISK_FREE_MB: '1000000000', SALLYPORT_LOG_LEVEL: 'error' };
  const app = await startApp(readConfig({ data: gate.data, port: '0', adminPort: '0' }, variables));
  await receiver.until((alerts) => alerts.length > 0);
  await app.stop('test');
  expect(receiver.alerts).toMatchObject([{ type: 'disk.low', severity: 'critical' }]);
});

test.each([
  ['deleted', 'delete from alert_outbox'],
  ['marked as sent', "update alert_outbox set state = 'delivered'"],
  ['edited', "update alert_outbox set payload = replace(payload, 'used up', 'fine')"],
  ['sent elsewhere', "update alert_outbox set destination = 'dst_000000000000'"],
])('an alert that was %s in the database while it waited refuses the next start', async (_, statement) => {
  await addHook('ops', '--event', 'budget.paused');
  receiver.answer = () => new Response('busy', { status: 503 });
  await useUp();
  expect((await cli(['alert', 'outbox', '--json'])).jsonList()).toMatchObject([{ state: 'pending' }]);
  await gate.app.stop('test');
  const database = new Database(join(gate.data, 'sallyport.db'));
  const original = database.serialize();
  database.run(statement);
  database.close();
  expect((await rejectionOf(gate.restart())).code).toBe('store.tampered');
  writeFileSync(join(gate.data, 'sallyport.db'), original);
  receiver.answer = () => null;
  await gate.restart();
});
