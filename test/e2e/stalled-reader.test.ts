import { expect, test } from 'bun:test';
import { balance, endOf, eventually, journaledCalls } from '../support/calls.ts';
import { openGate, type OpenGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson } from '../support/setup.ts';

const TOKENS = 60_000;

/** Opens a stream of about 12 MB and reads nothing after its first bytes. */
async function openStalled(gate: OpenGate): Promise<RawClient> {
  const client = new RawClient(gate.url);
  const body = chatJson({ stream: true, max_completion_tokens: TOKENS });
  client.send({ headers: { authorization: `Bearer ${gate.token}` }, body });
  await client.until('"content":"This"');
  client.socket.pause();
  return client;
}

function generated(gate: OpenGate): number {
  return gate.fake.calls().reduce((sum, { completionTokens }) => sum + completionTokens, 0);
}

test('a client that stops reading stops us from reading, is cut after the stall limit, and is charged for what was sent', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_STALL_SECONDS: '2' } });
  gate.fake.setKnobs({ completionTokens: TOKENS });
  const clients: RawClient[] = [];
  for (let n = 0; n < 8; n += 1) clients.push(await openStalled(gate));
  const startedMs = performance.now();
  let last = -1;
  await eventually(async () => {
    const seen = generated(gate);
    await Bun.sleep(100);
    const stopped = seen === last;
    last = seen;
    return stopped;
  }, 20_000);
  // What is in flight is in socket buffers, on four sides; the rest was never asked for.
  expect(generated(gate)).toBeLessThan((8 * TOKENS * 19) / 20);
  const ids = clients.map(({ reply }) => reply.headers.get('x-request-id')!);
  for (const id of ids) {
    const end = await endOf(gate, id, 20_000);
    expect(end).toMatchObject({ result: 'error', errorCode: 'client.stalled', basis: 'delivered' });
    expect(BigInt(end.costPicoUsd)).toBeLessThan(BigInt(journaledCalls(gate).get(id)!.start.holdPicoUsd));
    expect(end.completionTokens).toBeGreaterThan(1000);
  }
  expect(performance.now() - startedMs).toBeLessThan(60_000);
  await eventually(() => gate.fake.calls().every(({ aborted }) => aborted), 20_000);
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
  for (const client of clients) {
    client.socket.resume();
    expect((await client.end()).complete).toBe(false);
  }
});

test('a slow reader that does read gets the whole stream', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_STALL_SECONDS: '1' } });
  gate.fake.setKnobs({ completionTokens: TOKENS });
  const client = await openStalled(gate);
  for (let pause = 0; pause < 4; pause += 1) {
    await Bun.sleep(400);
    client.socket.resume();
    await Bun.sleep(5);
    client.socket.pause();
  }
  client.socket.resume();
  const reply = await client.whole(30_000);
  client.socket.destroy();
  expect(reply.complete).toBe(true);
  expect(reply.body.toString()).toEndWith('data: [DONE]\n\n');
  const end = await endOf(gate, reply.headers.get('x-request-id')!);
  expect(end).toMatchObject({ basis: 'usage', costPicoUsd: gate.fake.bill().picoUsd });
});

test('revoking a token cuts a stream whose client reads nothing', async () => {
  await using gate = await openGate({ budgetUsd: '1000' });
  gate.fake.setKnobs({ completionTokens: TOKENS });
  const client = await openStalled(gate);
  await Bun.sleep(200);
  await gate.app.tokens.revoke('local', gate.tokenId, 'test');
  const end = await endOf(gate, client.reply.headers.get('x-request-id')!, 1000);
  expect(end).toMatchObject({ result: 'error', errorCode: 'token.invalid', basis: 'delivered' });
  await eventually(() => gate.fake.calls().every(({ aborted }) => aborted), 20_000);
  client.socket.destroy();
});

test('a client that reads nothing does not keep Sallyport from stopping', async () => {
  await using gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_DRAIN_SECONDS: '1' } });
  gate.fake.setKnobs({ completionTokens: TOKENS });
  const client = await openStalled(gate);
  const startedMs = performance.now();
  await gate.restart();
  expect(performance.now() - startedMs).toBeWithin(900, 30_000);
  expect(gate.app.recoveredCalls).toBe(0);
  const end = await endOf(gate, client.reply.headers.get('x-request-id')!);
  expect(end).toMatchObject({ result: 'error', errorCode: 'gateway.stopping', recovered: false });
  client.socket.destroy();
});
