/** The admin application over real parts on a store in memory, for tests. The audit index is a list that the test fills. */
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { Teams } from '../access/teams.ts';
import { Tokens } from '../access/tokens.ts';
import type { BudgetEvent, ClockEvent, EntryBody, Position } from '../audit/entry.ts';
import { Pseudonyms } from '../audit/pseudonyms.ts';
import type { IndexRow, PseudonymRow, UsageRow } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import { Turns } from '../gateway/turns.ts';
import { Presets } from '../guard/presets.ts';
import { Templates } from '../guard/templates.ts';
import { Ledger } from '../ledger/ledger.ts';
import { Prices } from '../ledger/prices.ts';
import { SteadyClock } from '../ledger/steady-clock.ts';
import type { ControlEntry } from '../records/records.ts';
import { RecoveryDesk } from '../recovery/desk.ts';
import { RootKey } from '../vault/kek/root-key.ts';
import { Keyring } from '../vault/keyring.ts';
import { SpendLimits } from '../vault/spend-limits.ts';
import { Vault } from '../vault/vault.ts';
import { interpretVerification } from '../vault/verify.ts';
import { Directory } from '../watch/directory.ts';
import { keyAges } from '../watch/key-ages.ts';
import { type AdminApp, type AdminDeps, createAdminApp } from './admin.ts';
import { AppEntryLimits } from './app-entry-limits.ts';
import { LOCAL, type Principal } from './principal.ts';

export interface AdminRig {
  readonly app: AdminApp;
  readonly deps: AdminDeps;
  /** What the control plane journaled. */
  readonly journal: readonly ControlEntry[];
  readonly budgetEvents: readonly BudgetEvent[];
  readonly clockEvents: readonly ClockEvent[];
  readonly clock: { nowMs: number; setBackMs: number };
  /** What the provider answers to a verification: status and error code. */
  readonly provider: { status: number; code: string | null };
  readonly rows: IndexRow[];
  /** What recovery and applications put on record. */
  readonly recorded: readonly EntryBody[];
  readonly people: PseudonymRow[];
  readonly sums: UsageRow[];
  /** Asks as `principal`, `local` when left out. */
  ask(method: string, path: string, body?: unknown, principal?: Principal): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Tests read whatever they expect; a missing field shows as undefined.
  readonly body: Record<string, unknown> & {
    readonly error?: { code: string; message: string; fix: string };
  };
}

const START_MS = Date.UTC(2026, 10, 21, 12);

export async function adminRig(): Promise<AdminRig> {
  const time = { nowMs: START_MS, setBackMs: 0 };
  const clock: Clock = { monotonicMs: () => time.nowMs - time.setBackMs, wallMs: () => time.nowMs };
  const store = new MemoryStore();
  const rootKey = RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test');
  const keyring = await Keyring.create(rootKey, store, clock);
  const { book, journal } = await openMemoryBook(store, keyring);
  const teams = new Teams({ book, clock });
  const tokens = new Tokens({ book, teams, clock, pepper: keyring.authenticator('token-pepper') });
  const budgetEvents: BudgetEvent[] = [];
  const clockEvents: ClockEvent[] = [];
  const ledger = new Ledger({
    clock,
    records: book,
    statuses: new Map(),
    emit: (event) => void budgetEvents.push(event),
    spending: () => Promise.resolve({ since: () => 0n, [Symbol.dispose]: () => undefined }),
    callsBetween: () => Promise.resolve(0),
  });
  const budgetClock = new SteadyClock({ clock, emit: (event) => void clockEvents.push(event) });
  const vault = new Vault({ keyring, book, clock, resolve: publicAddress });
  const provider = { status: 200, code: null as string | null };
  const rows: IndexRow[] = [];
  const people: PseudonymRow[] = [];
  const sums: UsageRow[] = [];
  const recorded: EntryBody[] = [];
  const deps: AdminDeps = {
    clock,
    log: silentLog,
    book,
    teams,
    tokens,
    turns: new Turns({ clock, limits: ledger.limits, maxWaiting: 10 }),
    templates: new Templates({ book, clock }),
    presets: new Presets({ book, clock }),
    ledger,
    prices: new Prices(null),
    budgetClock,
    vault,
    spendLimits: new SpendLimits({ book, clock }),
    indexer: { flush: () => Promise.resolve(), lag: 0, checkCapacity: () => undefined },
    journal: { append: recording(recorded), durable: () => Promise.resolve() },
    pseudonyms: new Pseudonyms(),
    appEntries: new AppEntryLimits(clock, 60),
    watch: {
      ...restingWatch(new Directory({ book, keyring, clock, resolve: publicAddress })),
      keyAges: () => keyAges(vault, new Map([['*', 90]]), time.nowMs),
    },
    index: {
      query: ({ limit, action }) =>
        Promise.resolve(
          rows.filter((row) => !action?.startsWith('recovery.') || row.action === action).slice(0, limit),
        ),
      keyUse: (keyId) =>
        Promise.resolve(rows.find((row) => row.action === 'call' && row.keyId === keyId) ?? null),
      usage: () => Promise.resolve(sums),
      pseudonyms: (wanted) => Promise.resolve(people.filter(({ commitment }) => wanted.includes(commitment))),
    },
    verifyKey: () => {
      const body = provider.code === null ? { data: [] } : { error: { code: provider.code } };
      const result = interpretVerification(provider.status, body);
      return Promise.resolve({ ...result, status: provider.status, event: null });
    },
    recovery: recordingDesk(clock, keyring, store, vault, recorded),
    instance: {
      id: 'testinstance',
      version: '0.0.0',
      dataFolder: '/nowhere',
      rootFingerprint: keyring.rootFingerprint,
      rootOrigin: keyring.rootOrigin,
      startedAtMs: START_MS,
    },
    runtime: () => ({
      gatewayUrl: 'http://127.0.0.1:1',
      adminUrl: 'http://127.0.0.1:2',
      ready: true,
      liveCalls: 0,
      maxCalls: 2000,
      journalStream: 'n1@000001',
      journalEntries: journal.length,
      journalDurable: journal.length,
      journalSyncs: journal.length,
      auditStream: null,
    }),
    metrics: () => Promise.resolve('# no metrics\n'),
  };
  const app = createAdminApp(deps);
  const ask: AdminRig['ask'] = async (method, path, body, principal = LOCAL) => {
    const request = new Request(`http://localhost${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const response = await app.fetch(request, { principal, requestId: 'adm_test' });
    const answer = (await response.json()) as Answer['body'];
    return { status: response.status, headers: response.headers, body: answer };
  };
  return {
    app,
    deps,
    journal,
    budgetEvents,
    clockEvents,
    clock: time,
    provider,
    rows,
    recorded,
    people,
    sums,
    ask,
  };
}

function publicAddress(): Promise<string[]> {
  return Promise.resolve(['104.18.0.1']);
}

/** Destinations that are real, to which nothing is sent. */
function restingWatch(directory: Directory): Omit<AdminDeps['watch'], 'keyAges'> {
  return {
    directory,
    backlogs: () => Promise.resolve(new Map()),
    outbox: () => Promise.resolve([]),
    retry: () => Promise.resolve(0),
    test: (_, name) => {
      directory.get(name);
      return Promise.resolve({
        delivered: false,
        error: 'status 404',
        retryAfterMs: null,
        alert: 'alr_test',
      });
    },
    diskIsLow: false,
  };
}

function recording(recorded: EntryBody[]): (entry: EntryBody) => Position {
  return (entry) => {
    recorded.push(entry);
    return { stream: 'n1@000001', seq: recorded.length, hash: Buffer.alloc(32), segment: 1, offset: 1 };
  };
}

function recordingDesk(
  clock: Clock,
  keyring: Keyring,
  keyringStore: MemoryStore,
  vault: Vault,
  recorded: EntryBody[],
): RecoveryDesk {
  const append = recording(recorded);
  return new RecoveryDesk({
    clock,
    keyring,
    keyringStore,
    vault,
    journal: { append, durable: () => Promise.resolve() },
    indexer: { flush: () => Promise.resolve() },
    data: '/nonexistent',
    journalFolder: '/nonexistent/journal',
    version: '0.0.0',
    rootKeyFile: null,
    snapshot: () => Promise.reject(new Error('there is no database')),
  });
}

/** A principal of the TCP listener with these scopes. */
export function adminWith(...scopes: string[]): Principal {
  return { kind: 'admin', id: 'admin:0123456789ab', scopes, bounds: { expiresAtMs: Infinity, cidrs: [] } };
}

/** In the shape of a provider key; put together at run time, so that no scanner takes it for one. */
export function fixtureKey(seed: string): string {
  return ['g', 'sk_', seed, 'Fixture', '0123456789'.repeat(3)].join('');
}

/** A row of the audit index. */
export function endedCall(change: Partial<IndexRow>): IndexRow {
  return {
    id: 'req_1',
    stream: 'n1@000001',
    seq: 2,
    atMs: START_MS,
    action: 'call',
    principal: 'token:0123456789ab',
    userId: null,
    team: 'chat',
    project: null,
    environment: 'dev',
    tokenId: '0123456789ab',
    resource: 'groq/chat/completions',
    provider: 'groq',
    model: 'openai/gpt-oss-20b',
    keyId: 'groq@1',
    address: null,
    promptTokens: 10,
    completionTokens: 20,
    cachedTokens: 0,
    costPicoUsd: 0n,
    boundPicoUsd: 0n,
    overrunPicoUsd: 0n,
    basis: 'usage',
    latencyMs: 5,
    result: 'success',
    errorCode: null,
    charges: '[]',
    metadata: '{}',
    ...change,
  };
}
