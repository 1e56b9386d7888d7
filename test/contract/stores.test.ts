/** Runs each store's contract against each backend. */
import { describe } from 'bun:test';
import { BACKENDS } from './backends.ts';
import { indexStoreContract } from './index-store.ts';
import { keyringStoreContract } from './keyring-store.ts';
import { outboxStoreContract } from './outbox-store.ts';
import { recordStoreContract } from './record-store.ts';

describe.each(BACKENDS.map((backend) => [backend.name, backend.open] as const))('%s', (_, open) => {
  outboxStoreContract(open);
  recordStoreContract(open);
  indexStoreContract(open);
  keyringStoreContract(open);
});
