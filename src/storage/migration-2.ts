/** How a passphrase becomes the root key of this instance; null for a random root key. */
export const rootKdfColumn: readonly string[] = ['alter table instance add column root_kdf text'];
