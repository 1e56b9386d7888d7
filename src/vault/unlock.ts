/** Start-up of the vault: which root key is needed, and whether one may be made. */
import type { Clock } from '../core/clock.ts';
import { openRootKeyFile } from './kek/file.ts';
import { Keyring } from './keyring.ts';
import type { KeyringStore } from './store.ts';

/**
 * Opens the instance in `store` with the root key at `rootKeyPath`; an empty store gets a new instance and, if there is no file, a new
 * root key. INVARIANT: no root key is ever made while an instance exists, for it would hide that the right one is gone.
 * Rejects with `vault.root_key_missing`, `vault.root_key_wrong` or `vault.tampered`.
 */
export async function unlockKeyring(
  rootKeyPath: string,
  store: KeyringStore,
  clock: Clock,
): Promise<Keyring> {
  const instance = await store.loadInstance();
  if (!instance) return Keyring.create(openRootKeyFile(rootKeyPath, { create: true }), store, clock);
  const neededFingerprint = instance.rootFingerprint;
  return Keyring.open(openRootKeyFile(rootKeyPath, { create: false, neededFingerprint }), store);
}
