/** What a sync that takes long holds back: the answer, and with SALLYPORT_DURABILITY=strict also what is sent. */
import { expect, spyOn, test } from 'bun:test';
import { Journal } from '../../src/audit/journal.ts';
import { SallyportError } from '../../src/core/errors.ts';
import { Upstream } from '../../src/gateway/upstream.ts';
import { budget, endOf, entries, eventually } from '../support/calls.ts';
import { type OpenGate, openGate } from '../support/harness.ts';

const { durable } = Journal.prototype;
const spy = spyOn(Journal.prototype, 'durable');

interface Held extends AsyncDisposable {
  readonly gate: OpenGate;
  /** The disk confirms what waits for it, and holds nothing any more. */
  release(): void;
  /** It says that it cannot; later syncs are as usual. */
  fail(): void;
  /** Later syncs are as usual; those that wait go on waiting. */
  holdNoMore(): void;
}

/** A gate whose disk confirms nothing from now on. */
async function openHeld(durability: 'strict' | 'answer'): Promise<Held> {
  const gate = await openGate({ budgetUsd: '1', variables: { SALLYPORT_DURABILITY: durability } });
  const disk = Promise.withResolvers<void>();
  disk.promise.catch(() => undefined);
  spy.mockImplementation(async function held(this: Journal, position) {
    await durable.call(this, position);
    await disk.promise;
  });
  const holdNoMore = (): void => void spy.mockImplementation(durable);
  const release = (): void => {
    holdNoMore();
    disk.resolve();
  };
  return {
    gate,
    release,
    holdNoMore,
    fail: () => {
      holdNoMore();
      disk.reject(new SallyportError('audit.unavailable', 'The disk did not confirm a sync.'));
    },
    [Symbol.asyncDispose]: async () => {
      release();
      await gate[Symbol.asyncDispose]();
    },
  };
}

function starts(gate: OpenGate): number {
  return entries(gate).filter(({ action }) => action === 'call.start').length;
}

/** Long enough for anything that does not wait for the disk: so many other requests are answered meanwhile. */
async function otherRequests(gate: OpenGate): Promise<void> {
  const headers = { authorization: `Bearer ${gate.token}` };
  for (let n = 0; n < 30; n += 1) expect((await fetch(`${gate.url}/health`, { headers })).status).toBe(200);
}

test('without strict, a call is sent while its entry is being synced, and its answer waits', async () => {
  await using held = await openHeld('answer');
  const { gate } = held;
  let answered = false;
  const reply = gate.chat().then((response) => {
    answered = true;
    return response;
  });
  await eventually(() => gate.fake.calls().length === 1);
  await otherRequests(gate);
  expect([starts(gate), answered]).toEqual([1, false]);
  held.release();
  expect((await reply).status).toBe(200);
});

test.each([
  ['a whole answer', { stream: false }],
  ['a stream', { stream: true }],
])('with strict, nothing is sent before the entry is on disk: %s', async (_, body) => {
  await using held = await openHeld('strict');
  const { gate } = held;
  const asking = gate.chat(body);
  await eventually(() => starts(gate) === 1);
  await otherRequests(gate);
  expect([gate.fake.calls(), budget(gate).heldPicoUsd > 0n]).toEqual([[], true]);
  held.release();
  const reply = await asking;
  await reply.text();
  expect(reply.status).toBe(200);
  expect(gate.fake.calls()).toHaveLength(1);
  expect(await endOf(gate, reply.headers.get('x-request-id'))).toMatchObject({
    result: 'success',
    basis: 'usage',
  });
});

test('with strict, the list of models waits as well', async () => {
  await using held = await openHeld('strict');
  const { gate } = held;
  const sent = spyOn(Upstream.prototype, 'send');
  const headers = { authorization: `Bearer ${gate.token}` };
  const asking = fetch(`${gate.url}/openai/v1/models`, { headers });
  await eventually(() => starts(gate) === 1);
  await otherRequests(gate);
  expect(sent).not.toHaveBeenCalled();
  held.release();
  expect((await asking).status).toBe(200);
  expect(sent).toHaveBeenCalledTimes(1);
  sent.mockRestore();
});

test('with strict, a disk that does not confirm refuses the call: nothing is sent, and it costs nothing', async () => {
  await using held = await openHeld('strict');
  const { gate } = held;
  const asking = gate.chat();
  await eventually(() => starts(gate) === 1);
  held.fail();
  const reply = await asking;
  expect(reply.status).toBe(503);
  expect(await endOf(gate, reply.headers.get('x-request-id'))).toMatchObject({
    result: 'error',
    errorCode: 'audit.unavailable',
    costPicoUsd: '0',
    basis: 'none',
  });
  expect([gate.fake.calls(), budget(gate).heldPicoUsd]).toEqual([[], 0n as never]);
});

test('with strict, who hangs up or is revoked while the disk is waited for sends nothing, and pays nothing', async () => {
  await using held = await openHeld('strict');
  const { gate } = held;
  const client = new AbortController();
  const gone = gate.chat({}, { signal: client.signal }).catch(() => null);
  await eventually(() => starts(gate) === 1);
  client.abort();
  expect(await gone).toBeNull();
  const asking = gate.chat();
  await eventually(() => starts(gate) === 2);
  held.holdNoMore();
  await gate.app.tokens.revoke('local', gate.tokenId, 'stolen');
  held.release();
  expect((await asking).status).toBe(401);
  await eventually(() => budget(gate).heldPicoUsd === 0n);
  expect(gate.fake.calls()).toEqual([]);
  expect(budget(gate).spentPicoUsd).toBe(0n as never);
});
