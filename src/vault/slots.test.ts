import { beforeAll, expect, test } from 'bun:test';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { systemClock } from '../core/clock.ts';
import { Secret } from '../core/secret.ts';
import { Keyring } from './keyring.ts';
import { RootKey } from './kek/root-key.ts';
import type { AddKeyInput } from './slot-plan.ts';
import { Vault } from './vault.ts';

const GROQ = { provider: 'groq', origin: 'https://api.groq.com' } as const;
const SLOTS: readonly AddKeyInput[] = [
  { ...GROQ, name: 'shared-b' },
  { ...GROQ, name: 'shared-a' },
  { ...GROQ, name: 'any-prod', environment: 'prod' },
  { ...GROQ, name: 'chatbot-any', team: 'chatbot' },
  { ...GROQ, name: 'chatbot-prod', team: 'chatbot', environment: 'prod' },
  { ...GROQ, name: 'tie-b', team: 'tie', environment: 'prod' },
  { ...GROQ, name: 'tie-a', team: 'tie', environment: 'prod' },
  { ...GROQ, name: 'demo-slot', team: 'try-out', purpose: 'demo' },
  { provider: 'openai', origin: 'https://api.openai.com', name: 'openai-billing', team: 'billing' },
];

let vault: Vault;
async function add(input: AddKeyInput): Promise<void> {
  using value = Secret.fromText(`fixture-${input.name}-${String(input.replace)}`);
  await vault.addKey('local', input, value);
}

beforeAll(async () => {
  const store = new MemoryStore();
  const rootKey = RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test');
  const keyring = await Keyring.create(rootKey, store, systemClock);
  const { book } = await openMemoryBook(store, keyring);
  vault = new Vault({ keyring, book, clock: systemClock, resolve: () => Promise.resolve(['104.18.0.1']) });
  for (const slot of SLOTS) await add(slot);
});

const chosen = (provider: string, team: string, environment: string): string | undefined =>
  vault.select({ provider, team, environment })?.name;

test.each([
  ['groq', 'chatbot', 'prod', 'chatbot-prod'],
  ['groq', 'chatbot', 'dev', 'chatbot-any'],
  ['groq', 'billing', 'prod', 'any-prod'],
  ['groq', 'billing', 'dev', 'shared-a'],
  ['groq', 'tie', 'prod', 'tie-a'],
  ['groq', 'try-out', 'dev', 'demo-slot'],
  ['openai', 'billing', 'prod', 'openai-billing'],
  ['openai', 'chatbot', 'prod', undefined],
  ['mistral', 'chatbot', 'prod', undefined],
  ['groq', '', '', 'shared-a'],
])('%s for %s in %s uses %p', (provider, team, environment, expected) => {
  expect(chosen(provider, team, environment)).toBe(expected);
  // and the same from the cache
  expect(chosen(provider, team, environment)).toBe(expected);
});

test('a demo slot serves its own team only', () => {
  const teams = ['chatbot', 'billing', 'tie', 'other'];
  expect(teams.map((team) => chosen('groq', team, 'dev'))).not.toContain('demo-slot');
});

test('a change is seen by the next call', async () => {
  expect(chosen('groq', 'billing', 'dev')).toBe('shared-a');
  await vault.setState('local', 'shared-a', 'disabled');
  expect(chosen('groq', 'billing', 'dev')).toBe('shared-b');
  await vault.setState('local', 'shared-a', 'active');
  expect(chosen('groq', 'billing', 'dev')).toBe('shared-a');
  await add({ ...GROQ, name: 'billing-dev', team: 'billing', environment: 'dev' });
  expect(chosen('groq', 'billing', 'dev')).toBe('billing-dev');
  await add({ ...GROQ, name: 'billing-dev', replace: true });
  expect(vault.select({ provider: 'groq', team: 'billing', environment: 'dev' })?.activeVersion).toBe(2);
});

test('slots are listed by name', () => {
  const names = vault.list().map((slot) => slot.name);
  expect(names).toEqual([...names].sort());
});
