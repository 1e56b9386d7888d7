/** Start-up of the vault: which root key is needed, and whether one may be made. */
import type { Clock } from '../core/clock.ts';
import {
  type AskPassphrase,
  makeRootKey,
  readRootKey,
  type RootKeySource,
  takeRootKey,
} from './kek/source.ts';
import { Keyring } from './keyring.ts';
import type { KeyringStore } from './store.ts';

/**
 * Opens the instance in `store` with the root key from `source`; an empty store gets a new instance and, if the source is a file that is
 * not there, a new root key. INVARIANT: no root key is ever made while an instance exists, for it would hide that the right one is gone.
 * Rejects with `vault.root_key_missing`, `vault.root_key_wrong`, `vault.tampered`, or `config.invalid` for a source that cannot fit.
 */
export async function unlockKeyring(
  source: RootKeySource,
  store: KeyringStore,
  clock: Clock,
  ask: AskPassphrase,
): Promise<Keyring> {
  const instance = await store.loadInstance();
  try {
    if (instance) return await Keyring.open(takeRootKey(await readRootKey(source, instance, ask)), store);
    const made = await makeRootKey(source, ask);
    return await Keyring.create(takeRootKey(made), store, clock, made.rootKdf);
  } finally {
    if (source.kind === 'env') source.text[Symbol.dispose]();
  }
}
