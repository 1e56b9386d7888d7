/** What each check of the gateway finds, over answers that are made up; the local ones are tried on real folders in test/doctor. */
import { describe, expect, test } from 'bun:test';
import type { KeyHygiene } from '../admin/hygiene-shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { type CheckContext, type GatewayQuestions, type Outcome, verdictOf } from './check.ts';
import { CHECKS } from './checks.ts';
import { chooseChecks, exitCodeOf, runChecks } from './doctor.ts';

const NOW = Date.parse('2026-11-26T12:00:00.000Z');

function key(change: Partial<KeyHygiene> = {}): KeyHygiene {
  const name = change.name ?? 'chat-prod';
  return {
    name,
    keyId: `${name}@1`,
    provider: 'groq',
    team: null,
    environment: 'prod',
    providerOrganization: 'org_1',
    providerProject: null,
    fingerprint: name.padEnd(16, '0'),
    sealedAt: '2026-11-01T00:00:00.000Z',
    exposedAt: null,
    ageDays: 25,
    cadenceDays: 90,
    replaceBy: '2027-01-30',
    stage: null,
    usedIn: ['prod'],
    spendLimit: { limitPicoUsd: '5', attestedOn: '2026-11-20', attestedBy: 'local' },
    ...change,
  };
}

interface Answers {
  readonly keys?: readonly KeyHygiene[];
  readonly status?: object;
  readonly budgets?: readonly object[];
  readonly tokens?: readonly object[];
  readonly destinations?: readonly object[];
  readonly tested?: readonly object[];
  readonly delivered?: readonly object[];
  readonly trial?: object;
}

async function run(id: string, answers: Answers, sendsAlerts = false): Promise<Outcome> {
  const check = CHECKS.find((one) => one.id === id)!;
  const replies: Record<string, object> = {
    'key.hygiene': { keys: answers.keys ?? [] },
    'status.show': { teamsWithoutBudget: [], ...answers.status },
    'budget.list': { budgets: answers.budgets ?? [] },
    'token.list': { tokens: answers.tokens ?? [] },
    'alert.list': { destinations: answers.destinations ?? [] },
  };
  const gateway = {
    ask: (name: string) => Promise.resolve(replies[name]),
    askAudit: () => Promise.resolve(answers.tested ?? []),
    askDelivered: () => Promise.resolve(answers.delivered ?? []),
    testAlert: () => Promise.resolve(answers.trial),
  } as unknown as GatewayQuestions;
  const context: CheckContext = { env: {}, cwd: '/', nowMs: NOW, journal: null, sendsAlerts, gateway };
  return check.run(context);
}

/** Verdict, and how many findings and points that could not be checked. */
async function verdict(id: string, answers: Answers, sendsAlerts?: boolean): Promise<unknown[]> {
  const result = await run(id, answers, sendsAlerts);
  for (const { what, fix } of [...result.findings, ...result.unchecked]) {
    expect([what, fix].every((text) => text.length > 5)).toBe(true);
  }
  return [verdictOf(result), result.findings.length, result.unchecked.length];
}

const OK = ['ok', 0, 0];
const staging = key({ name: 'chat-staging', environment: 'staging', usedIn: ['staging'] });

describe('separate keys', () => {
  test('a key for each environment is fine, and so is none', async () => {
    expect(await verdict('separate-keys', { keys: [key(), staging] })).toEqual(OK);
    expect(await verdict('separate-keys', {})).toEqual(OK);
  });

  test('one that pays for two environments is found, whatever it is for', async () => {
    const shared = key({ environment: null, usedIn: ['dev', 'prod'] });
    expect(await verdict('separate-keys', { keys: [shared] })).toEqual(['finding', 1, 0]);
    expect((await run('separate-keys', { keys: [shared] })).findings[0]!.what).toContain('dev, prod');
  });

  test('one value under two names is one key; values of two providers are two', async () => {
    const twin = key({ ...staging, fingerprint: key().fingerprint });
    expect(await verdict('separate-keys', { keys: [key(), twin] })).toEqual(['finding', 1, 0]);
    const other = key({ ...twin, provider: 'openai' });
    expect(await verdict('separate-keys', { keys: [key(), other] })).toEqual(OK);
  });
});

describe('separate organizations', () => {
  test('two environments in one organization are found, by what keys are for or used in', async () => {
    expect(await verdict('separate-organizations', { keys: [key(), staging] })).toEqual(['finding', 1, 0]);
    const unbound = key({ name: 'any', environment: null, usedIn: ['dev', 'prod'] });
    expect(await verdict('separate-organizations', { keys: [unbound] })).toEqual(['finding', 1, 0]);
  });

  test('apart they are fine, also at two providers; so are two keys of one environment', async () => {
    const apart = key({ ...staging, providerOrganization: 'org_2' });
    expect(await verdict('separate-organizations', { keys: [key(), apart] })).toEqual(OK);
    const openai = key({ ...staging, provider: 'openai' });
    expect(await verdict('separate-organizations', { keys: [key(), openai] })).toEqual(OK);
    expect(await verdict('separate-organizations', { keys: [key(), key({ name: 'two' })] })).toEqual(OK);
  });

  test('one that nobody has named is not taken for another', async () => {
    const unknown = key({ ...staging, providerOrganization: null });
    expect(await verdict('separate-organizations', { keys: [key(), unknown] })).toEqual(['unchecked', 0, 1]);
    // With one environment there is nothing to tell apart.
    expect(await verdict('separate-organizations', { keys: [key({ providerOrganization: null })] })).toEqual(
      OK,
    );
  });
});

test('a key whose value was found outside is found, with how to replace it', async () => {
  expect(await verdict('exposed-keys', { keys: [key()] })).toEqual(OK);
  const exposed = [key({ exposedAt: '2026-11-25T10:00:00.000Z' }), key({ name: 'other' })];
  const { findings } = await run('exposed-keys', { keys: exposed });
  expect(findings).toEqual([
    {
      what: 'The value of chat-prod was found outside on 2026-11-25.',
      fix: expect.stringContaining('sallyport key add chat-prod --replace') as string,
    },
  ]);
});

test('a key that is due is found, one that is soon is only mentioned', async () => {
  expect(await verdict('key-age', { keys: [key({ stage: 'soon' })] })).toEqual(OK);
  expect((await run('key-age', { keys: [key({ stage: 'soon' })] })).said).toContain(
    'chat-prod by 2027-01-30',
  );
  const old = [key({ stage: 'due' }), key({ name: 'older', stage: 'overdue' })];
  expect(await verdict('key-age', { keys: old })).toEqual(['finding', 2, 0]);
});

describe('a spend limit', () => {
  const seen = (attestedOn: string): KeyHygiene['spendLimit'] => ({
    limitPicoUsd: '5',
    attestedOn,
    attestedBy: 'x',
  });

  test('that nobody has seen, or that was seen long ago, is found', async () => {
    expect(await verdict('spend-limit', { keys: [key()] })).toEqual(OK);
    expect(await verdict('spend-limit', { keys: [key({ spendLimit: null })] })).toEqual(['finding', 1, 0]);
    expect(await verdict('spend-limit', { keys: [key({ spendLimit: seen('2026-08-28') })] })).toEqual(OK);
    const old = await run('spend-limit', { keys: [key({ spendLimit: seen('2026-08-27') })] });
    expect(old.findings[0]!.what).toContain('91 days ago');
  });

  test('holds for all keys of an organization; for an unknown one it holds for its key alone', async () => {
    const keys = [key(), key({ ...staging, spendLimit: null })];
    expect(await verdict('spend-limit', { keys })).toEqual(OK);
    const unknown = [key({ providerOrganization: null }), key({ ...keys[1]!, providerOrganization: null })];
    expect(await verdict('spend-limit', { keys: unknown })).toEqual(['finding', 1, 0]);
  });
});

test('teams without a budget are found, unless one for the organization bounds all', async () => {
  expect(await verdict('budgets', {})).toEqual(OK);
  const status = { teamsWithoutBudget: ['chat', 'web'] };
  expect(await verdict('budgets', { status })).toEqual(['finding', 2, 0]);
  expect(await verdict('budgets', { status, budgets: [{ subject: 'org' }] })).toEqual(OK);
});

test('tokens that call without bounds are found, and no others', async () => {
  const token = (change: object): object => ({
    id: 'A'.repeat(12),
    name: null,
    team: 'chat',
    environment: 'prod',
    state: 'active',
    scopes: ['call:groq/*'],
    bounds: null,
    ...change,
  });
  const fine = [{ bounds: {} }, { state: 'expired' }, { state: 'revoked' }, { scopes: ['read:*'] }];
  expect(await verdict('guard-preset', { tokens: fine.map(token) })).toEqual(OK);
  const open = [{}, { scopes: ['*'] }, { scopes: ['write:limited'] }];
  expect(await verdict('guard-preset', { tokens: open.map(token) })).toEqual(['finding', 3, 0]);
  const many = Array.from({ length: 40 }, () => token({}));
  expect(await verdict('guard-preset', { tokens: many })).toEqual(['finding', 11, 0]);
});

describe('alerts', () => {
  const ops = { name: 'ops', undelivered: 0 };

  test('that go nowhere, or were given up, are found', async () => {
    expect(await verdict('alerts', {})).toEqual(['finding', 1, 0]);
    const delivered = [{ destination: 'ops', settledAt: '2026-11-20T00:00:00.000Z' }];
    expect(await verdict('alerts', { destinations: [{ ...ops, undelivered: 2 }], delivered })).toEqual([
      'finding',
      1,
      0,
    ]);
  });

  test('are proven by a delivery or a test of the last 30 days, and by nothing else', async () => {
    const destinations = [ops];
    const delivered = (settledAt: string | null): object[] => [{ destination: 'ops', settledAt }];
    const tested = (change: object = {}, timestamp = '2026-11-20T00:00:00.000Z'): object[] => [
      { timestamp, metadata: { destination: 'ops', delivered: true, ...change } },
    ];
    for (const proof of [{ delivered: delivered('2026-11-20T00:00:00.000Z') }, { tested: tested() }]) {
      expect(await verdict('alerts', { destinations, ...proof })).toEqual(OK);
    }
    for (const none of [
      {},
      { delivered: delivered('2026-10-01T00:00:00.000Z') },
      { delivered: delivered(null) },
      { tested: tested({ delivered: false }) },
      { tested: tested({ destination: 'other' }) },
      { tested: tested({}, '2026-10-01T00:00:00.000Z') },
    ]) {
      expect(await verdict('alerts', { destinations, ...none })).toEqual(['unchecked', 0, 1]);
    }
  });

  test('are tried when that is asked for', async () => {
    const destinations = [ops];
    expect(await verdict('alerts', { destinations, trial: { delivered: true, error: null } }, true)).toEqual(
      OK,
    );
    const trial = { delivered: false, error: 'status 404' };
    expect(await verdict('alerts', { destinations, trial }, true)).toEqual(['finding', 1, 0]);
  });
});

test('a root key without a kit, or with one that nobody tried lately, is found', async () => {
  const status = (recovery: object | null): Answers => ({ status: { recovery } });
  const kitAt = '2026-01-01T00:00:00.000Z';
  expect(await verdict('recovery-kit', status(null))).toEqual(['unchecked', 0, 1]);
  expect(await verdict('recovery-kit', status({ kitAt: null, drillAt: null }))).toEqual(['finding', 1, 0]);
  expect(await verdict('recovery-kit', status({ kitAt, drillAt: null }))).toEqual(['finding', 1, 0]);
  expect(await verdict('recovery-kit', status({ kitAt, drillAt: kitAt }))).toEqual(['finding', 1, 0]);
  expect(await verdict('recovery-kit', status({ kitAt, drillAt: '2026-11-01T00:00:00.000Z' }))).toEqual(OK);
});

describe('the sum', () => {
  const context = { env: {}, cwd: '/nonexistent', nowMs: NOW, journal: null, sendsAlerts: false };
  const down = (): Promise<never> =>
    Promise.reject(new SallyportError('admin.unreachable', 'nobody answers', { fix: 'start it' }));
  const gateway: GatewayQuestions = { ask: down, askAudit: down, askDelivered: down, testAlert: down };

  test('a gateway that does not answer makes no check of it well, and stops none', async () => {
    const results = await runChecks(CHECKS, { ...context, gateway });
    expect(results.map(({ check }) => check)).toEqual([...CHECKS]);
    for (const { check, verdict: found, unchecked } of results) {
      if (check.about === 'gateway')
        expect([found, unchecked[0]!.what]).toEqual(['unchecked', 'nobody answers']);
      expect(found).not.toBe('ok');
    }
    expect(exitCodeOf(results)).toBe(3);
  });

  test('a defect of a check is no health either', async () => {
    const broken = { ...CHECKS[0]!, run: () => Promise.reject(new TypeError('a defect')) };
    const [result] = await runChecks([broken], { ...context, gateway });
    expect(result).toMatchObject({ verdict: 'unchecked', unchecked: [{ what: 'a defect' }] });
  });

  test('a finding counts more than what could not be checked', () => {
    const results = ['ok', 'unchecked', 'finding'].map((found) => ({ verdict: found }) as never);
    expect([1, 2, 3].map((count) => exitCodeOf(results.slice(0, count)))).toEqual([0, 3, 1]);
  });

  test('checks are chosen by name or by what they are about', () => {
    const ids = (only: string[], skip: string[]): string[] =>
      chooseChecks(CHECKS, only, skip).map(({ id }) => id);
    expect(ids([], [])).toHaveLength(CHECKS.length);
    expect(ids(['hook', 'audit'], [])).toEqual(['hook', 'audit']);
    expect(ids(['local'], ['hook'])).not.toContain('hook');
    expect(ids([], ['gateway'])).toEqual(ids(['local'], []));
    for (const [only, skip] of [
      [['hok'], []],
      [[], ['x']],
      [['hook'], ['local']],
    ] as [string[], string[]][]) {
      expect(() => chooseChecks(CHECKS, only, skip)).toThrow(SallyportError);
    }
  });

  test('ids are unique, and every check says why', () => {
    expect(new Set(CHECKS.map(({ id }) => id)).size).toBe(CHECKS.length);
    for (const { id, why, title } of CHECKS) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect([title, why].every((text) => text.length > 20)).toBe(true);
    }
  });
});
