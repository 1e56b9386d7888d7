import { afterAll, beforeEach, expect, test } from 'bun:test';
import { startFake } from './fake.ts';
import { ERROR_ROWS, type ErrorRow } from './errors.ts';
import { answerProvider } from './provider.ts';
import { chatBody, KEY, post, type ErrorBody } from './test-client.ts';
import { World } from './world.ts';

const fake = startFake();
beforeEach(() => fake.reset());
afterAll(() => fake.stop());

const INVALID = 'invalid_request_error';
const JSON_ROWS: [ErrorRow, number, string | undefined, string | undefined, string][] = [
  ['401', 401, INVALID, 'invalid_api_key', 'Invalid API Key'],
  ['403_model_org', 403, 'permissions_error', 'model_permission_blocked_org', 'at the organization level'],
  ['403_model_project', 403, 'permissions_error', 'model_permission_blocked_project', 'at the project level'],
  ['403_network', 403, undefined, undefined, 'network settings'],
  ['404_model', 404, INVALID, 'model_not_found', '`openai/gpt-oss-20b` does not exist'],
  ['400_decommissioned', 400, INVALID, 'model_decommissioned', 'has been decommissioned'],
  ['400_spend', 400, INVALID, 'spend_limit_reached', 'spend limit'],
  ['400_blocked_api_access', 400, INVALID, 'blocked_api_access', 'blocked'],
  ['400_org_restricted', 400, INVALID, 'organization_restricted', 'Organization has been restricted'],
  ['400_json_validate', 400, INVALID, 'json_validate_failed', 'Failed to generate JSON'],
  ['400_tool_use', 400, INVALID, 'tool_use_failed', 'Failed to call a function'],
  ['413', 413, 'tokens', 'rate_limit_exceeded', 'Limit 8000, Requested 8222'],
  ['424', 424, INVALID, 'external_connector_error', 'MCP'],
  ['429_minute', 429, 'tokens', 'rate_limit_exceeded', '(TPM)'],
  ['429_requests', 429, 'requests', 'rate_limit_exceeded', '(RPM)'],
  ['429_daily', 429, 'tokens', 'rate_limit_exceeded', '(TPD)'],
  ['429_too_large', 429, 'tokens', 'rate_limit_exceeded', 'Limit 8000, Requested 8222'],
  ['498', 498, 'internal_server_error', 'capacity_exceeded', 'capacity'],
  ['499', 499, INVALID, undefined, 'cancelled'],
  ['500', 500, 'internal_server_error', undefined, 'Internal Server Error'],
  ['503', 503, 'internal_server_error', undefined, 'Service Unavailable'],
];

test.each(JSON_ROWS)(
  'row %s answers %d with type %p and code %p',
  async (error, status, type, code, text) => {
    fake.setKnobs({ error });
    for (const extra of [{}, { stream: true }]) {
      const response = await post(fake, extra);
      const body = (await response.json()) as ErrorBody;
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect([body.error.type, body.error.code]).toEqual([type, code]);
      expect(body.error.message).toContain(text);
      expect(response.headers.get('retry-after')).toBe(
        error.startsWith('429_') && error !== '429_too_large' ? '2' : null,
      );
    }
  },
);

test.each(['403_html', '200_html'] as const)(
  'row %s is a page from the edge, with no provider header',
  async (error) => {
    fake.setKnobs({ error });
    const response = await post(fake);
    expect(response.status).toBe(Number(error.slice(0, 3)));
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toStartWith('<!DOCTYPE html>');
    expect(response.headers.get('x-request-id')).toBeNull();
  },
);

test('row 502 is plain text from the edge', async () => {
  fake.setKnobs({ error: '502' });
  const response = await post(fake);
  expect([response.status, await response.text()]).toEqual([502, 'error code: 502']);
});

test('a redirect points to another origin, where a follower would be logged', async () => {
  fake.setKnobs({ error: 'redirect' });
  const response = await post(fake);
  const target = new URL(response.headers.get('location')!);
  expect(response.status).toBe(307);
  expect(target.origin).not.toBe(fake.url);
  await fetch(target.href.replace('localhost', '127.0.0.1'), { method: 'POST' });
  expect(fake.calls().at(-1)!.path).toBe('/elsewhere');
});

test('every row is covered here, and is refused without a bill', async () => {
  const covered = new Set([...JSON_ROWS.map(([row]) => row), '403_html', '200_html', '502', 'redirect']);
  expect([...covered].sort()).toEqual([...ERROR_ROWS].sort());
  for (const error of ERROR_ROWS) {
    fake.setKnobs({ error });
    await post(fake);
  }
  expect(fake.bill()).toEqual({ calls: 0, picoUsd: '0', byKey: {} });
});

test('a daily limit shows healthy minute headers beside a long wait in the text', async () => {
  fake.setKnobs({ error: '429_daily' });
  const response = await post(fake);
  const { error } = (await response.json()) as ErrorBody;
  expect(error.message).toContain('Please try again in 17m13.344s');
  expect(Number(response.headers.get('x-ratelimit-remaining-tokens'))).toBeGreaterThan(7000);
  expect(Number(response.headers.get('x-ratelimit-remaining-requests'))).toBeGreaterThan(0);
});

test('a failed generation comes with the text that failed', async () => {
  fake.setKnobs({ error: '400_tool_use' });
  expect(await (await post(fake)).json()).toMatchObject({ error: { failed_generation: expect.any(String) } });
});

test('errorCount calls fail, however many are already waiting, then calls succeed', async () => {
  const world = new World(false, { error: '500', errorCount: 3 });
  const path = '/v1/chat/completions';
  // All ten have arrived, and seen the knobs, before the first is answered.
  const answers = Array.from({ length: 10 }, () => {
    const init = {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}` },
      body: JSON.stringify(chatBody()),
    };
    return answerProvider(new Request(fake.url + path, init), path, world, '');
  });
  const statuses = (await Promise.all(answers)).map((response) => response.status);
  expect(statuses.filter((status) => status === 500)).toHaveLength(3);
  expect(statuses.filter((status) => status === 200)).toHaveLength(7);
  expect(world.knobs).toMatchObject({ error: null, errorCount: null });
});

test('errorOn says whether listings fail too', async () => {
  const list = async (): Promise<number> =>
    (await fetch(`${fake.url}/v1/models`, { headers: { authorization: `Bearer ${KEY}` } })).status;
  fake.setKnobs({ error: '503' });
  expect(await list()).toBe(200);
  fake.setKnobs({ errorOn: 'all' });
  expect(await list()).toBe(503);
});

test('errorEchoesKey quotes the key in every row with a text and in a header', async () => {
  fake.setKnobs({ errorEchoesKey: true });
  for (const error of ERROR_ROWS) {
    fake.setKnobs({ error });
    const response = await post(fake);
    expect(response.headers.get('x-debug-key')).toBe(KEY);
    if (error !== 'redirect') expect(await response.text()).toContain(KEY);
  }
  expect(JSON.stringify([fake.calls(), fake.bill(), fake.knobs()])).not.toContain(KEY);
});

test('no reply quotes the key unless asked to', async () => {
  for (const error of [null, ...ERROR_ROWS]) {
    fake.setKnobs({ error });
    const response = await post(fake);
    expect((await response.text()) + JSON.stringify([...response.headers])).not.toContain(KEY);
  }
});
