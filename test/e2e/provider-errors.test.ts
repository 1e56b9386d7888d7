import { afterAll, beforeEach, expect, test } from 'bun:test';
import { balance, endOf, entries } from '../support/calls.ts';
import { startCapture } from '../support/capture.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { addKey, issueToken, postChat } from '../support/setup.ts';
import { type ErrorRow, ERROR_ROWS } from '../../src/fake/errors.ts';

const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(() => gate[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  /** What an SDK is told: not to try again, when to, or nothing. */
  readonly retry: 'no' | number | 'as it likes';
  /** Of the provider's own words, what has to be there. */
  readonly words?: string;
}

/** The error is about our key or account: it stays inside. */
const OURS: Answer = { status: 503, code: 'upstream_unavailable', retry: 'no' };

const ANSWERS: Readonly<Record<Exclude<ErrorRow, '200_html' | 'redirect'>, Answer>> = {
  '401': OURS,
  '403_model_org': OURS,
  '403_model_project': OURS,
  '403_html': OURS,
  '403_network': OURS,
  '404_model': { status: 404, code: 'model_not_found', retry: 'no', words: MODEL },
  '400_decommissioned': { status: 400, code: 'model_decommissioned', retry: 'no', words: MODEL },
  '400_spend': OURS,
  '400_blocked_api_access': OURS,
  '400_org_restricted': OURS,
  '400_json_validate': { status: 400, code: 'json_validate_failed', retry: 'no', words: 'failed_generation' },
  '400_tool_use': { status: 400, code: 'tool_use_failed', retry: 'no', words: 'failed_generation' },
  '413': { status: 413, code: 'rate_limit_exceeded', retry: 'no', words: 'Request too large' },
  '424': { status: 424, code: 'external_connector_error', retry: 'no', words: 'MCP' },
  '429_minute': { status: 429, code: 'rate_limit_exceeded', retry: 2, words: '(TPM)' },
  '429_requests': { status: 429, code: 'rate_limit_exceeded', retry: 2, words: '(RPM)' },
  // The provider says 2 s beside a daily limit: an SDK would only use up its attempts.
  '429_daily': { status: 429, code: 'rate_limit_exceeded', retry: 'no', words: '(TPD)' },
  '429_too_large': { status: 429, code: 'rate_limit_exceeded', retry: 'no', words: 'Request too large' },
  '498': { status: 498, code: 'capacity_exceeded', retry: 'as it likes', words: 'Flex tier' },
  '499': { status: 499, code: undefined, retry: 'no', words: 'cancelled' },
  '500': { status: 500, code: undefined, retry: 'as it likes', words: 'Internal' },
  '502': { status: 503, code: 'upstream_unavailable', retry: 2 },
  '503': { status: 503, code: undefined, retry: 'as it likes', words: 'Unavailable' },
};

const REPLY_HEADERS = new Set([
  'content-type',
  'content-length',
  'date',
  'x-request-id',
  'x-sallyport-receipt',
  'x-sallyport-model',
  'x-should-retry',
  'retry-after',
  'retry-after-ms',
]);

test('every row of the provider is in the table', () => {
  const elsewhere: ReadonlySet<ErrorRow> = new Set(['200_html', 'redirect']);
  expect(Object.keys(ANSWERS).sort()).toEqual(ERROR_ROWS.filter((row) => !elsewhere.has(row)).sort());
});

for (const [row, expected] of Object.entries(ANSWERS)) {
  test(`what a caller gets for the provider's ${row}`, async () => {
    gate.fake.setKnobs({ error: row as ErrorRow, errorEchoesKey: true });
    for (const stream of [false, true]) {
      const response = await postChat(gate, { stream });
      const text = await response.text();
      const seen = text + JSON.stringify([...response.headers]);
      for (let at = 0; at + 16 <= gate.key.length; at += 1) {
        expect(seen).not.toContain(gate.key.slice(at, at + 16));
      }
      expect(seen).not.toContain('org_01');
      expect([...response.headers.keys()].filter((name) => !REPLY_HEADERS.has(name))).toEqual([]);

      const { error } = JSON.parse(text) as { error: Record<string, unknown> };
      expect(response.status).toBe(expected.status);
      expect(error['code']).toBe(expected.code);
      expect(typeof error['message']).toBe('string');
      expect(typeof error['type']).toBe('string');
      if (expected.words !== undefined) expect(text).toContain(expected.words);
      else expect(text).not.toMatch(/Invalid API Key|groq\.com|spend|restricted|blocked at/);

      const retry = response.headers.get('x-should-retry') === 'false' ? 'no' : undefined;
      const after = response.headers.get('retry-after');
      expect(retry ?? (after === null ? 'as it likes' : Number(after))).toBe(expected.retry);

      const id = response.headers.get('x-request-id');
      const status = Number.parseInt(row, 10);
      expect(await endOf(gate, id)).toMatchObject({
        result: 'error',
        errorCode: `upstream.${status}`,
        // What the model wrote is delivered, and never free.
        costPicoUsd: expected.words === 'failed_generation' ? expect.stringMatching(/^[1-9]/) : '0',
        basis: expected.words === 'failed_generation' ? 'delivered' : 'none',
      });
    }
    expect(gate.fake.calls()).toHaveLength(2);
    expect(gate.fake.bill().picoUsd).toBe('0');
  });
}

test('an error of the model list is answered by the same rules', async () => {
  gate.fake.setKnobs({ errorOn: 'all', errorEchoesKey: true });
  const headers = { authorization: `Bearer ${gate.token}` };
  for (const [row, expected] of Object.entries(ANSWERS)) {
    gate.fake.setKnobs({ error: row as ErrorRow });
    for (const path of ['models', `models/${encodeURIComponent(MODEL)}`]) {
      const response = await fetch(`${gate.url}/openai/v1/${path}`, { headers });
      expect(response.status).toBe(expected.status);
      expect(await response.text()).not.toContain(gate.key.slice(8, 24));
    }
  }
});

test('a provider that wants its retry later than any SDK should wait is not repeated, and a zero is one second', async () => {
  let headers: Record<string, string> = {};
  await using upstream = startCapture(() =>
    Response.json(
      { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } },
      { status: 429, headers },
    ),
  );
  await addKey(gate, { name: 'groq-slow', provider: 'groq', origin: upstream.url, environment: 'slow' });
  const { text: token } = await issueToken(gate, { environment: 'slow' });
  for (const [stated, retry, after] of [
    ['0', null, '1'],
    ['-3', null, '1'],
    ['1.2', null, '2'],
    ['60', null, '60'],
    ['61', 'false', null],
    ['3600', 'false', null],
    ['Wed, 21 Oct 2099 07:28:00 GMT', 'false', null],
    ['soon', 'false', null],
  ] as const) {
    headers = { 'retry-after': stated, 'retry-after-ms': '3600000', 'set-cookie': 'a=b', server: 'edge' };
    const response = await postChat(gate, {}, { token });
    expect(response.status).toBe(429);
    expect([response.headers.get('x-should-retry'), response.headers.get('retry-after')]).toEqual([
      retry,
      after,
    ]);
    expect(response.headers.get('retry-after-ms')).toBeNull();
    expect(response.headers.get('set-cookie')).toBeNull();
  }
});

test('an error body larger than any error is a 502 and costs nothing', async () => {
  await using upstream = startCapture(
    () => new Response(`{"error":{"message":"${'x'.repeat(100_000)}"}}`, { status: 400 }),
  );
  await addKey(gate, { name: 'groq-long', provider: 'groq', origin: upstream.url, environment: 'long' });
  const { text: token } = await issueToken(gate, { environment: 'long' });
  const response = await postChat(gate, {}, { token });
  expect(response.status).toBe(502);
  const end = await endOf(gate, response.headers.get('x-request-id'));
  expect(end).toMatchObject({ result: 'error', costPicoUsd: '0', basis: 'none' });
});

test('a refused key is on record once a minute, with the version of the key and no detail of the caller', async () => {
  await using fresh = await openGate();
  fresh.fake.setKnobs({ error: '401' });
  for (let call = 0; call < 5; call += 1) expect((await postChat(fresh, {})).status).toBe(503);
  const rejected = entries(fresh).filter((entry) => entry.action === 'key.rejected');
  expect(rejected).toHaveLength(1);
  expect(rejected[0]).toMatchObject({ keyId: 'groq@1', provider: 'groq', status: 401 });
});

test('nothing of it was charged but what a model wrote before it failed', async () => {
  const { spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  const ends = entries(gate).filter((entry) => entry.action === 'call.end');
  const charged = ends.filter(({ costPicoUsd }) => costPicoUsd !== '0');
  // Two rows of errors carry a failed generation, each asked plain and streamed.
  expect(charged.map(({ basis }) => basis)).toEqual(Array.from({ length: 4 }, () => 'delivered' as const));
  expect(spentPicoUsd).toBe(charged.reduce((sum, { costPicoUsd }) => sum + BigInt(costPicoUsd), 0n));
  expect({ heldPicoUsd, unsettled }).toEqual({ heldPicoUsd: 0n, unsettled: [] });
});
