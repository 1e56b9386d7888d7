import { afterAll, expect, test } from 'bun:test';
import { balance, budget, endOf, journaledCalls } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { openGate } from '../support/harness.ts';
import { addKey, errorOf, issueToken, postChat } from '../support/setup.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const STREAM_TYPE = { 'content-type': 'text/event-stream' };

let answer: () => Response = () => new Response();
const upstream = startCapture(() => answer());
const gate = await openGate({ budgetUsd: '1000' });
await addKey(gate, { name: 'odd', provider: 'groq', origin: upstream.url, environment: 'odd' });
const { text: token } = await issueToken(gate, { environment: 'odd' });
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

interface Seen {
  readonly response: Response;
  readonly text: string;
  readonly cost: bigint;
  readonly hold: bigint;
  readonly end: Awaited<ReturnType<typeof endOf>>;
}

async function ask(stream: boolean, reply: () => Response): Promise<Seen> {
  answer = reply;
  const response = await postChat(gate, { stream }, { token });
  const text = await response.clone().text();
  const id = response.headers.get('x-request-id');
  const end = await endOf(gate, id);
  const hold = BigInt(journaledCalls(gate).get(id!)!.start.holdPicoUsd);
  return { response, text, end, cost: BigInt(end.costPicoUsd), hold };
}

function usage(prompt: unknown, completion: unknown, cached?: unknown): object {
  const details = cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } };
  return { prompt_tokens: prompt, completion_tokens: completion, ...details };
}

test('a stream that was asked for and a whole answer that came is passed on and metered', async () => {
  const body = JSON.stringify({ object: 'chat.completion', usage: usage(100, 10) });
  const seen = await ask(true, () => new Response(body, { headers: JSON_TYPE }));
  expect(seen.response.status).toBe(200);
  expect(seen.text).toBe(body);
  expect(seen.cost).toBe(100n * 75_000n + 10n * 300_000n);
});

test('a stream that nobody asked for is a 502, charged the hold', async () => {
  const seen = await ask(false, () => new Response('data: {}\n\n', { headers: STREAM_TYPE }));
  expect(seen.response.status).toBe(502);
  expect(await errorOf(seen.response)).toMatchObject({ type: 'api_error', code: 'upstream_bad_reply' });
  expect(seen.cost).toBe(seen.hold);
});

test('usage that cannot be true is charged the hold, whether it stands in a stream or in a whole answer', async () => {
  for (const untrue of [
    usage(0, 10),
    usage(-5, 10),
    usage(10, -1),
    usage(1.5, 1),
    usage('100', 1),
    usage(100, null),
    usage(10, 1, 11),
    usage(10, 1, -1),
    usage(2 ** 53, 1),
    usage(1e300, 1),
    {},
  ]) {
    const whole = JSON.stringify({ object: 'chat.completion', usage: untrue });
    const seen = await ask(false, () => new Response(whole, { headers: JSON_TYPE }));
    expect([untrue, seen.response.status, seen.end.basis]).toEqual([untrue, 200, 'hold']);
    expect(seen.cost).toBe(seen.hold);

    const event = JSON.stringify({ object: 'chat.completion.chunk', choices: [], usage: untrue });
    const streamed = await ask(
      true,
      () => new Response(`data: ${event}\n\ndata: [DONE]\n\n`, { headers: STREAM_TYPE }),
    );
    expect(streamed.response.status).toBe(200);
    expect(streamed.text).toBe(`data: ${event}\n\ndata: [DONE]\n\n`);
    expect(streamed.cost).toBeGreaterThan(0n);
    expect(streamed.cost).toBeLessThanOrEqual(streamed.hold);
  }
});

test('usage above the hold is charged as it is, and the overrun is on record', async () => {
  const body = JSON.stringify({ object: 'chat.completion', usage: usage(50_000, 60_000) });
  const before = budget(gate).spentPicoUsd;
  const seen = await ask(false, () => new Response(body, { headers: JSON_TYPE }));
  const cost = 50_000n * 75_000n + 60_000n * 300_000n;
  expect(seen.cost).toBe(cost);
  expect(seen.end.overrunPicoUsd).toBe((cost - seen.hold).toString());
  expect(budget(gate).spentPicoUsd - before).toBe(cost);
  expect(budget(gate).overrunPicoUsd as bigint).toBe(cost - seen.hold);
  await ask(false, () => new Response(body, { headers: JSON_TYPE }));
  expect(budget(gate).overrunPicoUsd as bigint).toBe(2n * (cost - seen.hold));
  expect(gate.events('budget.overrun')).toMatchObject([{ overrunPicoUsd: (cost - seen.hold).toString() }]);
});

test('of several statements in one stream the last counts, and a null takes nothing back', async () => {
  const events = [usage(10, 1), null, usage(100, 20), null, usage(100, 40)].map(
    (stated) =>
      `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices: [], usage: stated })}\n\n`,
  );
  const seen = await ask(true, () => new Response(events.join(''), { headers: STREAM_TYPE }));
  expect(seen.cost).toBe(100n * 75_000n + 40n * 300_000n);
});

test('usage in an error event or behind text that quotes usage is read as what it is', async () => {
  const quoted = JSON.stringify({
    object: 'chat.completion.chunk',
    choices: [{ delta: { content: 'data: {"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n' } }],
  });
  const real = JSON.stringify({
    object: 'chat.completion.chunk',
    choices: [],
    x_groq: { usage: usage(100, 50) },
  });
  const seen = await ask(
    true,
    () => new Response(`data: ${quoted}\n\ndata: ${real}\n\n`, { headers: STREAM_TYPE }),
  );
  expect(seen.cost).toBe(100n * 75_000n + 50n * 300_000n);
});

test('an empty stream passes as an empty stream, charged for its prompt', async () => {
  const seen = await ask(true, () => new Response('', { headers: STREAM_TYPE }));
  expect(seen.response.status).toBe(200);
  expect(seen.text).toBe('');
  expect(seen.end.basis).toBe('delivered');
  expect(seen.cost).toBeGreaterThan(0n);
  expect(seen.cost).toBeLessThan(seen.hold);
});

test('a whole answer that is no JSON inside is passed on as it is, charged the hold', async () => {
  const seen = await ask(false, () => new Response('{"cut":', { headers: JSON_TYPE }));
  expect(seen.response.status).toBe(200);
  expect(seen.text).toBe('{"cut":');
  expect(seen.cost).toBe(seen.hold);
});

test('a status that no chat call has is a 502, charged the hold when it is no error', async () => {
  for (const status of [201, 202, 204, 206]) {
    const seen = await ask(false, () => new Response(null, { status, headers: JSON_TYPE }));
    expect([status, seen.response.status]).toEqual([status, 502]);
    expect(seen.cost).toBe(seen.hold);
  }
  for (const status of [300, 301, 302, 303, 304, 308]) {
    const seen = await ask(
      false,
      () => new Response(null, { status, headers: { location: `${upstream.url}/elsewhere` } }),
    );
    expect([status, seen.response.status]).toEqual([status, 502]);
    expect(seen.cost).toBe(0n);
  }
  expect(upstream.requests.every(({ path }) => path === '/openai/v1/chat/completions')).toBe(true);
});

test('a content type is read without regard to case and parameters', async () => {
  const event = `data: ${JSON.stringify({ choices: [], usage: usage(10, 10) })}\n\n`;
  const upper = await ask(
    true,
    () => new Response(event, { headers: { 'content-type': 'Text/Event-Stream; Charset=UTF-8' } }),
  );
  expect(upper.text).toBe(event);
  const odd = await ask(
    false,
    () =>
      new Response(`{"usage":${JSON.stringify(usage(10, 10))}}`, {
        headers: { 'content-type': 'Application/vnd.x+JSON ; charset=utf-8' },
      }),
  );
  expect(odd.response.status).toBe(200);
  for (const type of ['text/json', 'application/jsonp', 'application/octet-stream', '']) {
    const seen = await ask(false, () => new Response('{}', { headers: { 'content-type': type } }));
    expect([type, seen.response.status]).toEqual([type, 502]);
  }
});

test('everything was settled once', async () => {
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
});
