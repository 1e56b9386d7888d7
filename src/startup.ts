/**
 * From a data folder to parts that may be used: the root key, every row checked, the journal replayed and its chain verified. Whatever does
 * not fit (a wrong root key, an edited row, a broken chain) throws, and nothing listens.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryBody, PlacedEntry, Position } from './audit/entry.ts';
import { Indexer } from './audit/indexer.ts';
import { Journal } from './audit/journal.ts';
import { listStreams } from './audit/layout.ts';
import { openCallTag } from './audit/open-call-tag.ts';
import { Pseudonyms } from './audit/pseudonyms.ts';
import { type JournalTail, readJournal } from './audit/reader.ts';
import type { IndexStore } from './audit/store.ts';
import type { Config } from './config.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { SallyportError } from './core/errors.ts';
import type { Log } from './core/log.ts';
import { BudgetProjection } from './ledger/projection.ts';
import { checkRecords, type ControlEntry, RecordBook } from './records/records.ts';
import { STAGED_DATABASE } from './recovery/manifest.ts';
import type { RecordStore } from './records/store.ts';
import { Trust } from './records/trust.ts';
import type { AskPassphrase } from './vault/kek/source.ts';
import type { Keyring } from './vault/keyring.ts';
import type { KeyringStore } from './vault/store.ts';
import { unlockKeyring } from './vault/unlock.ts';
import { VERSION } from './version.ts';
import { Directory } from './watch/directory.ts';
import { AlertOutbox } from './watch/outbox.ts';
import { ownersIn } from './watch/owners.ts';
import type { OutboxStore } from './watch/store.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Hidden under any real provider's first byte, and enough for calls to share a sync. */
const COLLECT_MS = 2;
const NODE = 'n1';

export interface Stores {
  readonly records: RecordStore;
  readonly index: IndexStore;
  readonly keyring: KeyringStore;
  readonly outbox: OutboxStore;
  /** Replaces the file at `target` by a consistent copy of the database. */
  snapshot(target: string): Promise<void>;
}

/** The parts that exist before the journal is open for writing. */
export interface Core {
  readonly clock: Clock;
  readonly log: Log;
  readonly stores: Stores;
  readonly keyring: Keyring;
  readonly book: RecordBook;
  readonly indexer: Indexer;
  readonly projection: BudgetProjection;
  readonly outbox: AlertOutbox;
  readonly directory: Directory;
  readonly pseudonyms: Pseudonyms;
  readonly trust: Trust;
  readonly journalFolder: string;
}

/** For a start without a terminal. */
export function nobodyToAsk(): Promise<never> {
  throw new SallyportError(
    'vault.root_key_missing',
    'The root key is made from a passphrase, and there is no terminal to ask for it.',
    {
      fix: 'Start it on a terminal, or put the passphrase into a file (mode 0600) and name it in SALLYPORT_PASSPHRASE_FILE.',
    },
  );
}

/** Opens the vault and the records, each checked: MACs first, then that no row is missing, added or old. */
export async function openCore(
  config: Config,
  stores: Stores,
  log: Log,
  ask: AskPassphrase = nobodyToAsk,
): Promise<Core> {
  const clock = systemClock;
  const journalFolder = join(config.settings.data, 'journal');
  if (existsSync(join(config.settings.data, STAGED_DATABASE))) {
    throw new SallyportError('store.tampered', 'A restore into this data folder was interrupted.', {
      fix: 'Empty the folder (a root.key may stay), and restore again.',
    });
  }
  if (!(await stores.keyring.loadInstance()) && listStreams(journalFolder).length > 0) {
    throw new SallyportError(
      'store.tampered',
      'The data folder has a journal, but its database is empty or missing.',
      {
        fix: 'Restore the whole data folder (database and journal together) from one backup, or start with a new folder.',
      },
    );
  }
  const keyring = await unlockKeyring(config.secrets.rootKey, stores.keyring, clock, ask);
  const authenticator = keyring.authenticator('row-mac');
  const [rows, statuses, trustRow, openCalls, waiting, knownAlerts] = await Promise.all([
    stores.records.loadRecords(),
    stores.index.loadStatuses(),
    stores.records.loadTrust(),
    stores.index.openCalls(),
    stores.outbox.waiting(),
    stores.outbox.known(),
  ]);
  checkRecords(authenticator, rows);
  const projection = new BudgetProjection(authenticator, statuses);
  const trust = Trust.open(authenticator, trustRow, {
    records: rows.map((row) => row.mac),
    statuses: projection.statusTags(),
    openCalls: (term) => openCalls.map((row) => openCallTag(authenticator, row, term)),
    outbox: waiting.map(({ mac }) => mac),
  });
  const book = new RecordBook({ store: stores.records, authenticator, trust }, rows);
  const directory = new Directory({ book, keyring, clock });
  const alerts = { instance: keyring.instance, authenticator, owners: ownersIn(book), directory };
  const outbox = new AlertOutbox(alerts, waiting, knownAlerts);
  const pseudonyms = new Pseudonyms();
  const indexer = await Indexer.open({
    store: stores.index,
    trust,
    statuses: projection,
    alerts: outbox,
    pseudonyms,
    authenticator,
    log,
  });
  return {
    clock,
    log,
    stores,
    keyring,
    book,
    indexer,
    projection,
    outbox,
    directory,
    pseudonyms,
    trust,
    journalFolder,
  };
}

/** Applies what the journal has beyond the database, and checks its chain on the way. */
export async function replay(core: Core): Promise<JournalTail> {
  const reading = readJournal(
    core.journalFolder,
    core.trust.position,
    core.keyring.authenticator('journal-mac'),
  );
  for (;;) {
    const next = reading.next();
    if (next.done) {
      await core.indexer.flush();
      return next.value;
    }
    const { entry } = next.value;
    if (isControl(entry)) await redo(core, entry);
    core.indexer.add(next.value);
    if (core.indexer.lag >= 1000) await core.indexer.flush();
  }
}

async function redo(core: Core, entry: ControlEntry): Promise<void> {
  for (const lost of await core.book.redo(entry)) {
    core.log.warn('A journaled change could not be applied again: its secret part was never stored.', {
      action: entry.action,
      kind: lost.kind,
      record: lost.id,
      revision: lost.revision,
    });
  }
}

function isControl(entry: EntryBody): entry is Extract<EntryBody, ControlEntry> {
  return entry.action.startsWith('control.');
}

/** `alsoTo` sees every entry as well, right after it was written. */
export function openJournal(
  core: Core,
  tail: JournalTail,
  alsoTo?: { add(placed: PlacedEntry): void },
): Journal {
  if (tail.torn)
    core.log.warn('An unfinished last line of the journal was cut off.', { bytes: tail.torn.bytes });
  mkdirSync(core.journalFolder, { recursive: true, mode: 0o700 });
  const config = {
    folder: core.journalFolder,
    node: NODE,
    instance: core.keyring.instance,
    version: VERSION,
    authenticator: core.keyring.authenticator('journal-mac'),
    segmentBytes: SEGMENT_BYTES,
    collectMs: COLLECT_MS,
  };
  const onEntry = alsoTo
    ? (placed: PlacedEntry): void => {
        core.indexer.add(placed);
        alsoTo.add(placed);
      }
    : (placed: PlacedEntry): void => core.indexer.add(placed);
  const journal = Journal.open(config, core.clock, tail, onEntry);
  core.indexer.follow((position) => journal.durable(position));
  core.book.attachJournal(async (entry) => {
    const release = core.indexer.pause();
    let position: Position;
    try {
      position = journal.append({ ...entry, action: `control.${entry.action}` });
    } catch (error) {
      release();
      throw error;
    }
    // Written, but not confirmed: the pause stays, so that the next start applies it or finds it gone.
    await journal.durable(position);
    return release;
  });
  return journal;
}

/** A folder that nobody else can read. Throws `config.invalid` for one that has other people's files in it. */
export function prepareFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const loose = (statSync(path).mode & 0o077) !== 0;
  if (!loose) return;
  if (readdirSync(path).length > 0) {
    throw new SallyportError('config.invalid', `Others on this machine can open the data folder ${path}.`, {
      fix: `Run: chmod 700 ${path}`,
    });
  }
  chmodSync(path, 0o700);
}
