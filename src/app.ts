/**
 * The composition root: opens the data folder, replays the journal, and only then listens. The one place that knows all parts, and the
 * only importer of storage/. Whatever does not fit (a wrong root key, an edited row, a broken chain) refuses to start.
 */
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Teams } from './access/teams.ts';
import { Tokens } from './access/tokens.ts';
import type { EntryBody } from './audit/entry.ts';
import { Indexer } from './audit/indexer.ts';
import { Journal } from './audit/journal.ts';
import { listStreams } from './audit/layout.ts';
import { Pseudonyms } from './audit/pseudonyms.ts';
import { type JournalTail, readJournal } from './audit/reader.ts';
import { closeOpenCalls } from './audit/recovery.ts';
import type { Config } from './config.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { SallyportError } from './core/errors.ts';
import { createLog, type Log } from './core/log.ts';
import { redactShapes } from './detect/redact.ts';
import type { Gate } from './gateway/gate.ts';
import { LateEntries } from './gateway/late-entries.ts';
import { LiveCalls } from './gateway/live-calls.ts';
import { RejectedKeys } from './gateway/rejected-keys.ts';
import { probeKey } from './gateway/probe.ts';
import { type GatewayServer, serveGateway } from './gateway/server.ts';
import { StrangerRefusals } from './gateway/stranger-refusals.ts';
import { Upstream } from './gateway/upstream.ts';
import { Ledger } from './ledger/ledger.ts';
import { BudgetProjection } from './ledger/projection.ts';
import { checkRecords, type ControlEntry, RecordBook } from './records/records.ts';
import { Trust } from './records/trust.ts';
import { acquireDataLock } from './storage/data-lock.ts';
import { openStorage, type Storage } from './storage/storage.ts';
import type { Keyring } from './vault/keyring.ts';
import { unlockKeyring } from './vault/unlock.ts';
import type { KeySlot } from './vault/provider-keys.ts';
import { Vault } from './vault/vault.ts';
import { type ProbeAnswer, type VerifiedKey, verifyKey as verifySlot } from './vault/verify.ts';
import { VERSION } from './version.ts';

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Hidden under any real provider's first byte, and enough for calls to share a sync. */
const COLLECT_MS = 2;
const NODE = 'n1';

export interface App {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly ledger: Ledger;
  readonly vault: Vault;
  readonly log: Log;
  /** Calls that an earlier process left open, charged at this start. */
  readonly recoveredCalls: number;
  /** Asks the provider whether it takes the key of a slot. */
  verifyKey(principal: string, slot: string): Promise<VerifiedKey>;
  stop(reason: string): Promise<void>;
}

/** The parts that exist before the journal is open for writing. */
interface Core {
  readonly clock: Clock;
  readonly log: Log;
  readonly storage: Storage;
  readonly keyring: Keyring;
  readonly book: RecordBook;
  readonly indexer: Indexer;
  readonly projection: BudgetProjection;
  readonly pseudonyms: Pseudonyms;
  readonly trust: Trust;
  readonly journalFolder: string;
}

export async function startApp(config: Config): Promise<App> {
  const { settings } = config;
  const log = createLog({ level: settings.logLevel, redact: redactShapes });
  prepareFolder(settings.data);
  const lock = acquireDataLock(settings.data);
  const undo: (() => void | Promise<void>)[] = [() => lock.release()];
  try {
    const storage = await openStorage({ file: join(settings.data, 'sallyport.db') });
    undo.push(() => storage.close());
    const core = await openCore(config, storage, log);
    const teams = new Teams(core);
    const tokens = new Tokens({ ...core, teams, pepper: core.keyring.authenticator('token-pepper') });
    const vault = new Vault(core);
    const tail = await replay(core);
    const journal = openJournal(core, tail);
    undo.push(() => journal.close('start failed'));
    const recoveredCalls = await closeOpenCalls(core.indexer, journal);
    const running = await serve(config, core, { teams, tokens, vault, journal });
    return {
      ...running.urls,
      teams,
      tokens,
      vault,
      ledger: running.ledger,
      log,
      recoveredCalls,
      verifyKey: running.verifyKey,
      stop: async (reason) => {
        await running.stop(reason);
        await storage.close();
        lock.release();
      },
    };
  } catch (error) {
    for (const step of undo.toReversed()) await step();
    throw error;
  }
}

/** Opens the vault and the records, each checked: MACs first, then that no row is missing, added or old. */
async function openCore(config: Config, storage: Storage, log: Log): Promise<Core> {
  const clock = systemClock;
  const journalFolder = join(config.settings.data, 'journal');
  if (!(await storage.keyring.loadInstance()) && listStreams(journalFolder).length > 0) {
    throw new SallyportError(
      'store.tampered',
      'The data folder has a journal, but its database is empty or missing.',
      {
        fix: 'Restore the whole data folder (database and journal together) from one backup, or start with a new folder.',
      },
    );
  }
  const keyring = await unlockKeyring(config.secrets.rootKeyFile, storage.keyring, clock);
  const authenticator = keyring.authenticator('row-mac');
  const [rows, statuses, trustRow] = await Promise.all([
    storage.records.loadRecords(),
    storage.index.loadStatuses(),
    storage.records.loadTrust(),
  ]);
  checkRecords(authenticator, rows);
  const projection = new BudgetProjection(authenticator, statuses);
  const trust = Trust.open(authenticator, trustRow, {
    records: rows.map((row) => row.mac),
    statuses: projection.statusTags(),
  });
  const book = new RecordBook({ store: storage.records, authenticator, trust }, rows);
  const pseudonyms = new Pseudonyms();
  const indexer = await Indexer.open({ store: storage.index, trust, statuses: projection, pseudonyms, log });
  return { clock, log, storage, keyring, book, indexer, projection, pseudonyms, trust, journalFolder };
}

/** Applies what the journal has beyond the database, and checks its chain on the way. */
async function replay(core: Core): Promise<JournalTail> {
  const reading = readJournal(core.journalFolder, core.trust.position);
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

function openJournal(core: Core, tail: JournalTail): Journal {
  if (tail.torn)
    core.log.warn('An unfinished last line of the journal was cut off.', { bytes: tail.torn.bytes });
  mkdirSync(core.journalFolder, { recursive: true, mode: 0o700 });
  const config = {
    folder: core.journalFolder,
    node: NODE,
    instance: core.keyring.instance,
    version: VERSION,
    segmentBytes: SEGMENT_BYTES,
    collectMs: COLLECT_MS,
  };
  const journal = Journal.open(config, core.clock, tail, (placed) => core.indexer.add(placed));
  core.book.attachJournal(async (entry) => {
    const release = core.indexer.pause();
    try {
      await journal.durable(journal.append({ ...entry, action: `control.${entry.action}` }));
    } catch (error) {
      release();
      throw error;
    }
    return release;
  });
  return journal;
}

interface Parts {
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly vault: Vault;
  readonly journal: Journal;
}

interface Running {
  readonly urls: { readonly gatewayUrl: string; readonly adminUrl: string };
  readonly ledger: Ledger;
  readonly verifyKey: App['verifyKey'];
  stop(reason: string): Promise<void>;
}

async function serve(config: Config, core: Core, parts: Parts): Promise<Running> {
  const { settings } = config;
  const { clock, log, indexer } = core;
  const { journal } = parts;
  const late = new LateEntries((entry) => journal.append(entry), log);
  const ledger = await openLedger(core, parts, late);
  const upstream = new Upstream({ userAgent: `sallyport/${VERSION}` });
  const verifyKey: App['verifyKey'] = async (principal, name) => {
    const probe = (who: string, slot: KeySlot): Promise<ProbeAnswer> =>
      probeKey(parts.vault, upstream, who, slot);
    const verified = await verifySlot(probe, principal, parts.vault.show(name).slot);
    if (verified.event) late.record(verified.event);
    return verified;
  };
  let open = true;
  const gate: Gate = {
    ...core,
    ...parts,
    ledger,
    upstream,
    live: new LiveCalls(clock, settings.times),
    late,
    strangers: new StrangerRefusals(),
    rejectedKeys: new RejectedKeys(),
    maxBodyBytes: settings.maxBodyBytes,
    open: () => open,
  };
  parts.tokens.onRevoked((id) => gate.live.cut(id));
  indexer.start();
  const gateway: GatewayServer = serveGateway(gate, { hostname: settings.host, port: settings.port });
  return {
    urls: { gatewayUrl: gateway.url, adminUrl: '' },
    ledger,
    verifyKey,
    stop: async (reason) => {
      open = false;
      await gateway.stop(settings.drainMs);
      journal.close(reason);
      await indexer.stop();
    },
  };
}

async function openLedger(core: Core, parts: Parts, late: LateEntries): Promise<Ledger> {
  const { clock, log, book, storage } = core;
  const ledger = new Ledger({
    clock,
    records: book,
    statuses: core.projection.statuses,
    emit: (event) => {
      late.record(event);
      const { budget, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd } = event;
      log.warn(event.action, { budget, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd });
    },
    spentSince: async (subject, sinceMs) => {
      await core.indexer.flush();
      const [kind, id = ''] = subject.split(':');
      return storage.index.spentSince(kind === 'team' ? { team: id } : { tokenId: id }, sinceMs);
    },
  });
  book.subscribe('team', ({ id }) => {
    const { rateLimitRPM, concurrency } = parts.teams.get(id).limits;
    ledger.setSubjectLimits(`team:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  book.subscribe('token', ({ id }) => {
    const { rateLimitRPM, concurrency } = parts.tokens.get(id);
    ledger.setSubjectLimits(`token:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  await ledger.openInterrupted();
  return ledger;
}

/** A folder that nobody else can read. Throws `config.invalid` for one that has other people's files in it. */
function prepareFolder(path: string): void {
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
