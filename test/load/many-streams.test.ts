/** As many streams as one node takes, and the call behind the last of them. */
import { expect, test } from 'bun:test';
import { balance, eventually, refusals } from '../support/calls.ts';
import { liveCalls, rawChat } from '../support/hostile.ts';
import { openOwnProcess } from '../support/own-process.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson, errorOf } from '../support/setup.ts';

const STREAMS = 1000;
const TOKENS = 40;

test('1,000 streams run at once, call 1,001 is refused unread and unsent, and the ledger agrees with the bill', async () => {
  await using own = await openOwnProcess({
    budgetUsd: '1000',
    variables: { SALLYPORT_MAX_CALLS: String(STREAMS) },
  });
  const { gate, child, post } = own;
  const { fake, data, token } = gate;
  const headers = { authorization: `Bearer ${token}` };
  const body = chatJson({ stream: true, max_completion_tokens: TOKENS });
  fake.setKnobs({ completionTokens: TOKENS, holdAfterChunks: 3 });
  // Sockets, because the runtime of a test has the bound of 256 that this is about.
  const streams = Array.from({ length: STREAMS }, () => new RawClient(child.gateway));
  for (const stream of streams) stream.send({ headers, body });
  // Each has its first token, none its last: nothing waits in a queue.
  await Promise.all(streams.map((stream) => stream.until('"content":"This"', 30_000)));
  expect(await liveCalls(data)).toBe(STREAMS);
  expect(fake.calls().filter(({ finished, aborted }) => !finished && !aborted)).toHaveLength(STREAMS);

  const refused = await post({});
  expect(refused.status).toBe(503);
  expect(Object.fromEntries(refused.headers)).toMatchObject({ 'retry-after': '1', 'x-should-retry': 'true' });
  expect(await errorOf(refused)).toMatchObject({ type: 'api_error', code: 'overloaded' });
  const unsent = new RawClient(child.gateway);
  unsent.socket.write(rawChat(token, { length: '9000000', body: '' }));
  expect((await unsent.whole()).status).toBe(503);
  unsent.socket.destroy();
  expect(fake.calls()).toHaveLength(STREAMS);

  fake.release();
  for (const stream of streams) {
    const { status, body: events, complete } = await stream.whole(30_000);
    expect({ status, complete }).toEqual({ status: 200, complete: true });
    expect(events.toString().split('"content":"')).toHaveLength(TOKENS + 2);
    expect(events.toString()).toEndWith('data: [DONE]\n\n');
    stream.socket.destroy();
  }
  await eventually(async () => (await liveCalls(data)) === 0);
  fake.setKnobs({ holdAfterChunks: null });
  expect((await post({})).status).toBe(200);

  const opened = await own.end();
  const { calls, costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(opened);
  expect({ calls, heldPicoUsd, unsettled }).toEqual({ calls: STREAMS + 1, heldPicoUsd: 0n, unsettled: [] });
  expect([costPicoUsd, spentPicoUsd]).toEqual(Array<bigint>(2).fill(BigInt(fake.bill().picoUsd)));
  expect(refusals(opened).map(({ errorCode }) => errorCode)).toEqual(
    Array<string>(2).fill('gateway.overloaded'),
  );
});
