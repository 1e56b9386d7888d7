import { expect, test } from 'bun:test';
import type { KeySlot } from './provider-keys.ts';
import { interpretVerification, verifyKey, type Verdict } from './verify.ts';

const openai = (code: string | null, type = 'invalid_request_error'): unknown => ({
  error: { message: 'text of the provider', type, param: null, code },
});
const anthropic = (type: string): unknown => ({ type: 'error', error: { type, message: 'text' } });
const MODELS = { object: 'list', data: [] };

const ANSWERS: readonly (readonly [string, number, unknown, Verdict])[] = [
  ['a list of models', 200, MODELS, 'alive'],
  ['the same as text', 200, JSON.stringify(MODELS), 'alive'],
  ['a sign-in page', 200, '<html>Welcome to the hotel</html>', 'unknown'],
  ['another object', 200, { ok: true }, 'unknown'],
  ['no such key', 401, openai('invalid_api_key'), 'dead'],
  ['no such key, Anthropic', 401, anthropic('authentication_error'), 'dead'],
  ['401 with another code', 401, openai('token_expired_elsewhere'), 'unknown'],
  ['401 without a body', 401, '', 'unknown'],
  ['401 from a proxy', 401, '<html>invalid_api_key</html>', 'unknown'],
  ['401 that only mentions the code', 401, openai(null), 'unknown'],
  ['address not on the list', 401, openai('ip_not_authorized'), 'blocked'],
  [
    'model blocked for the organization',
    403,
    openai('model_permission_blocked_org', 'permissions_error'),
    'blocked',
  ],
  [
    'model blocked for the project',
    403,
    openai('model_permission_blocked_project', 'permissions_error'),
    'blocked',
  ],
  ['permission type without code', 403, openai(null, 'permissions_error'), 'blocked'],
  ['permission, Anthropic', 403, anthropic('permission_error'), 'blocked'],
  ['missing scope', 403, openai('missing_scope'), 'blocked'],
  [
    '403 without a code',
    403,
    { error: { message: 'Access denied. Check your network settings.' } },
    'unreachable',
  ],
  ['403 of an edge', 403, '<html>error code: 1020</html>', 'unreachable'],
  ['country', 403, openai('unsupported_country_region_territory', 'request_forbidden'), 'unreachable'],
  ['403 with an unknown code', 403, openai('something_new'), 'unknown'],
  ['organization restricted', 400, openai('organization_restricted'), 'restricted'],
  ['organization restricted as 403', 403, openai('organization_restricted'), 'restricted'],
  ['blocked api access', 400, openai('blocked_api_access'), 'restricted'],
  ['spend code', 400, openai('spend_limit_reached'), 'restricted'],
  ['no quota', 429, openai('insufficient_quota', 'insufficient_quota'), 'restricted'],
  ['no credit', 402, anthropic('billing_error'), 'restricted'],
  ['organization on hold', 400, anthropic('organization_on_hold'), 'restricted'],
  ['rate', 429, openai('rate_limit_exceeded', 'requests'), 'unknown'],
  ['plain 400', 400, openai(null), 'unknown'],
  ['wrong address', 404, 'Not Found', 'unknown'],
  ['redirect', 302, '', 'unknown'],
  ['provider down', 503, '', 'unknown'],
  ['internal', 500, openai('internal_server_error'), 'unknown'],
];

test.each(ANSWERS)('%s (%i)', (_, status, body, verdict) => {
  const result = interpretVerification(status, body);
  expect(result.verdict).toBe(verdict);
  expect(result.exit).toBe(verdict === 'alive' ? 0 : 1);
  expect(result.meaning).toMatch(/\.$/);
  expect(result.fix === null).toBe(verdict === 'alive');
});

test('nothing of the body but a well-formed code is repeated', () => {
  const quoted = ['echo', 'of', 'a', 'key'].join(' ');
  const bodies = [
    { error: { message: quoted, type: quoted, code: quoted } },
    { error: quoted },
    quoted,
    [quoted],
    { error: { code: { nested: quoted } } },
    null,
    undefined,
    42,
  ];
  for (const status of [200, 400, 401, 403, 429, 500]) {
    for (const body of bodies)
      expect(JSON.stringify(interpretVerification(status, body))).not.toContain(quoted);
  }
});

const SLOT: KeySlot = {
  name: 'chatbot-prod-main',
  provider: 'groq',
  origin: 'https://api.groq.com',
  allowPrivateOrigin: false,
  team: 'chatbot',
  environment: 'prod',
  purpose: 'main',
  providerOrganization: null,
  providerProject: null,
  state: 'active',
  activeVersion: 3,
  createdAt: '2026-10-01T00:00:00.000Z',
};

test('a verification names the version it was made with, for the journal', async () => {
  const probe = (): Promise<{ status: number; body: unknown }> =>
    Promise.resolve({ status: 401, body: openai('invalid_api_key') });
  const result = await verifyKey(probe, 'local', SLOT);
  expect(result.event).toEqual({
    action: 'key.rejected',
    keyId: 'chatbot-prod-main@3',
    provider: 'groq',
    status: 401,
    errorCode: 'invalid_api_key',
    principal: 'local',
  });
});

test('a probe without an answer says nothing about the key', async () => {
  const result = await verifyKey(() => Promise.reject(new Error('ECONNREFUSED')), 'local', SLOT);
  expect(result).toMatchObject({ verdict: 'unreachable', exit: 1, status: null, event: null });
});
