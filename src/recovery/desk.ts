/** What a running gateway does for recovery: shows what a kit must fit, makes backups, and puts kits, drills and backups on record. */
import { rmSync } from 'node:fs';
import type { RecoveryEvent } from '../audit/entry.ts';
import type { Indexer } from '../audit/indexer.ts';
import type { Journal } from '../audit/journal.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { readRootKeyFile } from '../vault/kek/file.ts';
import { formatRootKey } from '../vault/kek/root-key-text.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { KeyringStore } from '../vault/store.ts';
import type { Vault } from '../vault/vault.ts';
import { snapshotPath, writeArchive } from './backup.ts';
import type { Manifest } from './manifest.ts';
import type { RecoveryMaterial } from './material.ts';

export interface DeskDeps {
  readonly clock: Clock;
  readonly keyring: Pick<Keyring, 'authenticator' | 'instance' | 'rootFingerprint'>;
  readonly keyringStore: KeyringStore;
  readonly vault: Pick<Vault, 'sealedSample'>;
  readonly journal: Pick<Journal, 'append' | 'durable'>;
  readonly indexer: Pick<Indexer, 'flush'>;
  readonly data: string;
  readonly journalFolder: string;
  readonly version: string;
  /** Null when the root key did not come from a file. */
  readonly rootKeyFile: string | null;
  /** Replaces the file at `target` by a consistent copy of the database. */
  readonly snapshot: (target: string) => Promise<void>;
}

export class RecoveryDesk {
  readonly #deps: DeskDeps;
  #busy = false;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  async material(): Promise<RecoveryMaterial> {
    const { keyringStore, vault } = this.#deps;
    const instance = await keyringStore.loadInstance();
    if (!instance) throw new SallyportError('not_found', 'This data folder holds no instance.');
    return { instance, terms: await keyringStore.loadTerms(), sample: vault.sealedSample() };
  }

  /** Resolves when the entry survives a power cut and queries find it. Rejects with `audit.unavailable`. */
  async record(event: RecoveryEvent): Promise<void> {
    const { journal, indexer } = this.#deps;
    await journal.durable(journal.append(event));
    await indexer.flush();
  }

  /**
   * Writes a backup to `out` (absolute, must not exist). Rejects with `conflict` when it exists or another backup is being made, and
   * `config.invalid` when the root key is asked for and not in a file.
   */
  async backup(principal: string, out: string, withRootKey: boolean): Promise<Manifest> {
    if (this.#busy)
      throw new SallyportError('conflict', 'Another backup is being made.', { fix: 'Wait for it.' });
    this.#busy = true;
    const { clock, keyring, indexer, journal, snapshot, data, journalFolder, version } = this.#deps;
    const database = snapshotPath(data);
    let rootKey: Buffer | null = null;
    try {
      if (withRootKey) rootKey = this.#rootKeyLine();
      await indexer.flush();
      await snapshot(database);
      const { instance, rootFingerprint } = keyring;
      const event = { principal, rootFingerprint } as const;
      const createdAt = new Date(clock.wallMs()).toISOString();
      const head = journal.append({
        action: 'recovery.backup_begun',
        ...event,
        details: { rootKey: withRootKey },
      });
      await journal.durable(head);
      const manifest = await writeArchive(out, {
        database,
        journalFolder,
        head,
        rootKey,
        about: { createdAt, version, instance, rootFingerprint },
        authenticator: keyring.authenticator('row-mac'),
      });
      const details = { stream: head.stream, seq: head.seq, rootKey: withRootKey };
      await this.record({ action: 'recovery.backup', ...event, details });
      return manifest;
    } finally {
      rootKey?.fill(0);
      rmSync(database, { force: true });
      this.#busy = false;
    }
  }

  #rootKeyLine(): Buffer {
    const { rootKeyFile } = this.#deps;
    if (rootKeyFile === null) {
      throw new SallyportError(
        'config.invalid',
        'The root key is not in a file, so it cannot go into a backup.',
        {
          fix: 'Make a recovery kit instead: sallyport recovery kit',
        },
      );
    }
    const bytes = readRootKeyFile(rootKeyFile, { create: false });
    const line = Buffer.from(`${formatRootKey(bytes)}\n`);
    bytes.fill(0);
    return line;
  }
}
