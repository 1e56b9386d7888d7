import { expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { Keyring } from '../vault/keyring.ts';
import { OPEN_LIMITS } from './policy.ts';
import { Teams } from './teams.ts';

const keyring: Keyring = await testKeyring();

async function open(on: MemoryStore): Promise<Teams> {
  const { book } = await openMemoryBook(on, keyring);
  return new Teams({ book, clock: new ManualClock() });
}

test('a team starts open, and a change of its policy changes only what it names', async () => {
  const own = new MemoryStore();
  const teams = await open(own);
  expect((await teams.add('local', 'acme')).limits).toEqual(OPEN_LIMITS);
  await teams.setLimits('local', 'acme', { allowedModels: ['a*'], rateLimitRPM: 5 });
  await teams.setLimits('local', 'acme', { concurrency: 2 });
  const limits = { ...OPEN_LIMITS, allowedModels: ['a*'], rateLimitRPM: 5, concurrency: 2 };
  expect(teams.get('acme').limits).toEqual(limits);
  expect((await open(own)).get('acme').limits).toEqual(limits);
});

test('two changes of one policy at once both hold', async () => {
  const teams = await open(new MemoryStore());
  await teams.add('local', 'acme');
  await Promise.all([
    teams.setLimits('local', 'acme', { rateLimitRPM: 5 }),
    teams.setLimits('local', 'acme', { concurrency: 2 }),
  ]);
  expect(teams.get('acme').limits).toMatchObject({ rateLimitRPM: 5, concurrency: 2 });
});

test.each<[string, (teams: Teams) => Promise<unknown>, string]>([
  [
    'a policy out of range',
    (teams) => teams.setLimits('local', 'acme', { rateLimitRPM: -1 }),
    'input.invalid',
  ],
  [
    'a policy with an unknown field',
    (teams) => teams.setLimits('local', 'acme', { rpm: 1 } as never),
    'input.invalid',
  ],
  ['a team twice', (teams) => teams.add('local', 'acme'), 'conflict'],
  ['a project twice', (teams) => teams.addProject('local', 'bot', 'acme'), 'conflict'],
  ['a built-in environment', (teams) => teams.addEnvironment('local', 'dev'), 'conflict'],
  ['the policy of no team', (teams) => teams.setLimits('local', 'acne', {}), 'not_found'],
  ['a project of no team', (teams) => teams.addProject('local', 'x', 'acne'), 'not_found'],
  ['a name with a slash', (teams) => teams.add('local', 'a/b'), 'input.invalid'],
  ['a name that begins with a dash', (teams) => teams.add('local', '-rf'), 'input.invalid'],
  ['a name with a line break', (teams) => teams.add('local', 'a\n'), 'input.invalid'],
  ['no name', (teams) => teams.addProject('local', '', 'acme'), 'input.invalid'],
  ['a name of 64 characters', (teams) => teams.addEnvironment('local', 'x'.repeat(64)), 'input.invalid'],
])('refused, with what to do: %s', async (_, act, code) => {
  const teams = await open(new MemoryStore());
  await teams.add('local', 'acme');
  await teams.addProject('local', 'bot', 'acme');
  expect(await rejectionOf(act(teams))).toMatchObject({ code, fix: expect.any(String) });
  expect(teams.list()).toHaveLength(1);
  expect(teams.get('acme').limits).toEqual(OPEN_LIMITS);
});

test('the nearest name is offered', async () => {
  const teams = await open(new MemoryStore());
  await teams.add('local', 'chatbot');
  expect(refusalOf(() => teams.get('chatbto')).fix).toBe('Did you mean "chatbot"?');
  expect(refusalOf(() => teams.getProject('x')).fix).toContain('sallyport project add x');
  expect([teams.has('chatbot'), teams.has('constructor')]).toEqual([true, false]);
});

test('a new environment is added where it is used, a likely slip is not', async () => {
  const teams = await open(new MemoryStore());
  expect(await teams.ensureEnvironment('local', 'prod')).toBe(false);
  expect(await teams.ensureEnvironment('local', 'canary')).toBe(true);
  expect(await teams.ensureEnvironment('local', 'canary')).toBe(false);
  expect(await rejectionOf(teams.ensureEnvironment('local', 'prof'))).toMatchObject({ code: 'not_found' });
  expect(await rejectionOf(teams.ensureEnvironment('local', 'cannary'))).toMatchObject({
    fix: expect.stringContaining('"canary"'),
  });
  expect(teams.environments()).toEqual(['dev', 'test', 'staging', 'prod', 'canary']);
});

test('lists are in the order of names', async () => {
  const own = new MemoryStore();
  const teams = await open(own);
  for (const id of ['c', 'a', 'b']) await teams.add('local', id);
  for (const id of ['z', 'y']) await teams.addProject('local', id, 'a');
  const again = await open(own);
  for (const each of [teams, again]) {
    expect(each.list().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(each.projects().map(({ id, team }) => [id, team])).toEqual([
      ['y', 'a'],
      ['z', 'a'],
    ]);
  }
});
