import { afterAll, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { endOf, eventually, journaledCalls } from '../support/calls.ts';
import { liveCalls } from '../support/hostile.ts';
import { openGate } from '../support/harness.ts';
import { type Lie, startLiarUpstream } from '../support/liar-upstream.ts';
import { addKey, chatJson, issueToken } from '../support/setup.ts';
import { balance } from '../support/calls.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { join } from 'node:path';

const gate = await openGate({ budgetUsd: '1000', variables: { SALLYPORT_IDLE_SECONDS: '1' } });
const liar = await startLiarUpstream();
await addKey(gate, { name: 'liar', provider: 'groq', origin: liar.url, environment: 'liar' });
const { text: token } = await issueToken(gate, { environment: 'liar' });
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
  await liar[Symbol.asyncDispose]();
});

const JSON_TYPE = 'content-type: application/json';
const SSE_TYPE = 'content-type: text/event-stream';
const usage = '"usage":{"prompt_tokens":100,"completion_tokens":10}';
/** What that usage costs. */
const STATED = 100n * 75_000n + 10n * 300_000n;
const answer = `{"object":"chat.completion",${usage}}`;
const token1 = `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n`;
const last = `data: {"object":"chat.completion.chunk","choices":[],${usage}}\n\ndata: [DONE]\n\n`;

function http(head: readonly string[], body: string | Buffer = '', status = '200 OK'): Buffer {
  const lines = [`HTTP/1.1 ${status}`, ...head].join('\r\n');
  return Buffer.concat([Buffer.from(`${lines}\r\n\r\n`, 'latin1'), Buffer.from(body)]);
}
const whole = (body: string | Buffer = answer, ...head: string[]): Buffer =>
  http([JSON_TYPE, `content-length: ${Buffer.byteLength(body)}`, ...head], body);
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const chunked = (...texts: string[]): Buffer =>
  http([SSE_TYPE, 'transfer-encoding: chunked'], `${texts.map(chunk).join('')}0\r\n\r\n`);
const gzipped = gzipSync(answer);
const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, ' '));

/** Chunks that come one by one, with a close in place of the last one. */
const late = (...pieces: string[]): Lie => ({
  pieces: [http([SSE_TYPE, 'transfer-encoding: chunked']), ...pieces],
  gapMs: 30,
  ending: 'close',
});

type Basis = 'usage' | 'delivered' | 'hold' | 'none';
interface Expected {
  readonly status: number;
  readonly basis: Basis;
  /** Whether the client sees the answer come to its end; default true. */
  readonly complete?: boolean;
  /** What a caller may see as well, where it depends on how bytes and their break meet in the runtime. */
  readonly or?: { readonly status: number; readonly complete: boolean };
}
type Row = readonly [name: string, expected: Expected, lie: Lie | (() => Lie)];

const ok: Expected = { status: 200, basis: 'usage' };
const broken: Expected = { status: 502, basis: 'hold' };
const say = (...pieces: (string | Buffer)[]): Lie => ({ pieces, ending: 'close' });

const WHOLE: readonly Row[] = [
  ['a plain answer', ok, { pieces: [whole()] }],
  // Length.
  ['more bytes than it says', ok, say(whole(), 'trailing garbage')],
  ['a second answer behind the first', ok, { pieces: [whole(), whole()] }],
  ['fewer bytes than it says, and a close', broken, say(http([JSON_TYPE, 'content-length: 5000'], answer))],
  [
    'fewer bytes, and a reset',
    broken,
    { ...say(http([JSON_TYPE, 'content-length: 5000'], answer)), ending: 'reset' },
  ],
  [
    'fewer bytes, and silence',
    { status: 504, basis: 'hold' },
    { pieces: [http([JSON_TYPE, 'content-length: 5000'], answer)] },
  ],
  ['no length at all, and a close', ok, say(http([JSON_TYPE], answer))],
  [
    'two lengths that differ',
    broken,
    say(http([JSON_TYPE, 'content-length: 10', `content-length: ${answer.length}`], answer)),
  ],
  ['a length that is no number', broken, say(http([JSON_TYPE, 'content-length: x'], answer))],
  ['a negative length', broken, say(http([JSON_TYPE, 'content-length: -1'], answer))],
  [
    'a length of 0 before an answer',
    { status: 200, basis: 'hold' },
    say(http([JSON_TYPE, 'content-length: 0'], answer)),
  ],
  [
    'a length and chunks',
    ok,
    say(http([JSON_TYPE, 'content-length: 5', 'transfer-encoding: chunked'], `${chunk(answer)}0\r\n\r\n`)),
  ],
  ['chunks without an end', broken, say(http([JSON_TYPE, 'transfer-encoding: chunked'], chunk(answer)))],
  [
    'a chunk size that is no number',
    broken,
    say(http([JSON_TYPE, 'transfer-encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n')),
  ],
  ['a chunk cut short', broken, say(http([JSON_TYPE, 'transfer-encoding: chunked'], 'ff\r\n{"a"'))],
  ['65 MB', broken, () => say(whole(Buffer.alloc(65 * 1024 * 1024, ' ')))],
  // Encoding.
  ['gzip that it is', ok, say(whole(gzipped, 'content-encoding: gzip'))],
  ['gzip that it is not', broken, say(whole(answer, 'content-encoding: gzip'))],
  ['gzip cut short', broken, say(whole(gzipped.subarray(0, -12), 'content-encoding: gzip'))],
  ['gzip not said', { status: 200, basis: 'hold' }, say(whole(gzipped))],
  ['an encoding that nobody knows', broken, say(whole(answer, 'content-encoding: sallyport'))],
  ['gzip twice', broken, say(whole(gzipSync(gzipped), 'content-encoding: gzip, gzip'))],
  ['256 MB in 256 KB', broken, say(whole(bomb, 'content-encoding: gzip'))],
  // Status.
  ['100 before the answer', ok, say('HTTP/1.1 100 Continue\r\n\r\n', whole())],
  ['early hints before the answer', ok, say('HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n', whole())],
  ['101', broken, say(http(['upgrade: x', 'connection: upgrade'], '', '101 Switching Protocols'))],
  ['204', broken, say(http([], '', '204 No Content'))],
  [
    'a redirect',
    { status: 502, basis: 'none' },
    say(http([`location: ${liar.url}/x`, 'content-length: 0'], '', '302 Found')),
  ],
  ['999', { status: 503, basis: 'none' }, say(http([JSON_TYPE, 'content-length: 2'], '{}', '999 Odd'))],
  ['no number', broken, say(http([JSON_TYPE], answer, 'abc OK'))],
  [
    'an error without a body',
    { status: 503, basis: 'none' },
    say(http(['content-length: 0'], '', '500 Error')),
  ],
  [
    'an error in HTML',
    { status: 503, basis: 'none' },
    say(http(['content-type: text/html', 'content-length: 13'], '<html></html>', '502 Bad')),
  ],
  [
    'an error cut short',
    { status: 502, basis: 'none' },
    say(http([JSON_TYPE, 'content-length: 500'], '{"error":', '400 Bad')),
  ],
  [
    'an error that is not its kind',
    { status: 502, basis: 'none' },
    say(http([JSON_TYPE, 'content-length: 14'], '{"error":[[]]}', '400 Bad')),
  ],
  [
    'an error of 1 MB',
    { status: 502, basis: 'none' },
    say(
      http(
        [JSON_TYPE, 'content-length: 1000000'],
        `{"error":{"message":"${'x'.repeat(999_977)}"}}`,
        '400 Bad',
      ),
    ),
  ],
  // Not HTTP.
  ['HTML', broken, say(http(['content-type: text/html', 'content-length: 13'], '<html></html>'))],
  ['no type', broken, say(http([`content-length: ${answer.length}`], answer))],
  ['no HTTP', broken, say('220 mail ESMTP\r\n')],
  ['half a status line', broken, say('HTTP/1.1 2')],
  ['half the headers', broken, say('HTTP/1.1 200 OK\r\ncontent-type: app')],
  ['nothing', broken, say()],
  ['a reset', broken, { pieces: [], ending: 'reset' }],
  ['500 headers', broken, say(whole(answer, ...Array.from({ length: 500 }, (_, n) => `x-${n}: y`)))],
  ['a folded header', broken, say(whole(answer, 'x-a: b', ' c'))],
  ['NUL in a header', broken, say(whole(answer, 'x-a: b\0c'))],
  // Content.
  ['JSON with a byte order mark', { status: 200, basis: 'hold' }, say(whole(`\ufeff${answer}`))],
  ['a million brackets', { status: 200, basis: 'hold' }, say(whole('['.repeat(1_000_000)))],
  ['usage twice', { status: 200, basis: 'usage' }, say(whole(`{${usage},${usage}}`))],
  ['null', { status: 200, basis: 'hold' }, say(whole('null'))],
];

const STREAMS: readonly Row[] = [
  ['a plain stream', ok, { pieces: [chunked(token1, last)] }],
  ['no length, and a close', ok, say(http([SSE_TYPE], token1 + last))],
  [
    'byte by byte',
    ok,
    { pieces: [...http([SSE_TYPE], token1 + last)].map((byte) => Buffer.from([byte])), ending: 'close' },
  ],
  ['gzip that it is', ok, say(http([SSE_TYPE, 'content-encoding: gzip'], gzipSync(token1 + last)))],
  ['garbage behind the last chunk', ok, say(chunked(token1, last), 'garbage')],
  ['chunks without an end', { status: 200, basis: 'delivered', complete: false }, late(chunk(token1))],
  ['chunks without an end behind the usage', { ...ok, complete: false }, late(chunk(token1 + last))],
  [
    'a chunk cut short',
    { status: 200, basis: 'delivered', complete: false },
    late(chunk(token1), `fff\r\n${token1}`),
  ],
  // What breaks together with its first bytes: most often the runtime gives none of them.
  [
    'a break right behind the first chunk',
    { status: 502, basis: 'delivered', or: { status: 200, complete: false } },
    say(http([SSE_TYPE, 'transfer-encoding: chunked'], chunk(token1))),
  ],
  [
    'a chunk size that is no number',
    { status: 200, basis: 'delivered', complete: false },
    {
      pieces: [http([SSE_TYPE, 'transfer-encoding: chunked'], chunk(token1)), 'zz\r\n'],
      gapMs: 20,
      ending: 'close',
    },
  ],
  [
    'a reset',
    { status: 200, basis: 'delivered', complete: false },
    { pieces: [http([SSE_TYPE, 'transfer-encoding: chunked'], chunk(token1))], ending: 'reset' },
  ],
  [
    'a reset before the first byte',
    { status: 502, basis: 'delivered' },
    { pieces: [http([SSE_TYPE, 'transfer-encoding: chunked'])], ending: 'reset' },
  ],
  [
    'silence',
    { status: 200, basis: 'delivered', complete: false },
    { pieces: [http([SSE_TYPE, 'transfer-encoding: chunked'], chunk(token1))] },
  ],
  [
    'an event cut in the middle',
    { status: 200, basis: 'delivered' },
    say(http([SSE_TYPE], token1 + token1.slice(0, 40))),
  ],
  // What cannot be metered is charged the hold.
  [
    'gzip that it is not',
    { status: 502, basis: 'delivered' },
    say(http([SSE_TYPE, 'content-encoding: gzip'], token1 + last)),
  ],
  [
    'an encoding that nobody knows',
    broken,
    say(http([SSE_TYPE, 'content-encoding: aes128gcm'], token1 + last)),
  ],
  ['gzip not said', { status: 200, basis: 'hold' }, say(http([SSE_TYPE], gzipSync(token1 + last)))],
  [
    'HTML that says it is a stream',
    { status: 200, basis: 'hold' },
    say(http([SSE_TYPE], '<html>\n<body>Hello</body>\n</html>\n')),
  ],
  ['text in no event', { status: 200, basis: 'hold' }, say(http([SSE_TYPE], `${'word '.repeat(1000)}\n`))],
  ['a byte order mark', { status: 200, basis: 'hold' }, say(http([SSE_TYPE], `\ufeff${token1}`))],
  [
    'comments with lone carriage returns',
    { status: 200, basis: 'hold' },
    say(http([SSE_TYPE], `: a\r${token1}`)),
  ],
  [
    'a line of 3 MB',
    { status: 200, basis: 'hold' },
    () => say(http([SSE_TYPE], `data: ${'x'.repeat(3_000_000)}\n\n`)),
  ],
  [
    'a line of 3 MB before the usage',
    ok,
    () => say(http([SSE_TYPE], `data: ${'x'.repeat(3_000_000)}\n\n${last}`)),
  ],
  [
    'a line of 3 MB without an end',
    { status: 200, basis: 'hold' },
    () => say(http([SSE_TYPE], `data: ${'x'.repeat(3_000_000)}`)),
  ],
  // What passed is counted, however it is written.
  [
    'short lines of text',
    { status: 200, basis: 'delivered' },
    say(http([SSE_TYPE], 'data: some words\n\n'.repeat(100))),
  ],
  [
    'lone carriage returns',
    { status: 200, basis: 'delivered' },
    say(http([SSE_TYPE], token1.replaceAll('\n', '\r').repeat(20))),
  ],
  [
    'usage over two lines',
    { status: 200, basis: 'delivered' },
    say(http([SSE_TYPE], `${token1}data: {"choices":[],\ndata: ${usage}}\n\n`)),
  ],
];

async function ask(
  stream: boolean,
  lie: Lie | (() => Lie),
): Promise<{ status: number; complete: boolean; id: string }> {
  liar.lie = typeof lie === 'function' ? lie() : lie;
  let reply: Response;
  try {
    reply = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: chatJson({ stream }),
      redirect: 'manual',
    });
  } catch {
    // A stream that is broken at once can take its head with it: the runtime resets the connection.
    return { status: 200, complete: false, id: [...journaledCalls(gate).keys()].at(-1) ?? '' };
  }
  const id = reply.headers.get('x-request-id') ?? '';
  const complete = await reply.arrayBuffer().then(
    () => true,
    () => false,
  );
  return { status: reply.status, complete, id };
}

for (const [kind, rows] of [
  ['whole', WHOLE],
  ['stream', STREAMS],
] as const) {
  test.each(rows)(`${kind}, %s`, async (_name, expected, lie) => {
    const before = liar.requests;
    const { status, complete, id } = await ask(kind === 'stream', lie);
    const end = await endOf(gate, id);
    const hold = BigInt(journaledCalls(gate).get(id)!.start.holdPicoUsd);
    const { or, ...first } = { complete: true, ...expected };
    const seen = or?.status === status ? { ...first, ...or } : first;
    expect({ status, complete, basis: end.basis }).toEqual(seen);
    // Sent once, whatever came back.
    expect(liar.requests - before).toBe(1);
    const cost = BigInt(end.costPicoUsd);
    if (expected.basis === 'usage') expect(cost).toBe(STATED);
    if (expected.basis === 'hold') expect(cost).toBe(hold);
    if (expected.basis === 'none') expect(cost).toBe(0n);
    if (expected.basis === 'delivered') {
      expect(cost).toBeGreaterThan(0n);
      expect(cost).toBeLessThanOrEqual(hold);
    }
    if (status === 200 && expected.basis === 'delivered') expect(end.completionTokens).toBeGreaterThan(0);
  });
}

const LISTS = ['null', '[]', '{}', '{"data":{}}', 'x', '', '{"data":['] as const;

test.each(LISTS)('the model list %p is a 502, and nothing of it is passed on', async (body) => {
  liar.lie = { pieces: [whole(body)] };
  const reply = await fetch(`${gate.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  expect(reply.status).toBe(502);
  expect(await reply.json()).toMatchObject({ error: { code: 'upstream_bad_reply' } });
});

test('items of a model list that are no models are left out', async () => {
  liar.lie = { pieces: [whole('{"data":[null,1,"x",[],{},{"id":1},{"id":"openai/gpt-oss-20b","x":1}]}')] };
  const reply = await fetch(`${gate.url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
  expect(await reply.json()).toEqual({ data: [{ id: 'openai/gpt-oss-20b', x: 1 }] });
});

test('what a liar left on a connection is not the answer to the next call', async () => {
  const second = whole('{"object":"chat.completion","choices":"stale"}');
  for (let n = 0; n < 10; n += 1) {
    liar.lie = { pieces: [whole(), second] };
    expect((await ask(false, liar.lie)).status).toBe(200);
    liar.lie = { pieces: [whole(`{"n":${n},${usage}}`)] };
    const reply = await fetch(`${gate.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: chatJson({}),
    });
    expect(await reply.text()).not.toContain('stale');
  }
});

test('after all of them nothing is left behind', async () => {
  await eventually(async () => (await liveCalls(gate.data)) === 0);
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
  expect(verifyJournal(join(gate.data, 'journal')).ok).toBe(true);
  // The streams that were given up are closed on this side too.
  await eventually(() => liar.open <= 64);
});
