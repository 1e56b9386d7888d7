/** Large bodies that come slowly, or never: what they may take, and what they leave to others. */
import { expect, test } from 'bun:test';
import { balance, eventually, refusals } from '../support/calls.ts';
import { liveCalls, rawChat } from '../support/hostile.ts';
import { openGate, type OpenGate } from '../support/harness.ts';
import { openOwnProcess } from '../support/own-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson, issueToken, MESSAGES } from '../support/setup.ts';

const MB = 1024 * 1024;
const UPLOADS = 60;
const ANNOUNCED = 9 * MB;
const SENT = Buffer.alloc(4 * MB, ' ');

/** Sends the head of a call and a part of its body, and then nothing more. */
function upload(url: string, token: string, chunked: boolean): RawClient {
  const client = new RawClient(url);
  const length = chunked ? null : String(ANNOUNCED);
  const more = chunked ? ['transfer-encoding: chunked'] : [];
  client.socket.write(
    rawChat(token, { length, more, body: chunked ? `${SENT.length.toString(16)}\r\n` : '' }),
  );
  client.socket.write(SENT);
  return client;
}

function statuses(clients: readonly RawClient[]): number[] {
  return clients.map(({ reply }) => reply.status).filter((status) => status !== 0);
}

test('many slow uploads of one token take half of the room at most, those of all no more than there is, and small calls go on', async () => {
  const tokens: string[] = [];
  await using own = await openOwnProcess({
    budgetUsd: '1000',
    variables: { SALLYPORT_MAX_BODIES_BYTES: String(40 * MB) },
    prepare: async (gate) => {
      for (let n = 0; n < 3; n += 1) tokens.push((await issueToken(gate)).text);
    },
  });
  const { child, post, gate } = own;
  const [first = '', second = '', third = ''] = tokens;
  expect((await post({})).status).toBe(200);
  const before = own.rss();

  const many = Array.from({ length: UPLOADS }, (_, n) => upload(child.gateway, first, n % 2 === 1));
  await eventually(() => statuses(many).length >= UPLOADS - 5, 20_000);
  expect(new Set(statuses(many))).toEqual(new Set([429]));
  const more = Array.from({ length: 10 }, () => upload(child.gateway, second, false));
  await eventually(() => statuses(more).length === 8, 10_000);
  expect(new Set(statuses(more))).toEqual(new Set([429]));
  const last = upload(child.gateway, third, false);
  await eventually(() => last.reply.complete);
  expect(last.reply.status).toBe(503);
  expect(last.reply.headers.get('retry-after')).toBe('1');
  expect(JSON.parse(last.reply.body.toString())).toMatchObject({ error: { code: 'overloaded' } });

  // 280 MB were sent, of which 40 MB may be kept; the runtime needs as much again while it puts a body together.
  expect(own.rss() - before).toBeLessThan(130 * MB);
  for (const token of tokens) expect((await post({}, { token })).status).toBe(200);

  for (const client of [...many, ...more, last]) client.socket.destroy();
  const large = { messages: [{ role: 'user', content: 'x'.repeat(4 * MB) }] };
  await eventually(async () => (await post(large, { token: first })).status !== 429, 10_000);
  await eventually(async () => (await liveCalls(gate.data)) === 0);
  const opened = await own.end();
  const { heldPicoUsd, unsettled } = await balance(opened);
  expect({ heldPicoUsd, unsettled }).toEqual({ heldPicoUsd: 0n, unsettled: [] });
});

/** The answer to a call of which only the head is ever sent. */
async function headOnly(gate: OpenGate, token: string): Promise<RawClient['reply']> {
  const client = new RawClient(gate.url);
  client.socket.write(rawChat(token, { length: String(ANNOUNCED), body: '' }));
  const reply = await client.whole();
  client.socket.destroy();
  return reply;
}

test('a large body is not read for a call that the rate or the concurrency of its token refuses already', async () => {
  await using gate = await openGate();
  const slow = await issueToken(gate, { rateLimitRPM: 1 });
  const narrow = await issueToken(gate, { concurrency: 1 });
  gate.fake.setKnobs({ holdAfterChunks: 1 });
  const running = new RawClient(gate.url);
  running.send({
    headers: { authorization: `Bearer ${narrow.text}` },
    body: chatJson({ stream: true, messages: MESSAGES }),
  });
  await running.until('"content":"This"');
  const narrowed = await headOnly(gate, narrow.text);
  expect([narrowed.status, narrowed.headers.get('retry-after')]).toEqual([429, '1']);
  gate.fake.release();
  await running.whole();
  running.socket.destroy();

  gate.fake.setKnobs({ holdAfterChunks: null });
  expect((await gate.chat({}, { headers: { authorization: `Bearer ${slow.text}` } })).status).toBe(200);
  expect((await headOnly(gate, slow.text)).status).toBe(429);
  expect(refusals(gate).map(({ errorCode }) => errorCode)).toEqual(['limit.concurrency', 'limit.rate']);
  expect(gate.fake.calls()).toHaveLength(2);
});
