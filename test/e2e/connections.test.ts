import { afterAll, beforeEach, expect, test } from 'bun:test';
import { balance, eventually, journaledCalls, refusals } from '../support/calls.ts';
import { openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson } from '../support/setup.ts';

const gate = await openGate({
  budgetUsd: '100000',
  variables: { SALLYPORT_MAX_BODY_BYTES: '100000' },
});
const auth = { authorization: `Bearer ${gate.token}` };
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

test('a connection serves one request after the other, whatever their kind', async () => {
  const client = new RawClient(gate.url);
  const statuses: number[] = [];
  const get = { method: 'GET', headers: auth };
  for (const request of [
    { headers: auth, body: chatJson({ stream: true }) },
    { headers: auth, body: chatJson({}) },
    { ...get, path: '/v1/models' },
    { headers: auth, body: 'not json' },
    { ...get, path: '/v1/nothing' },
    { headers: auth, body: chatJson({ stream: true }) },
    { headers: auth, body: chatJson({}) },
  ]) {
    client.clear();
    client.send(request);
    const reply = await client.whole();
    expect(reply.complete).toBe(true);
    statuses.push(reply.status);
  }
  client.socket.destroy();
  expect(statuses).toEqual([200, 200, 200, 400, 404, 200, 200]);
});

test('a request that comes before the last one was answered mixes no answers up, and what was begun is settled', async () => {
  const before = journaledCalls(gate).size;
  gate.fake.setKnobs({ ttftMs: 30 });
  const client = new RawClient(gate.url);
  for (let sent = 0; sent < 3; sent += 1) client.send({ headers: auth, body: chatJson({ stream: true }) });
  const answers = (): number => client.received.toString().split('data: [DONE]').length - 1;
  await eventually(() => client.closed || answers() === 3);
  client.socket.destroy();
  // The runtime serves them in order, or closes the connection.
  expect([0, 1, 3]).toContain(answers());
  const { unsettled, heldPicoUsd } = await balance(gate);
  expect({ unsettled, heldPicoUsd }).toEqual({ unsettled: [], heldPicoUsd: 0n });
  expect(journaledCalls(gate).size).toBeWithin(before + 1, before + 4);
});

test('a client that leaves while it sends its body leaves a refusal on record, and nothing is sent', async () => {
  const before = journaledCalls(gate).size;
  const seen = refusals(gate).length;
  for (const leave of ['destroy', 'resetAndDestroy'] as const) {
    const client = new RawClient(gate.url);
    client.send({ headers: auth, body: chatJson({}).slice(0, 20), announcedBytes: 5000 });
    await Bun.sleep(30);
    client.socket[leave]();
  }
  await eventually(() => refusals(gate).length === seen + 2);
  for (const refused of refusals(gate).slice(seen)) expect(refused.errorCode).toBe('request.invalid');
  expect(journaledCalls(gate).size).toBe(before);
  expect(gate.fake.calls()).toHaveLength(0);
});

test('a body in chunks is taken like any other, and refused as soon as it is too large', async () => {
  const chunked = async (parts: readonly string[]): Promise<RawClient> => {
    const client = new RawClient(gate.url);
    const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\ntransfer-encoding: chunked\r\n';
    client.socket.write(`${head}authorization: Bearer ${gate.token}\r\n\r\n`);
    for (const part of parts) {
      client.socket.write(`${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`);
      await Bun.sleep(1);
    }
    client.socket.write('0\r\n\r\n');
    return client;
  };
  const body = chatJson({ messages: [{ role: 'user', content: 'é'.repeat(1000) }] });
  const small = await chunked([body.slice(0, 50), body.slice(50, 51), body.slice(51)]);
  expect((await small.whole()).status).toBe(200);
  small.socket.destroy();
  const large = await chunked([body.slice(0, -1), ...Array<string>(30).fill(' '.repeat(4000)), '}']);
  const refused = await large.whole();
  expect(refused.status).toBe(413);
  expect(JSON.parse(refused.body.toString())).toMatchObject({ error: { code: 'request_too_large' } });
  large.socket.destroy();
  expect(gate.fake.calls()).toHaveLength(1);
});

test('a credential that could be read in two ways is refused', async () => {
  const status = async (headers: Record<string, string>, more = ''): Promise<number> => {
    const client = new RawClient(gate.url);
    const body = chatJson({});
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    client.socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\ncontent-length: ${body.length}\r\n${lines.join('')}${more}\r\n${body}`,
    );
    const reply = await client.whole();
    client.socket.destroy();
    return reply.status;
  };
  const twice = `authorization: Bearer ${gate.token}\r\n`;
  expect(await status(auth)).toBe(200);
  expect(await status({ authorization: `bearer   ${gate.token}` })).toBe(200);
  expect(await status(auth, twice)).toBe(401);
  expect(await status({ 'x-api-key': gate.token }, `x-api-key: ${gate.token}\r\n`)).toBe(401);
  expect(await status({ authorization: gate.token })).toBe(401);
  expect(await status({ authorization: `Bearer ${gate.token} x` })).toBe(401);
  expect(await status({ authorization: `Bearer ${gate.token},` })).toBe(401);
  expect(await status({ authorization: 'Bearer ' })).toBe(401);
  expect(await status({ authorization: '' })).toBe(401);
  expect(await status({ cookie: `token=${gate.token}` })).toBe(401);
  expect(gate.fake.calls()).toHaveLength(2);
});
