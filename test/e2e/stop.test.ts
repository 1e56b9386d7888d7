import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { verifyJournal } from '../../src/audit/verify.ts';
import { balance, budget, endOf, entries, eventually, journaledCalls } from '../support/calls.ts';
import { openGate, type OpenGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson, errorOf, postChat } from '../support/setup.ts';

async function openStream(gate: OpenGate): Promise<RawClient> {
  const client = new RawClient(gate.url);
  const body = chatJson({ stream: true, max_completion_tokens: 1000 });
  client.send({ headers: { authorization: `Bearer ${gate.token}` }, body });
  await client.until('"content":"This"');
  return client;
}

/** A request whose last byte is still to come. */
function openHalf(gate: OpenGate): { client: RawClient; finish: () => void } {
  const body = chatJson({});
  const client = new RawClient(gate.url);
  client.send({
    headers: { authorization: `Bearer ${gate.token}` },
    body: body.slice(0, -1),
    announcedBytes: body.length,
  });
  return { client, finish: () => client.socket.write(body.slice(-1)) };
}

/** The journal verifies, its last stream but one was closed, and nothing was left for the new process to charge. */
async function expectCleanRestart(gate: OpenGate, spentPicoUsd: bigint): Promise<void> {
  expect(gate.app.recoveredCalls).toBe(0);
  expect(verifyJournal(join(gate.data, 'journal'))).toMatchObject({ ok: true, streams: 2, problem: null });
  expect(entries(gate).filter(({ action }) => action === 'journal.close')).toHaveLength(1);
  expect<bigint>(budget(gate).spentPicoUsd).toBe(spentPicoUsd);
  expect<bigint>(budget(gate).heldPicoUsd).toBe(0n);
  expect([...journaledCalls(gate).values()].every(({ ends }) => ends.length === 1)).toBe(true);
  gate.fake.setKnobs({ tokensPerSecond: 0 });
  expect((await postChat(gate, {})).status).toBe(200);
}

test('a running stream finishes while Sallyport stops, and new calls are refused', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_DRAIN_SECONDS: '10' } });
  gate.fake.setKnobs({ tokensPerSecond: 50, completionTokens: 50 });
  const url = gate.url;
  const stream = await openStream(gate);
  const late = openHalf(gate);
  await Bun.sleep(50);
  const startedMs = performance.now();
  const restarted = gate.restart();
  await Bun.sleep(50);
  const refused = await fetch(`${url}/v1/models`).then(
    ({ status }) => status,
    () => 'refused',
  );
  expect(['refused', 503]).toContain(refused);
  late.finish();
  const answer = await late.client.whole();
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  expect(JSON.parse(answer.body.toString())).toMatchObject({ error: { code: 'overloaded' } });
  late.client.socket.destroy();

  const reply = await stream.whole();
  stream.socket.destroy();
  expect(reply.complete).toBe(true);
  expect(reply.body.toString()).toEndWith('data: [DONE]\n\n');
  await restarted;
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  const end = await endOf(gate, reply.headers.get('x-request-id')!);
  expect(end).toMatchObject({ result: 'success', basis: 'usage', costPicoUsd: gate.fake.bill().picoUsd });
  await expectCleanRestart(gate, BigInt(end.costPicoUsd));
});

test('what outlasts the drain bound is cut, told, charged and on record', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_DRAIN_SECONDS: '1' } });
  gate.fake.setKnobs({ tokensPerSecond: 50, completionTokens: 800 });
  const streams = await Promise.all([openStream(gate), openStream(gate), openStream(gate)]);
  const waiting = postChat(gate, { max_completion_tokens: 800 });
  await eventually(() => gate.fake.calls().length === 4);
  const startedMs = performance.now();
  const restarted = gate.restart();
  for (const stream of streams) expect((await stream.end()).complete).toBe(false);
  const answer = await waiting;
  expect(answer.status).toBe(503);
  expect(await errorOf(answer)).toMatchObject({ code: 'overloaded' });
  await restarted;
  expect(performance.now() - startedMs).toBeWithin(950, 30_000);

  let spent = 0n;
  for (const stream of streams) {
    const end = await endOf(gate, stream.reply.headers.get('x-request-id')!);
    expect(end).toMatchObject({
      result: 'error',
      errorCode: 'gateway.stopping',
      basis: 'delivered',
      recovered: false,
    });
    const record = gate.fake.calls().find(({ requestId }) => requestId === end.id)!;
    expect(record.aborted).toBe(true);
    expect(BigInt(end.costPicoUsd)).toBeGreaterThanOrEqual(BigInt(record.picoUsd));
    expect(BigInt(end.costPicoUsd)).toBeLessThan(
      BigInt(journaledCalls(gate).get(end.id)!.start.holdPicoUsd) / 2n,
    );
    spent += BigInt(end.costPicoUsd);
  }
  const whole = await endOf(gate, answer.headers.get('x-request-id'));
  expect(whole).toMatchObject({ errorCode: 'gateway.stopping', basis: 'hold' });
  await expectCleanRestart(gate, spent + BigInt(whole.costPicoUsd));
});

test('a client that never finishes its request does not hold the stop up', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_DRAIN_SECONDS: '1' } });
  const { client } = openHalf(gate);
  await Bun.sleep(50);
  const startedMs = performance.now();
  await gate.restart();
  expect(performance.now() - startedMs).toBeLessThan(30_000);
  client.socket.destroy();
  expect((await balance(gate)).calls).toBe(0);
  await expectCleanRestart(gate, 0n);
});
