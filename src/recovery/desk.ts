/** What a running gateway does for recovery: shows what a kit must fit, and puts kits, drills and backups on record. */
import type { RecoveryEvent } from '../audit/entry.ts';
import type { Indexer } from '../audit/indexer.ts';
import type { Journal } from '../audit/journal.ts';
import { SallyportError } from '../core/errors.ts';
import type { KeyringStore } from '../vault/store.ts';
import type { Vault } from '../vault/vault.ts';
import type { RecoveryMaterial } from './material.ts';

export interface DeskDeps {
  readonly keyring: KeyringStore;
  readonly vault: Pick<Vault, 'sealedSample'>;
  readonly journal: Pick<Journal, 'append' | 'durable'>;
  readonly indexer: Pick<Indexer, 'flush'>;
}

export class RecoveryDesk {
  readonly #deps: DeskDeps;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  async material(): Promise<RecoveryMaterial> {
    const instance = await this.#deps.keyring.loadInstance();
    if (!instance) throw new SallyportError('not_found', 'This data folder holds no instance.');
    return { instance, terms: await this.#deps.keyring.loadTerms(), sample: this.#deps.vault.sealedSample() };
  }

  /** Resolves when the entry survives a power cut and queries find it. Rejects with `audit.unavailable`. */
  async record(event: RecoveryEvent): Promise<void> {
    const { journal, indexer } = this.#deps;
    await journal.durable(journal.append(event));
    await indexer.flush();
  }
}
