import { afterAll, expect, test } from 'bun:test';
import { expectUnharmed, rawChat } from '../support/hostile.ts';
import { refusals } from '../support/calls.ts';
import { openGate } from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';

// The runtime's shortest; it looks every four seconds.
const gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_REQUEST_SECONDS: '4' } });
afterAll(() => gate[Symbol.asyncDispose]());

const WHOLE = rawChat(gate.token);
const HEAD = WHOLE.indexOf('\r\n\r\n') + 4;

/** How a client may drag a request out: what it sends at once, and what it drips every 100 ms behind it. */
const DRIPS: readonly (readonly [name: string, first: string, drip: string])[] = [
  ['nothing at all', '', ''],
  ['a request line, byte by byte', '', WHOLE[0]!],
  ['half the headers, and no more', WHOLE.slice(0, HEAD / 2), ''],
  ['headers without an end', `${WHOLE.slice(0, HEAD - 2)}x-a: `, 'b'],
  ['a body, byte by byte', rawChat(gate.token, { length: '5000' }), ' '],
  ['a body that stops', rawChat(gate.token, { length: '5000' }), ''],
  [
    'chunks of one byte',
    rawChat(gate.token, { length: null, more: ['transfer-encoding: chunked'], body: '' }),
    '1\r\n \r\n',
  ],
];

async function drag(first: string, drip: string, ms: number): Promise<boolean> {
  const client = new RawClient(gate.url);
  client.socket.write(first);
  const deadline = performance.now() + ms;
  while (!client.closed && performance.now() < deadline) {
    client.socket.write(drip);
    await Bun.sleep(100);
  }
  client.socket.destroy();
  return client.closed;
}

test('a request that does not arrive in time is given up, however it is dragged out, and makes no call', async () => {
  // The time for headers is the runtime's own: twelve seconds.
  const closed = await Promise.all(DRIPS.map(([, first, drip]) => drag(first, drip, 18_000)));
  expect(DRIPS.map(([name], index) => [name, closed[index]])).toEqual(DRIPS.map(([name]) => [name, true]));
  expect(gate.fake.calls()).toEqual([]);
  // Those whose token had come are on record.
  expect(refusals(gate).map(({ errorCode }) => errorCode)).toEqual(Array<string>(3).fill('request.invalid'));
  await expectUnharmed(gate);
}, 30_000);
