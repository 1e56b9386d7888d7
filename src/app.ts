/**
 * The composition root: wires the parts, and only then listens. The one place that knows all of them, and the only importer of storage/.
 * Every resource is torn down by the same stack, whether the start fails half-way or the process ends in order.
 */
import { join } from 'node:path';
import { Teams } from './access/teams.ts';
import { Tokens } from './access/tokens.ts';
import { createAdminApp } from './admin/admin.ts';
import { type AdminServer, serveAdmin } from './admin/server.ts';
import { prepareSocketFolder, realFolder, socketOwner, socketPath } from './admin/socket-path.ts';
import type { Journal } from './audit/journal.ts';
import { closeOpenCalls } from './audit/recovery.ts';
import type { Config } from './config.ts';
import { createLog, type Log } from './core/log.ts';
import { Teardown } from './core/teardown.ts';
import { redactShapes } from './detect/redact.ts';
import type { Gate } from './gateway/gate.ts';
import { LateEntries } from './gateway/late-entries.ts';
import { LiveCalls } from './gateway/live-calls.ts';
import { probeKey } from './gateway/probe.ts';
import { RejectedKeys } from './gateway/rejected-keys.ts';
import { serveGateway } from './gateway/server.ts';
import { StrangerRefusals } from './gateway/stranger-refusals.ts';
import { Upstream } from './gateway/upstream.ts';
import { Ledger } from './ledger/ledger.ts';
import { RecoveryDesk } from './recovery/desk.ts';
import { type Core, openCore, openJournal, prepareFolder, replay } from './startup.ts';
import { acquireDataLock } from './storage/data-lock.ts';
import { openStorage } from './storage/storage.ts';
import type { AskPassphrase } from './vault/kek/source.ts';
import { Vault } from './vault/vault.ts';
import { type VerifiedKey, verifyKey } from './vault/verify.ts';
import { VERSION } from './version.ts';

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

interface Parts {
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly vault: Vault;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly late: LateEntries;
  readonly upstream: Upstream;
  readonly verifyKey: App['verifyKey'];
}

/** Rejects with the reason why this data folder cannot be served; nothing runs then. */
export async function startApp(config: Config, ask?: AskPassphrase): Promise<App> {
  const { settings } = config;
  const log = createLog({ level: settings.logLevel, redact: redactShapes });
  const teardown = new Teardown();
  let reason = 'the start failed';
  try {
    prepareFolder(settings.data);
    const lock = acquireDataLock(settings.data);
    teardown.defer(() => lock.release());
    const storage = await openStorage({ file: join(settings.data, 'sallyport.db') });
    teardown.defer(() => storage.close());
    const core = await openCore(config, storage, log, ask);
    const access = openAccess(core);
    const tail = await replay(core);
    teardown.defer(() => core.indexer.stop());
    const journal = openJournal(core, tail);
    teardown.defer(() => journal.close(reason));
    const recoveredCalls = await closeOpenCalls(core.indexer, journal);
    const parts = await openParts(core, access, journal);
    const urls = await serve(config, core, parts, teardown);
    return {
      ...parts,
      ...urls,
      log,
      recoveredCalls,
      stop: (why) => {
        reason = why;
        return teardown.unwind();
      },
    };
  } catch (error) {
    await teardown.unwind();
    throw error;
  }
}

function openAccess(core: Core): Pick<Parts, 'teams' | 'tokens' | 'vault'> {
  const teams = new Teams(core);
  const tokens = new Tokens({ ...core, teams, pepper: core.keyring.authenticator('token-pepper') });
  return { teams, tokens, vault: new Vault(core) };
}

async function openParts(
  core: Core,
  access: Pick<Parts, 'teams' | 'tokens' | 'vault'>,
  journal: Journal,
): Promise<Parts> {
  const late = new LateEntries((entry) => journal.append(entry), core.log);
  const upstream = new Upstream({ userAgent: `sallyport/${VERSION}` });
  const ledger = await openLedger(core, access, late);
  return {
    ...access,
    journal,
    late,
    upstream,
    ledger,
    verifyKey: async (principal, name) => {
      const probe = probeKey.bind(null, access.vault, upstream);
      const verified = await verifyKey(probe, principal, access.vault.show(name).slot);
      if (verified.event) late.record(verified.event);
      return verified;
    },
  };
}

async function openLedger(
  core: Core,
  access: Pick<Parts, 'teams' | 'tokens'>,
  late: LateEntries,
): Promise<Ledger> {
  const { clock, log, book, stores } = core;
  const ledger = new Ledger({
    clock,
    records: book,
    statuses: core.projection.statuses,
    emit: (event) => {
      late.record(event);
      const { budget, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd } = event;
      // What an operator did is on record; what a budget did by itself wants somebody's attention.
      const level = event.percent > 0 ? 'warn' : 'debug';
      log[level](event.action, { budget, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd });
    },
    spentSince: async (subject, sinceMs) => {
      await core.indexer.flush();
      const [kind, id = ''] = subject.split(':');
      return stores.index.spentSince(kind === 'team' ? { team: id } : { tokenId: id }, sinceMs);
    },
  });
  book.subscribe('team', ({ id }) => {
    const { rateLimitRPM, concurrency } = access.teams.get(id).limits;
    ledger.setSubjectLimits(`team:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  book.subscribe('token', ({ id }) => {
    const { rateLimitRPM, concurrency } = access.tokens.get(id);
    ledger.setSubjectLimits(`token:${id}`, { rateLimitRpm: rateLimitRPM, concurrency });
  });
  await ledger.openInterrupted();
  return ledger;
}

/** Listens: the gateway first, then the admin side. */
async function serve(
  config: Config,
  core: Core,
  parts: Parts,
  teardown: Teardown,
): Promise<Pick<App, 'gatewayUrl' | 'adminUrl'>> {
  const { settings } = config;
  let open = true;
  const gate: Gate = {
    ...core,
    ...parts,
    live: new LiveCalls(core.clock, settings.times),
    strangers: new StrangerRefusals(),
    rejectedKeys: new RejectedKeys(),
    maxBodyBytes: settings.maxBodyBytes,
    open: () => open,
  };
  parts.tokens.onRevoked((id) => gate.live.cut(id));
  core.indexer.start();
  const gateway = serveGateway(gate, { hostname: settings.host, port: settings.port });
  teardown.defer(() => gateway.stop(settings.drainMs));
  const admin = await startAdmin(config, core, parts, gate, gateway.url);
  teardown.defer(() => admin.stop());
  teardown.defer(() => void (open = false));
  return { gatewayUrl: gateway.url, adminUrl: admin.url };
}

function openDesk({ settings, secrets }: Config, core: Core, parts: Parts): RecoveryDesk {
  const { rootKey } = secrets;
  const fromFile = rootKey.kind === 'file' && core.keyring.rootOrigin === 'file';
  return new RecoveryDesk({
    ...core,
    ...parts,
    keyringStore: core.stores.keyring,
    snapshot: (target) => core.stores.snapshot(target),
    data: settings.data,
    version: VERSION,
    rootKeyFile: fromFile ? rootKey.path : null,
  });
}

async function startAdmin(
  config: Config,
  core: Core,
  parts: Parts,
  gate: Gate,
  gatewayUrl: string,
): Promise<AdminServer> {
  const { settings } = config;
  const folder = realFolder(settings.data);
  const unixPath = socketPath(folder, socketOwner(process.env));
  prepareSocketFolder(unixPath, folder);
  let adminUrl = '';
  const app = createAdminApp({
    ...core,
    ...parts,
    index: core.stores.index,
    recovery: openDesk(config, core, parts),
    instance: {
      id: core.keyring.instance,
      version: VERSION,
      dataFolder: settings.data,
      rootFingerprint: core.keyring.rootFingerprint,
      rootOrigin: core.keyring.rootOrigin,
      startedAtMs: core.clock.wallMs(),
    },
    runtime: () => ({
      gatewayUrl,
      adminUrl,
      ready: gate.open(),
      liveCalls: gate.live.count,
      journalStream: parts.journal.stream,
      journalEntries: parts.journal.stats.entries,
      journalDurable: parts.journal.stats.synced,
    }),
  });
  const server = await serveAdmin(
    { unixPath, hostname: settings.host, port: settings.adminPort },
    app,
    parts.tokens,
    core.log,
  );
  adminUrl = server.url;
  return server;
}
