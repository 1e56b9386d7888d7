/**
 * Composition for data folders that no gateway runs on: restoring a backup, and what an upgrade would do. Like app.ts it knows all parts
 * and may import storage/.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';
import { SallyportError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { Teardown } from './core/teardown.ts';
import {
  checkManifestTag,
  type Manifest,
  STAGED_DATABASE,
  STAGED_ROOT_KEY,
  tampered,
} from './recovery/manifest.ts';
import { type Newer, takeNewerJournal, type Unpacked, unpack } from './recovery/restore.ts';
import { openCore, openJournal, prepareFolder, replay } from './startup.ts';
import { acquireDataLock } from './storage/data-lock.ts';
import { type DatabaseState, inspectDatabase } from './storage/inspect.ts';
import { openStorage } from './storage/storage.ts';
import type { AskPassphrase } from './vault/kek/source.ts';

export interface RestoreRequest {
  /** The archive. */
  readonly from: string;
  /** Data folder with the journal that went on after the backup, or null. */
  readonly journalFrom: string | null;
  /** Restore the moment of the backup although nothing later is known. */
  readonly acceptOlder: boolean;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Null: nothing after the backup is known. */
  readonly newer: Newer | null;
  /** The root key of the archive was put in place. */
  readonly rootKeyRestored: boolean;
}

/** What a folder may hold that a backup is restored into. */
const MAY_STAY = 'root.key';

/**
 * Restores a backup into the data folder of `config`, which is new, empty or holds nothing but a root key. Everything is verified before
 * this resolves; when anything does not fit, nothing stays. Rejects with `conflict`, `store.tampered`, `audit.broken`, or what the vault
 * says about the root key.
 */
export async function restoreBackup(
  config: Config,
  request: RestoreRequest,
  log: Log,
  ask: AskPassphrase,
): Promise<Restored> {
  const { data } = config.settings;
  prepareEmpty(data);
  const before = readdirSync(data);
  const teardown = new Teardown();
  try {
    const lock = acquireDataLock(data);
    teardown.defer(() => lock.release());
    const unpacked = await unpack(request.from, data);
    const newer =
      request.journalFrom === null
        ? null
        : takeNewerJournal(journalIn(request.journalFrom), data, unpacked.manifest);
    if (!newer && !request.acceptOlder) throw older(unpacked.manifest, request.journalFrom !== null);
    const rootKeyRestored = placeRootKey(config, data);
    renameSync(join(data, STAGED_DATABASE), join(data, 'sallyport.db'));
    await settle(config, unpacked, newer, log, ask, teardown);
    await teardown.unwind();
    return { manifest: unpacked.manifest, newer, rootKeyRestored };
  } catch (error) {
    await teardown.unwind().catch(() => undefined);
    for (const name of readdirSync(data)) {
      if (!before.includes(name)) rmSync(join(data, name), { recursive: true, force: true });
    }
    throw error;
  }
}

/** Opens what was restored as a start would, applies what the journal has beyond the database, and puts the restoration on record. */
async function settle(
  config: Config,
  { manifest, manifestText, mac }: Unpacked,
  newer: Newer | null,
  log: Log,
  ask: AskPassphrase,
  teardown: Teardown,
): Promise<void> {
  const storage = await openStorage({ file: join(config.settings.data, 'sallyport.db') });
  teardown.defer(() => storage.close());
  const core = await openCore(config, storage, log, ask);
  checkManifestTag(core.keyring.authenticator('row-mac'), manifestText, mac);
  if (core.keyring.instance !== manifest.instance) throw tampered('its database is of another instance');
  const tail = await replay(core);
  teardown.defer(() => core.indexer.stop());
  const journal = openJournal(core, tail);
  teardown.defer(() => journal.close('restored'));
  const { stream, seq } = manifest.head;
  const details = { backupFrom: manifest.createdAt, stream, seq, newerEntries: newer?.entries ?? 0 };
  const { rootFingerprint } = core.keyring;
  await journal.durable(
    journal.append({ action: 'recovery.restored', principal: 'local', rootFingerprint, details }),
  );
}

/** What a database needs, without changing it. Null when there is none. Throws `store.unavailable`. */
export function inspectData(data: string): DatabaseState | null {
  const file = join(data, 'sallyport.db');
  if (!existsSync(file)) return null;
  // SQLite makes its side files for whoever reads: made by another user, they would lock the gateway out.
  if (process.getuid !== undefined && statSync(file).uid !== process.getuid()) {
    throw new SallyportError('config.invalid', `The database in ${data} belongs to another user.`, {
      fix: 'Run this as the user that Sallyport runs as.',
    });
  }
  return inspectDatabase(file);
}

function prepareEmpty(data: string): void {
  if (existsSync(data) && readdirSync(data).some((name) => name !== MAY_STAY)) {
    throw new SallyportError('conflict', `The folder ${data} is not empty.`, {
      fix: 'Restore into a new folder, or move what is there away. A root.key may stay.',
    });
  }
  mkdirSync(data, { recursive: true, mode: 0o700 });
  prepareFolder(data);
}

function journalIn(folder: string): string {
  const journal = join(folder, 'journal');
  if (existsSync(journal)) return journal;
  throw new SallyportError('config.invalid', `There is no journal in ${folder}.`, {
    fix: 'Name the data folder that the backup was made from.',
  });
}

/** A root key that is there, or is configured to be elsewhere, wins over the one in the archive. */
function placeRootKey(config: Config, data: string): boolean {
  const staged = join(data, STAGED_ROOT_KEY);
  if (!existsSync(staged)) return false;
  const { rootKey } = config.secrets;
  if (rootKey.kind === 'file' && !rootKey.chosen && !existsSync(rootKey.path)) {
    renameSync(staged, rootKey.path);
    return true;
  }
  rmSync(staged);
  return false;
}

function older({ createdAt }: Manifest, givenOne: boolean): SallyportError {
  const given = givenOne ? 'The journal given has nothing newer than the backup. ' : '';
  return new SallyportError(
    'conflict',
    `${given}This would restore the moment ${createdAt}: tokens that were revoked after it are valid again, and what was spent after it is forgotten.`,
    {
      fix: 'Name the old data folder with --journal-from, if its journal is still there; otherwise say --accept-older, and revoke again what has to be.',
    },
  );
}
