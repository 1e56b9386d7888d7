/** What providers' answers say of a value; over a server of our own, in place of theirs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Secret } from '../core/secret.ts';
import { RULES } from '../detect/rules.ts';
import type { Rule } from '../detect/rule.ts';
import { sample } from '../detect/samples.ts';
import { type Asked, verifyValues } from './verify.ts';
import { CHECKS, checkFor, type CheckRequest } from './verify-checks.ts';

let answer: (request: Request) => Response | Promise<Response>;
let seen: { method: string; path: string; headers: Headers }[];
let server: Bun.Server<undefined>;
beforeEach(() => {
  seen = [];
  answer = () => Response.json({ data: [] });
  server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      const { method, url, headers } = request;
      seen.push({ method, path: new URL(url).pathname, headers: new Headers(headers) });
      return answer(request);
    },
  });
});
afterEach(() => server.stop(true));

function ruleOf(id: string): Rule {
  const rule = RULES.find((one) => one.id === id);
  if (!rule) throw new Error(`there is no rule ${id}`);
  return rule;
}

const asked = (rule: string, value: string): Asked => ({
  rule: ruleOf(rule),
  value: Secret.fromText(value),
  fingerprint: `${rule} ${value}`,
});
const GROQ = `gsk_${sample('alnum', 52)}`;

async function states(questions: readonly Asked[], timeoutMs = 5000): Promise<string[]> {
  const origins: string[] = [];
  const results = await verifyValues(questions, {
    userAgent: 'sallyport/test (leak check)',
    originFor: (origin) => {
      origins.push(origin);
      return server.url.origin;
    },
    timeoutMs,
  });
  expect(origins.every((origin) => origin.startsWith('https://'))).toBe(true);
  return questions.map(({ fingerprint }) => results.get(fingerprint)?.state ?? 'missing');
}
const stateOf = async (rule: string, value = GROQ): Promise<string> =>
  (await states([asked(rule, value)]))[0] ?? '';

test('every rule that names a check has one, with that address, and no check is for a rule that is not there', () => {
  for (const { id, safeCheck } of RULES) {
    if (safeCheck === undefined) continue;
    const request = checkFor(id)?.request('x'.repeat(40));
    // Of some kinds of the value nothing can be asked; the rule says what is asked of the others.
    if (typeof request !== 'object') expect(typeof request).toBe('string');
    else expect([id, safeCheck]).toEqual([id, `GET ${request.origin}${request.path.split('?')[0] ?? ''}`]);
  }
  for (const id of CHECKS.flatMap(({ rules }) => rules)) expect(ruleOf(id).id).toBe(id);
});

test('no request is anything but https, and none has the value in its address', () => {
  const values = ['gsk_x', 'sk-admin-x', 'sk-ant-api03-x', 'sk-ant-admin01-x', 'AIzax', 'ghp_x', 'glpat-x'];
  const requests = CHECKS.flatMap(({ request }) => values.map((value) => [request(value), value] as const));
  let count = 0;
  for (const [request, value] of requests) {
    if (typeof request === 'string') continue;
    count += 1;
    const { origin, path, headers } = request satisfies CheckRequest;
    expect(origin).toStartWith('https://');
    expect(origin + path).not.toContain(value);
    expect(Object.values(headers).filter((header) => header.includes(value))).toHaveLength(1);
  }
  expect(count).toBeGreaterThan(30);
});

test('one GET a distinct value, with a name that says what it is; no redirect is followed', async () => {
  answer = () => new Response(null, { status: 302, headers: { location: '/elsewhere' } });
  const question = asked('groq-api-key', GROQ);
  expect(await states([question, question, asked('groq-api-key', GROQ)])).toEqual([
    'unknown',
    'unknown',
    'unknown',
  ]);
  expect(seen.map(({ method, path }) => [method, path])).toEqual([['GET', '/openai/v1/models']]);
  expect(seen[0]?.headers.get('user-agent')).toContain('leak check');
  expect(seen[0]?.headers.get('authorization')).toBe(`Bearer ${GROQ}`);
});

describe('an answer', () => {
  const json =
    (status: number, body: object = { error: {} }, headers = {}) =>
    () =>
      Response.json(body, { status, headers });
  const CASES: readonly (readonly [string, string, () => Response, string])[] = [
    ['200', 'groq-api-key', json(200, { data: [] }), 'live'],
    ['401', 'groq-api-key', json(401, { error: { code: 'invalid_api_key' } }), 'dead'],
    ['403', 'groq-api-key', json(403), 'restricted'],
    ['429', 'groq-api-key', json(429), 'unknown'],
    ['500', 'groq-api-key', json(500), 'unknown'],
    ['404', 'groq-api-key', json(404), 'unknown'],
    ['a page that is no API', 'groq-api-key', () => new Response('<p>Sign in</p>'), 'unknown'],
    ['a proxy that refuses', 'groq-api-key', () => new Response('denied', { status: 401 }), 'unknown'],
    [
      'another address only',
      'openai-project-key',
      json(401, { error: { code: 'ip_not_authorized' } }),
      'restricted',
    ],
    [
      'no such key of Google',
      'google-api-key',
      json(400, { error: { details: [{ reason: 'API_KEY_INVALID' }] } }),
      'dead',
    ],
    ['another 400', 'google-api-key', json(400), 'unknown'],
    [
      'a key for Maps',
      'google-api-key',
      json(403, { error: { details: [{ reason: 'API_KEY_SERVICE_BLOCKED' }] } }),
      'restricted',
    ],
    ['another 403 of Google', 'google-api-key', json(403), 'unknown'],
    ['a key that was switched off', 'xai-api-key', json(200, { api_key_disabled: true }), 'restricted'],
    ['a 400 of xAI', 'xai-api-key', json(400), 'dead'],
    ['a list that is open to all', 'fireworks-api-key', json(200, { data: [] }), 'unknown'],
    ['a refusal of it', 'fireworks-api-key', json(401), 'dead'],
    ['a limit of GitHub', 'github-token', json(403, {}, { 'x-ratelimit-remaining': '0' }), 'unknown'],
    ['a refusal of GitHub', 'github-token', json(403), 'restricted'],
    ['a stranger to gitlab.com', 'gitlab-token', json(401), 'unknown'],
  ];
  test.each(CASES)('%s of %s', async (_, rule, reply, expected) => {
    answer = reply;
    expect(await stateOf(rule)).toBe(expected);
  });

  test('longer than anybody reads is told by how it begins', async () => {
    answer = () => Response.json({ data: Array.from({ length: 5000 }, () => 'x'.repeat(100)) });
    expect(await stateOf('together-api-key')).toBe('live');
    answer = () => new Response('x'.repeat(500_000));
    expect(await stateOf('together-api-key')).toBe('unknown');
  });

  test('that never comes is unknown, and so is a server that is not there', async () => {
    answer = () => new Promise(() => undefined);
    expect(await states([asked('groq-api-key', GROQ)], 50)).toEqual(['unknown']);
    await server.stop(true);
    expect(await stateOf('groq-api-key')).toBe('unknown');
  });
});

test('where nothing can be asked, nothing is, and the reason is said', async () => {
  const results = await verifyValues(
    [asked('nvidia-api-key', 'x'), asked('anthropic-api-key', 'sk-ant-sid01-x'), asked('private-key', 'x')],
    { userAgent: 'x', originFor: () => server.url.origin },
  );
  expect(seen).toEqual([]);
  expect([...results.values()].map(({ state, reason }) => [state, reason.length > 20])).toEqual(
    Array.from({ length: 3 }, () => ['unknown', true]),
  );
});
