/** A real keyring under a random root key. */
import { systemClock } from '../../src/core/clock.ts';
import { RootKey } from '../../src/vault/kek/root-key.ts';
import { Keyring } from '../../src/vault/keyring.ts';
import { MemoryStore } from './memory-store.ts';

export function testKeyring(store: MemoryStore = new MemoryStore()): Promise<Keyring> {
  const rootKey = RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test');
  return Keyring.create(rootKey, store, systemClock);
}
