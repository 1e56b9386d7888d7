/**
 * The composition root: wires the parts, and only then listens. The one place that knows all of them, and the only importer of storage/.
 * Every resource is torn down by the same stack, whether the start fails half-way or the process ends in order.
 */
import { join } from 'node:path';
import { Teams } from './access/teams.ts';
import { Tokens } from './access/tokens.ts';
import { createAdminApp } from './admin/admin.ts';
import { AppEntryLimits } from './admin/app-entry-limits.ts';
import { type AdminServer, serveAdmin } from './admin/server.ts';
import { prepareSocketFolder, realFolder, socketOwner, socketPath } from './admin/socket-path.ts';
import { EntryStream, type WriteOut } from './audit/entry-stream.ts';
import type { Journal } from './audit/journal.ts';
import { lastEntryMs } from './audit/reader.ts';
import { closeOpenCalls } from './audit/recovery.ts';
import type { Config } from './config.ts';
import type { LineSink } from './core/line-sink.ts';
import { createLog, type Log, openLogSink } from './core/log.ts';
import { Teardown } from './core/teardown.ts';
import type { Gate } from './gateway/gate.ts';
import { HolderRefusals } from './gateway/holder-refusals.ts';
import { Intake } from './gateway/intake.ts';
import { LateEntries } from './gateway/late-entries.ts';
import { LiveCalls } from './gateway/live-calls.ts';
import { OwnRecords } from './gateway/own-records.ts';
import { probeKey } from './gateway/probe.ts';
import { RejectedKeys } from './gateway/rejected-keys.ts';
import { serveGateway } from './gateway/server.ts';
import { StrangerRefusals } from './gateway/stranger-refusals.ts';
import { Turns } from './gateway/turns.ts';
import { Upstream } from './gateway/upstream.ts';
import { Presets } from './guard/presets.ts';
import { Templates } from './guard/templates.ts';
import type { Ledger } from './ledger/ledger.ts';
import { type PriceFile, Prices, readPriceFile } from './ledger/prices.ts';
import type { SteadyClock } from './ledger/steady-clock.ts';
import { openBudgetClock, openLedger } from './open-ledger.ts';
import { RecoveryDesk } from './recovery/desk.ts';
import { redactForLog } from './redact/for-log.ts';
import { type Core, openCore, openJournal, prepareFolder, replay } from './startup.ts';
import { acquireDataLock } from './storage/data-lock.ts';
import { providerIds } from './providers/catalog.ts';
import { openStorage } from './storage/storage.ts';
import { Telemetry } from './telemetry/telemetry.ts';
import type { AskPassphrase } from './vault/kek/source.ts';
import { SpendLimits } from './vault/spend-limits.ts';
import { Vault } from './vault/vault.ts';
import { type VerifiedKey, verifyKey } from './vault/verify.ts';
import { VERSION } from './version.ts';
import { createSender } from './watch/sender.ts';
import { Watch } from './watch/watch.ts';

/** For what a log collector has not yet taken when everything else has ended. */
const STREAM_GRACE_MS = 1000;

export interface App {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly presets: Presets;
  readonly templates: Templates;
  readonly ledger: Ledger;
  readonly vault: Vault;
  readonly log: Log;
  /** Calls that an earlier process left open, charged at this start. */
  readonly recoveredCalls: number;
  /** Asks the provider whether it takes the key of a slot. */
  verifyKey(principal: string, slot: string): Promise<VerifiedKey>;
  /** Calls that are running. */
  liveCalls(): number;
  /** Calls that wait for their turn. */
  waitingCalls(): number;
  /** Reads the TLS certificate again, if there is one. */
  reloadCertificate(): void;
  /** Lets the entries of the journal out to where `SALLYPORT_AUDIT_STDOUT` wants them; until then they wait. */
  streamEntries(): void;
  /** Resolves with false when the reader of the entry stream takes nothing any more, so that a write to it will never end. */
  stop(reason: string): Promise<boolean>;
}

interface Parts {
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly presets: Presets;
  readonly templates: Templates;
  readonly vault: Vault;
  readonly spendLimits: SpendLimits;
  readonly journal: Journal;
  readonly ledger: Ledger;
  readonly prices: Prices;
  /** The time that budgets go by. */
  readonly budgetClock: SteadyClock;
  readonly late: LateEntries;
  readonly upstream: Upstream;
  readonly verifyKey: App['verifyKey'];
}

interface Serving extends Parts {
  readonly watch: Watch;
  readonly stream: EntryStream | undefined;
  readonly logSink: LineSink;
}

/** Rejects with the reason why this data folder cannot be served; nothing runs then. */
export async function startApp(config: Config, ask?: AskPassphrase, writeOut?: WriteOut): Promise<App> {
  const { settings } = config;
  const logSink = openLogSink();
  const log = createLog({ level: settings.logLevel, redact: redactForLog, sink: logSink });
  const teardown = new Teardown();
  let reason = 'the start failed';
  try {
    const priceFile = settings.pricesFile === null ? null : readPriceFile(settings.pricesFile, providerIds());
    prepareFolder(settings.data);
    const lock = acquireDataLock(settings.data);
    teardown.defer(() => lock.release());
    const storage = await openStorage({ file: join(settings.data, 'sallyport.db') });
    teardown.defer(() => storage.close());
    const core = await openCore(config, storage, log, ask);
    const access = openAccess(core);
    const tail = await replay(core);
    const lastMs = lastEntryMs(core.journalFolder, tail.head);
    teardown.defer(() => core.indexer.stop());
    const stream = settings.auditStdout && writeOut ? new EntryStream(writeOut) : undefined;
    let streamed = true;
    teardown.defer(async () => void (streamed = (await stream?.end(STREAM_GRACE_MS)) ?? true));
    const journal = openJournal(core, tail, stream);
    teardown.defer(() => journal.close(reason));
    const recoveredCalls = await closeOpenCalls(core.indexer, journal);
    const parts = await openParts(core, access, journal, priceFile, lastMs);
    teardown.defer(() => parts.upstream.close());
    const watch = await openWatch(config, core, parts);
    teardown.defer(() => watch.stop());
    const served = await serve(config, core, { ...parts, watch, stream, logSink }, teardown);
    return {
      ...parts,
      ...served,
      log,
      recoveredCalls,
      streamEntries: () => stream?.start(),
      stop: async (why) => {
        reason = why;
        await teardown.unwind();
        return streamed;
      },
    };
  } catch (error) {
    await teardown.unwind();
    throw error;
  }
}

function openAccess(
  core: Core,
): Pick<Parts, 'teams' | 'tokens' | 'presets' | 'templates' | 'vault' | 'spendLimits'> {
  const teams = new Teams(core);
  const tokens = new Tokens({ ...core, teams, pepper: core.keyring.authenticator('token-pepper') });
  return {
    teams,
    tokens,
    presets: new Presets(core),
    templates: new Templates(core),
    vault: new Vault(core),
    spendLimits: new SpendLimits(core),
  };
}

async function openParts(
  core: Core,
  access: Pick<Parts, 'teams' | 'tokens' | 'presets' | 'templates' | 'vault' | 'spendLimits'>,
  journal: Journal,
  priceFile: PriceFile | null,
  lastMs: number | null,
): Promise<Parts> {
  const late = new LateEntries((entry) => journal.append(entry), core.log);
  if (priceFile) {
    const { path: file, sha256, rows } = priceFile;
    late.record({ action: 'prices.loaded', principal: 'system', file, sha256, rows });
  }
  const upstream = new Upstream({
    userAgent: `sallyport/${VERSION}`,
    monotonicMs: () => core.clock.monotonicMs(),
  });
  const budgetClock = openBudgetClock(core, late, lastMs);
  const ledger = await openLedger({ ...core, clock: budgetClock }, access, late);
  return {
    ...access,
    journal,
    late,
    upstream,
    ledger,
    prices: new Prices(priceFile),
    budgetClock,
    verifyKey: async (principal, name) => {
      const probe = probeKey.bind(null, access.vault, upstream);
      const verified = await verifyKey(probe, principal, access.vault.show(name).slot);
      if (verified.event) late.record(verified.event);
      return verified;
    },
  };
}

function openWatch({ settings }: Config, core: Core, parts: Parts): Promise<Watch> {
  return Watch.open({
    ...core,
    instance: core.keyring.instance,
    store: core.stores.outbox,
    index: core.stores.index,
    vault: parts.vault,
    send: createSender({ ...core, userAgent: `sallyport/${VERSION}` }),
    steadyClock: parts.budgetClock,
    record: (entry) => parts.late.record(entry),
    settings,
  });
}

/** Listens: the gateway first, then the admin side. */
async function serve(
  config: Config,
  core: Core,
  parts: Serving,
  teardown: Teardown,
): Promise<Pick<App, 'gatewayUrl' | 'adminUrl' | 'liveCalls' | 'waitingCalls' | 'reloadCertificate'>> {
  const { settings } = config;
  let open = true;
  const startedAtMs = core.clock.wallMs();
  const telemetry = new Telemetry(settings.telemetry, {
    ...core,
    logSink: parts.logSink,
    version: VERSION,
    instance: core.keyring.instance,
    startedAtMs,
    otlpHeaders: config.secrets.otlpHeaders,
    knownModel: (provider, model) =>
      parts.prices.priceOf(provider, model, core.clock.wallMs())?.model ?? null,
  });
  const gate: Gate = {
    ...core,
    ...parts,
    live: new LiveCalls(core.clock, settings.times),
    strangers: new StrangerRefusals(core.clock, (address) => core.pseudonyms.commit('address', address)),
    holders: new HolderRefusals(core.clock),
    rejectedKeys: new RejectedKeys(),
    observer: telemetry,
    own: new OwnRecords({ ...core, index: core.stores.index }),
    seeRefusals: (refused) => parts.watch.seeRefusals(refused),
    turns: new Turns({
      clock: core.clock,
      limits: parts.ledger.limits,
      // Those that wait leave as much room for those that run.
      maxWaiting: Math.ceil(settings.maxCalls / 2),
    }),
    maxBodyBytes: settings.maxBodyBytes,
    strict: settings.strict,
    intake: new Intake(settings),
    open: () => open,
  };
  parts.tokens.onRevoked((id) => {
    gate.live.cut(id);
    gate.turns.cut(id);
  });
  core.indexer.start();
  telemetry.start();
  teardown.defer(() => telemetry.stop());
  parts.watch.start();
  const gateway = serveGateway(gate, { ...settings, hostname: settings.host });
  teardown.defer(() => gateway.stop(settings.drainMs));
  const metrics = (): Promise<string> => telemetry.metrics(gate);
  const admin = await startAdmin(config, core, parts, gate, {
    gatewayUrl: gateway.url,
    startedAtMs,
    metrics,
  });
  teardown.defer(() => admin.stop());
  teardown.defer(() => {
    open = false;
    gate.turns.stop();
  });
  return {
    gatewayUrl: gateway.url,
    adminUrl: admin.url,
    liveCalls: () => gate.live.count,
    waitingCalls: () => gate.turns.waiting,
    reloadCertificate: () => gateway.reloadCertificate(),
  };
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
  parts: Serving,
  gate: Gate,
  served: {
    readonly gatewayUrl: string;
    readonly startedAtMs: number;
    readonly metrics: () => Promise<string>;
  },
): Promise<AdminServer> {
  const { settings } = config;
  const { gatewayUrl, startedAtMs, metrics } = served;
  const folder = realFolder(settings.data);
  const unixPath = socketPath(folder, socketOwner(process.env));
  prepareSocketFolder(unixPath, folder);
  let adminUrl = '';
  const app = createAdminApp({
    ...core,
    ...parts,
    index: core.stores.index,
    appEntries: new AppEntryLimits(core.clock, settings.auditWritesPerMinute),
    recovery: openDesk(config, core, parts),
    turns: gate.turns,
    instance: {
      id: core.keyring.instance,
      version: VERSION,
      dataFolder: settings.data,
      rootFingerprint: core.keyring.rootFingerprint,
      rootOrigin: core.keyring.rootOrigin,
      startedAtMs,
    },
    runtime: () => ({
      gatewayUrl,
      adminUrl,
      ready: gate.open(),
      liveCalls: gate.live.count,
      maxCalls: settings.maxCalls,
      journalStream: parts.journal.stream,
      journalEntries: parts.journal.stats.entries,
      journalDurable: parts.journal.stats.synced,
      journalSyncs: parts.journal.stats.syncs,
      auditStream: parts.stream?.stats ?? null,
    }),
    metrics,
  });
  const server = await serveAdmin(
    { unixPath, hostname: settings.adminHost, port: settings.adminPort },
    app,
    parts.tokens,
    core.log,
  );
  adminUrl = server.url;
  return server;
}
