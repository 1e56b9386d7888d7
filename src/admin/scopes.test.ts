/** What each scope reaches, alone and together with others: everything that can be asked of the admin side, and what it takes. */
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { allows } from '../access/scope.ts';
import { type AdminRig, adminRig, type Answer, adminWith, fixtureKey } from './test-rig.ts';
import { ROUTES, type RouteName } from './contract.ts';
import { METRICS_PATH, METRICS_SCOPE } from './metrics-reply.ts';

/** Every scope that a route asks for, what some ask for beside it, and what tokens can be granted. */
const ALL = [
  ...new Set([
    ...Object.values(ROUTES).map(({ scope }) => scope),
    METRICS_SCOPE,
    'keys:origin',
    'alerts:private',
    'call:groq/*',
    'call:openai/*',
    'read:*',
    'write:limited',
  ]),
];

interface Act {
  readonly route: RouteName;
  /** How it differs from the plain use of its route. */
  readonly what?: string;
  /** Whoever holds these may do it, and whoever lacks one of them may not. Null: nobody on the TCP listener. */
  readonly needs: readonly string[] | null;
  readonly body?: object;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
}

const ELSEWHERE = 'https://gateway.example.com';
const KEY = { provider: 'groq', value: fixtureKey('new') };
/** For a team with a budget. */
const CALLS = { team: 'rich', environment: 'dev', scopes: ['call:groq/*'] };
const OWN_BUDGET = { limitPicoUsd: '1000000000000000000', period: 'total' };
const HOOK = { type: 'webhook', url: 'https://hooks.example.com/x', events: ['*'] };
const OUTPUT = { output: { atMost: 100, over: 'trim' } };
const LEAK_BYTES = Buffer.alloc(32, 7).toString('base64url');
const LEAK = { salt: LEAK_BYTES, values: [{ hash: LEAK_BYTES }], tokens: [{ id: 'ID', hash: LEAK_BYTES }] };
const ISSUE = ['tokens:write', 'call:groq/*'];

const ACTS: readonly Act[] = [
  { route: 'team.list', needs: ['teams:read'] },
  { route: 'team.show', needs: ['teams:read'], params: { team: 'rich' } },
  { route: 'team.add', needs: ['teams:write'], body: { id: 'new' } },
  {
    route: 'team.add',
    what: 'with money',
    needs: ['teams:write', 'budgets:write'],
    body: { id: 'new', policy: { monthlyBudgetUsd: '5' } },
  },
  {
    route: 'team.policy',
    needs: ['teams:write'],
    params: { team: 'rich' },
    body: { allowedModels: ['*'], maxTokensPerRequest: null, rateLimitRPM: null, concurrency: null },
  },
  {
    route: 'team.policy',
    what: 'with more money',
    needs: ['teams:write', 'budgets:write'],
    params: { team: 'rich' },
    body: { monthlyBudgetUsd: '5000' },
  },
  { route: 'project.list', needs: ['teams:read'] },
  { route: 'project.add', needs: ['teams:write'], body: { id: 'new', team: 'rich' } },
  { route: 'environment.list', needs: ['teams:read'] },
  { route: 'environment.add', needs: ['teams:write'], body: { id: 'new' } },
  { route: 'key.list', needs: ['keys:read'] },
  { route: 'key.show', needs: ['keys:read'], params: { name: 'own' } },
  { route: 'key.hygiene', needs: ['keys:read'] },
  {
    route: 'key.attest',
    needs: ['keys:write'],
    params: { name: 'own' },
    body: { limitPicoUsd: '1', on: '2026-11-01' },
  },
  {
    route: 'key.declare',
    needs: ['keys:write'],
    body: { name: 'new', provider: 'groq', team: 'rich', environment: 'dev' },
  },
  {
    route: 'key.declare',
    what: 'for another origin',
    needs: ['keys:write', 'keys:origin'],
    body: { name: 'new', provider: 'groq', origin: ELSEWHERE },
  },
  { route: 'key.add', needs: ['keys:write'], body: { ...KEY, name: 'new' } },
  {
    route: 'key.add',
    what: "at the provider's own origin, spelled out",
    needs: ['keys:write'],
    body: { ...KEY, name: 'new', origin: 'https://api.groq.com' },
  },
  {
    route: 'key.add',
    what: 'at another origin',
    needs: ['keys:write', 'keys:origin'],
    body: { ...KEY, name: 'new', origin: ELSEWHERE },
  },
  {
    route: 'key.add',
    what: "at another provider's origin",
    needs: ['keys:write', 'keys:origin'],
    body: { ...KEY, name: 'new', origin: 'https://api.openai.com' },
  },
  {
    route: 'key.add',
    what: 'in the private network',
    needs: ['keys:write', 'keys:origin'],
    body: { ...KEY, name: 'new', origin: 'http://127.0.0.1:9', allowPrivateOrigin: true },
  },
  {
    route: 'key.add',
    what: 'that may be in the private network one day',
    needs: ['keys:write', 'keys:origin'],
    body: { ...KEY, name: 'new', allowPrivateOrigin: true },
  },
  {
    route: 'key.add',
    what: 'in a new environment',
    needs: ['keys:write', 'teams:write'],
    body: { ...KEY, name: 'new', environment: 'preview' },
  },
  {
    route: 'key.add',
    what: 'a new value of a key whose origin somebody else named',
    needs: ['keys:write'],
    body: { name: 'far', replace: true, value: fixtureKey('next') },
  },
  {
    route: 'key.add',
    what: 'a new value with leave for the private network',
    needs: ['keys:write', 'keys:origin'],
    body: { name: 'far', replace: true, value: fixtureKey('next'), allowPrivateOrigin: true },
  },
  { route: 'key.verify', needs: ['keys:write'], params: { name: 'own' } },
  {
    route: 'key.state',
    what: 'off',
    needs: ['keys:write'],
    params: { name: 'far' },
    body: { state: 'disabled' },
  },
  {
    route: 'key.state',
    what: 'on',
    needs: ['keys:write'],
    params: { name: 'own' },
    body: { state: 'active' },
  },
  {
    route: 'key.state',
    what: 'on, at another origin',
    needs: ['keys:write', 'keys:origin'],
    params: { name: 'far' },
    body: { state: 'active' },
  },
  { route: 'leak.lookup', needs: ['leaks:read'], body: LEAK },
  { route: 'leak.respond', needs: ['leaks:write'], body: LEAK },
  {
    route: 'key.exposure',
    needs: ['keys:write'],
    params: { name: 'own' },
    body: { exposed: true, reason: 'seen in a chat' },
  },
  { route: 'token.list', needs: ['tokens:read'] },
  { route: 'token.show', needs: ['tokens:read'], params: { token: 'ID' } },
  { route: 'token.revoke', needs: ['tokens:write'], params: { token: 'ID' }, body: {} },
  { route: 'token.issue', needs: ISSUE, body: CALLS },
  {
    route: 'token.issue',
    what: 'with a budget of its own',
    needs: ISSUE,
    body: { ...CALLS, budget: OWN_BUDGET },
  },
  {
    route: 'token.issue',
    what: 'of another provider',
    needs: ['tokens:write', 'call:openai/*'],
    body: { ...CALLS, scopes: ['call:openai/gpt-5'] },
  },
  {
    route: 'token.issue',
    what: 'that makes no calls',
    needs: ['tokens:write', 'read:*'],
    body: { ...CALLS, team: 'free', scopes: ['read:models'] },
  },
  {
    route: 'token.issue',
    what: 'where nothing bounds it',
    needs: [...ISSUE, 'budgets:write'],
    body: { ...CALLS, team: 'free' },
  },
  {
    route: 'token.issue',
    what: 'where nothing but its own budget bounds it',
    needs: [...ISSUE, 'budgets:write'],
    body: { ...CALLS, team: 'free', budget: OWN_BUDGET },
  },
  {
    route: 'token.issue',
    what: "where another team's project has a budget",
    needs: [...ISSUE, 'budgets:write'],
    body: { ...CALLS, team: 'free', project: 'unbounded' },
  },
  {
    route: 'token.issue',
    what: "where another environment's budget would bound it",
    needs: [...ISSUE, 'budgets:write'],
    body: { ...CALLS, team: 'staged', environment: 'dev' },
  },
  {
    route: 'token.issue',
    what: "where its environment's budget bounds it",
    needs: ISSUE,
    body: { ...CALLS, team: 'staged', environment: 'prod' },
  },
  {
    route: 'token.issue',
    what: "where its project's budget bounds it",
    needs: ISSUE,
    body: { ...CALLS, team: 'free', project: 'bot' },
  },
  {
    route: 'token.issue',
    what: 'in a new environment',
    needs: [...ISSUE, 'teams:write'],
    body: { ...CALLS, environment: 'preview' },
  },
  ...ALL.map((scope): Act => ({
    route: 'token.issue',
    what: `for an admin with ${scope}`,
    needs: [...new Set(['tokens:write', scope])],
    body: { type: 'admin', scopes: [scope] },
  })),
  {
    route: 'token.issue',
    what: "under a preset's caps",
    needs: ['tokens:write', 'write:limited'],
    body: { team: 'rich', scopes: ['write:limited'], environment: 'dev', bounds: OUTPUT },
  },
  {
    route: 'token.issue',
    what: "under a preset's caps, where nothing else bounds it",
    needs: ['tokens:write', 'write:limited', 'budgets:write'],
    body: { team: 'free', scopes: ['write:limited'], environment: 'dev', bounds: OUTPUT },
  },
  {
    route: 'token.issue',
    what: 'by a preset with a budget, where nothing else bounds it',
    needs: ['tokens:write', 'read:*', 'write:limited', 'budgets:write'],
    body: { team: 'free', scopes: [], preset: 'dev' },
  },
  {
    route: 'token.pair',
    needs: [...ISSUE, 'read:*'],
    body: { ...CALLS, defaultProvider: 'groq' },
  },
  {
    route: 'token.pair',
    what: 'where nothing bounds it',
    needs: [...ISSUE, 'read:*', 'budgets:write'],
    body: { ...CALLS, team: 'free', defaultProvider: 'groq' },
  },
  { route: 'preset.list', needs: ['tokens:read'] },
  { route: 'preset.show', needs: ['tokens:read'], params: { preset: 'dev' } },
  { route: 'preset.add', needs: ['presets:write'], body: { name: 'new', base: 'batch' } },
  {
    route: 'preset.add',
    what: 'with scopes',
    needs: ['presets:write', 'call:groq/*'],
    body: { name: 'new', base: 'batch', scopes: ['call:groq/*'] },
  },
  {
    route: 'preset.add',
    what: 'like one with scopes',
    needs: ['presets:write', 'read:*', 'write:limited'],
    body: { name: 'new', base: 'dev' },
  },
  {
    route: 'preset.add',
    what: 'in place of one, with the same money',
    needs: ['presets:write'],
    body: { name: 'ours', base: 'ours', replace: true, rateLimitRPM: 9 },
  },
  {
    route: 'preset.add',
    what: 'in place of one, with other money',
    needs: ['presets:write', 'budgets:write'],
    body: { name: 'ours', base: 'batch', replace: true },
  },
  { route: 'template.list', needs: ['templates:read'] },
  { route: 'template.show', needs: ['templates:read'], params: { template: 'ours' } },
  { route: 'template.bindings', needs: ['templates:read'] },
  { route: 'template.add', needs: ['templates:write'], body: { name: 'ours', text: 'Be kind.' } },
  { route: 'template.retire', needs: ['templates:write'], params: { template: 'ours' }, body: {} },
  {
    route: 'template.bind',
    what: 'to a token',
    needs: ['templates:write', 'tokens:write'],
    body: { subject: 'token:ID', template: 'ours' },
  },
  {
    route: 'template.bind',
    what: 'to a project',
    needs: ['templates:write', 'teams:write'],
    body: { subject: 'project:unbounded', template: 'ours' },
  },
  {
    route: 'template.unbind',
    needs: ['templates:write', 'teams:write'],
    body: { subject: 'project:bot' },
  },
  { route: 'limit.list', needs: ['limits:read'] },
  {
    route: 'limit.set',
    what: 'of a team',
    needs: ['limits:write', 'teams:write'],
    body: { subject: 'team:rich', rateLimitTPM: null, rateLimitRPM: 5 },
  },
  {
    route: 'limit.set',
    what: 'of a token',
    needs: ['limits:write', 'tokens:write'],
    body: { subject: 'token:ID', rateLimitTPM: 5, rateLimitRPM: null },
  },
  {
    route: 'limit.set',
    what: 'of a provider key',
    needs: ['limits:write', 'keys:write'],
    body: { subject: 'key:own', rateLimitRPM: 30 },
  },
  { route: 'budget.list', needs: ['budgets:read'] },
  {
    route: 'budget.set',
    needs: ['budgets:write'],
    body: { subject: 'org', period: 'month', limitPicoUsd: '1000000000000000000' },
  },
  { route: 'budget.resume', needs: ['budgets:write'], params: { budget: 'team-rich-month' }, body: {} },
  {
    route: 'budget.adjust',
    needs: ['budgets:write'],
    params: { budget: 'team-rich-month' },
    body: { deltaPicoUsd: '5', reason: 'invoice' },
  },
  { route: 'budget.clock', needs: ['budgets:write'], body: {} },
  { route: 'price.list', needs: ['prices:read'], query: 'model=openai/gpt-oss-20b' },
  { route: 'audit.query', needs: ['audit:read'] },
  { route: 'audit.write', needs: ['audit:write'], body: { event: 'login.failed' } },
  { route: 'alert.list', needs: ['alerts:read'] },
  { route: 'alert.show', needs: ['alerts:read'], params: { name: 'pager' } },
  { route: 'alert.outbox', needs: ['alerts:read'] },
  { route: 'alert.add', needs: ['alerts:write'], body: { ...HOOK, name: 'new' } },
  {
    route: 'alert.add',
    what: 'in the private network',
    needs: ['alerts:write', 'alerts:private'],
    body: { ...HOOK, name: 'new', url: 'https://127.0.0.1:9/x', allowPrivate: true },
  },
  { route: 'alert.change', needs: ['alerts:write'], params: { name: 'pager' }, body: { events: ['*'] } },
  { route: 'alert.test', needs: ['alerts:write'], params: { name: 'pager' } },
  { route: 'alert.rotate', needs: ['alerts:write'], params: { name: 'pager' }, body: {} },
  { route: 'alert.remove', needs: ['alerts:write'], params: { name: 'pager' }, body: {} },
  { route: 'alert.retry', needs: ['alerts:write'], body: {} },
  { route: 'usage.query', needs: ['usage:read'], query: 'by=team' },
  {
    route: 'call.explain',
    what: 'which shows key and budgets',
    needs: ['tokens:read', 'keys:read', 'budgets:read'],
    body: { token: 'ID', model: 'openai/gpt-oss-20b' },
  },
  { route: 'status.show', needs: ['status:read'] },
  { route: 'recovery.material', needs: null },
  { route: 'recovery.kit', needs: null, body: { rootFingerprint: 'rk_0123456789abcdef', recipients: 1 } },
  {
    route: 'recovery.drill',
    needs: null,
    body: { rootFingerprint: 'rk_0123456789abcdef', ok: true, opened: null },
  },
  { route: 'recovery.backup', needs: null, body: { out: '/tmp/never', withRootKey: true } },
];

interface Place {
  readonly rig: AdminRig;
  readonly token: string;
}

/**
 * Teams with a budget (rich), without (free), and with one in one environment only (staged). The free team has a project with a budget,
 * and one without. Keys at their provider's own origin and elsewhere.
 */
async function openPlace(): Promise<Place> {
  const rig = await adminRig();
  const local = async (method: string, path: string, body: object): Promise<Answer> => {
    const answer = await rig.ask(method, path, body);
    expect([path, answer.status, answer.body.error]).toEqual([path, 200, undefined]);
    return answer;
  };
  for (const id of ['free', 'staged']) await local('POST', '/v1/teams', { id });
  await local('POST', '/v1/teams', { id: 'rich', policy: { monthlyBudgetUsd: '5' } });
  for (const id of ['bot', 'unbounded']) await local('POST', '/v1/projects', { id, team: 'free' });
  for (const subject of ['env:staged/prod', 'project:bot'])
    await local('POST', '/v1/budgets', { subject, period: 'month', limitPicoUsd: '1000000000000' });
  await local('POST', '/v1/keys', { ...KEY, name: 'own' });
  await local('POST', '/v1/keys', { ...KEY, name: 'far', origin: ELSEWHERE });
  await local('POST', '/v1/alerts', { ...HOOK, name: 'pager' });
  await local('POST', '/v1/presets', {
    name: 'ours',
    base: 'batch',
    budget: { ...OWN_BUDGET, onCap: 'refuse' },
  });
  await local('POST', '/v1/templates', { name: 'ours', text: 'Be brief.' });
  await local('POST', '/v1/template-bindings', { subject: 'project:bot', template: 'ours' });
  const issued = await local('POST', '/v1/tokens', CALLS);
  return { rig, token: String(issued.body['id']) };
}

function attempt({ rig, token }: Place, act: Act, scopes: readonly string[]): Promise<Answer> {
  const { method, path } = ROUTES[act.route];
  const filled = Object.entries(act.params ?? {}).reduce(
    (filled, [name, value]) => filled.replace(`:${name}`, value),
    path as string,
  );
  const withId = (text: string): string => text.replaceAll('ID', token);
  const body = act.body === undefined ? undefined : (JSON.parse(withId(JSON.stringify(act.body))) as object);
  const query = act.query === undefined ? '' : `?${act.query}`;
  return rig.ask(
    method,
    withId(filled) + query,
    method === 'GET' ? undefined : (body ?? {}),
    adminWith(...scopes),
  );
}

const titled = ACTS.map((act) => [[act.route, act.what].filter(Boolean).join(', '), act] as const);

test('every route is among the acts', () => {
  expect(new Set(ACTS.map(({ route }) => route))).toEqual(new Set(Object.keys(ROUTES) as RouteName[]));
});

describe('what it takes', () => {
  test.each(titled)('%s', async (_, act) => {
    if (act.needs !== null) {
      const { status, body } = await attempt(await openPlace(), act, act.needs);
      expect([status, status === 200 ? undefined : body.error]).toEqual([200, undefined]);
    }
    // Whoever holds everything else may not, and leaves no trace.
    const place = await openPlace();
    const traces = (): number =>
      place.rig.journal.length + place.rig.budgetEvents.length + place.rig.recorded.length;
    const before = traces();
    const lacking = act.needs === null ? [[...ALL, '*']] : act.needs.map((scope) => without(scope));
    for (const scopes of lacking) {
      const { status } = await attempt(place, act, scopes);
      expect([scopes, status === 403 || status === 404]).toEqual([scopes, true]);
    }
    expect(traces()).toBe(before);
  });
});

function without(scope: string): string[] {
  return ALL.filter((one) => one !== scope);
}

test('the metrics are for their scope alone', async () => {
  const { app } = await adminRig();
  const status = async (scopes: readonly string[]): Promise<number> => {
    const request = new Request(`http://localhost${METRICS_PATH}`);
    return (await app.fetch(request, { principal: adminWith(...scopes), requestId: 'adm_test' })).status;
  };
  expect(await status([METRICS_SCOPE])).toBe(200);
  expect(await status(without(METRICS_SCOPE))).toBe(403);
});

test('nobody comes to more by a chain of tokens than the first of it holds', async () => {
  const scope = fc.constantFrom(...ALL, '*', 'keys:*', 'tokens:*', 'budgets:*', 'call:*', 'keys:o*');
  const scopes = fc.uniqueArray(scope, { minLength: 1, maxLength: 6 });
  const wanted = ACTS.filter(
    ({ what }) => what === 'at another origin' || what === 'where nothing bounds it',
  );
  let reached = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(scopes, { minLength: 1, maxLength: 3 }), async (chain) => {
      const place = await openPlace();
      let held: readonly string[] = ['tokens:write', ...(chain[0] ?? [])];
      const first = held;
      for (const next of chain.slice(1)) {
        const body = { type: 'admin', scopes: [...next, 'tokens:write'], lifetimeMs: 60_000 };
        const { status } = await place.rig.ask('POST', '/v1/tokens', body, adminWith(...held));
        if (status !== 200) return;
        held = body.scopes;
      }
      for (const act of wanted) {
        const { status } = await attempt(place, act, held);
        if (status === 200) reached += 1;
        const mayFirst = (act.needs ?? []).every((need) => allows(first, need));
        if (status === 200) expect([act.what, first, mayFirst]).toEqual([act.what, first, true]);
      }
    }),
    { numRuns: 150 },
  );
  expect(reached).toBeGreaterThan(0);
});

test('the guide names every scope that there is', () => {
  const guide = readFileSync(join(import.meta.dir, '..', '..', 'docs', 'guide', 'admin-scopes.md'), 'utf8');
  const named = new Set([...guide.matchAll(/^\| `([a-z]+:[a-z]+)`/gm)].map((match) => match[1]));
  expect(named).toEqual(new Set(ALL.filter((scope) => /^(?!call:|read:|write:)/.test(scope))));
});
