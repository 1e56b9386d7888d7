/** A real keyring under a random root key. */
import { randomFillSync } from 'node:crypto';
import { systemClock } from '../../src/core/clock.ts';
import { RootKey } from '../../src/vault/kek/root-key.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import type { TermRow } from '../../src/vault/store.ts';
import { MemoryStore } from './memory-store.ts';

export function testKeyring(store: MemoryStore = new MemoryStore()): Promise<Keyring> {
  return Keyring.create(randomRootKey(), store, systemClock);
}

/** The keyring of one instance before and after it got another term. */
export async function keyringAndNext(): Promise<{ readonly before: Keyring; readonly after: Keyring }> {
  const rootKey = randomRootKey();
  const store = new MemoryStore();
  const before = await Keyring.create(rootKey, store, systemClock);
  store.terms.push(nextTerm(rootKey, before.instance, 2));
  return { before, after: await Keyring.open(rootKey, store) };
}

/** A further term, as a rotation of the keyring would store it. */
export function nextTerm(rootKey: RootKey, instance: string, term: number): TermRow {
  const nonce = randomFillSync(Buffer.alloc(12));
  const wrapped = rootKey.wrapTerm(randomFillSync(Buffer.alloc(32)), nonce, instance, term);
  return { term, wrapped: Buffer.concat([nonce, wrapped]), createdAtMs: Date.now() };
}

function randomRootKey(): RootKey {
  return RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test');
}
