/**
 * The admin application: the contract's routes over the parts' front doors. Who asks is decided before, by the listener; here every
 * route checks the principal's scope, the shapes of the request, and the shape of its own answer.
 */
import { Hono } from 'hono';
import type { Teams } from '../access/teams.ts';
import type { Tokens } from '../access/tokens.ts';
import type { EntryStreamStats } from '../audit/entry-stream.ts';
import type { Indexer } from '../audit/indexer.ts';
import type { Journal } from '../audit/journal.ts';
import type { Pseudonyms } from '../audit/pseudonyms.ts';
import type { IndexStore } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Turns } from '../gateway/turns.ts';
import type { Presets } from '../guard/presets.ts';
import type { Templates } from '../guard/templates.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Prices } from '../ledger/prices.ts';
import type { SteadyClock } from '../ledger/steady-clock.ts';
import type { RecordBook } from '../records/records.ts';
import type { RecoveryDesk } from '../recovery/desk.ts';
import type { RootKeyOrigin } from '../vault/kek/root-key.ts';
import type { SpendLimits } from '../vault/spend-limits.ts';
import type { Vault } from '../vault/vault.ts';
import type { VerifiedKey } from '../vault/verify.ts';
import type { Watch } from '../watch/watch.ts';
import { alertRoutes } from './alert-routes.ts';
import type { AppEntryLimits } from './app-entry-limits.ts';
import { appEntryRoutes } from './app-entry-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { budgetRoutes } from './budget-routes.ts';
import { checkInput } from './check-input.ts';
import { EXPECT_HEADER, ROUTES, type RouteInput, type RouteName, type RouteReply } from './contract.ts';
import { errorReply, jsonReply } from './error-reply.ts';
import { explainRoutes } from './explain-routes.ts';
import { hygieneRoutes } from './hygiene-routes.ts';
import { keyRoutes } from './key-routes.ts';
import { leakRoutes } from './leak-routes.ts';
import { limitRoutes } from './limit-routes.ts';
import { presetRoutes } from './preset-routes.ts';
import { priceRoutes } from './price-routes.ts';
import { METRICS_PATH, metricsReply } from './metrics-reply.ts';
import { type Principal, requireScope } from './principal.ts';
import { readJsonBody } from './read-body.ts';
import { recoveryRoutes } from './recovery-routes.ts';
import { atRevision } from './revision.ts';
import { statusRoutes } from './status-routes.ts';
import { teamRoutes } from './team-routes.ts';
import { templateRoutes } from './template-routes.ts';
import { tokenRoutes } from './token-routes.ts';
import { usageRoutes } from './usage-routes.ts';

/** What does not change while the process runs. */
export interface InstanceInfo {
  readonly id: string;
  readonly version: string;
  readonly dataFolder: string;
  readonly rootFingerprint: string;
  readonly rootOrigin: RootKeyOrigin;
  readonly startedAtMs: number;
}

/** What does. */
export interface RuntimeState {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  /** Calls are let through. */
  readonly ready: boolean;
  readonly liveCalls: number;
  readonly maxCalls: number;
  readonly journalStream: string;
  readonly journalEntries: number;
  readonly journalDurable: number;
  readonly journalSyncs: number;
  /** Of the entries on standard output; null without them. */
  readonly auditStream: EntryStreamStats | null;
}

export interface AdminDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly book: Pick<RecordBook, 'revision'>;
  readonly teams: Teams;
  readonly tokens: Tokens;
  readonly presets: Presets;
  readonly templates: Templates;
  readonly turns: Pick<Turns, 'waiting' | 'waitingOfTeam' | 'outlook'>;
  readonly ledger: Ledger;
  readonly prices: Prices;
  readonly budgetClock: Pick<SteadyClock, 'state' | 'confirm'>;
  readonly vault: Vault;
  readonly spendLimits: SpendLimits;
  readonly indexer: Pick<Indexer, 'flush' | 'lag' | 'checkCapacity'>;
  readonly index: Pick<IndexStore, 'query' | 'usage' | 'pseudonyms' | 'keyUse'>;
  readonly journal: Pick<Journal, 'append' | 'durable'>;
  readonly pseudonyms: Pick<Pseudonyms, 'commit'>;
  readonly appEntries: AppEntryLimits;
  readonly watch: Pick<
    Watch,
    'keyAges' | 'directory' | 'backlogs' | 'test' | 'outbox' | 'retry' | 'diskIsLow'
  >;
  /** Asks the provider about a slot's active version and journals what that says. Rejects with `not_found`, never for a failed probe. */
  readonly verifyKey: (principal: string, slot: string) => Promise<VerifiedKey>;
  readonly recovery: Pick<RecoveryDesk, 'material' | 'record' | 'backup'>;
  readonly instance: InstanceInfo;
  readonly runtime: () => RuntimeState;
  /** The page for Prometheus. */
  readonly metrics: () => Promise<string>;
}

/** A handler gets validated input; what it throws is answered by error-reply.ts. */
export type Handler<N extends RouteName> = (
  input: RouteInput<N>,
  principal: Principal,
) => RouteReply<N> | Promise<RouteReply<N>>;

export type Handlers<N extends RouteName = RouteName> = { readonly [K in N]: Handler<K> };

/** Of one request, from the listener. */
export interface AdminContext {
  readonly principal: Principal;
  readonly requestId: string;
}

export interface AdminApp {
  /** Never rejects. */
  fetch(request: Request, context: AdminContext): Promise<Response>;
}

interface HonoEnv {
  Bindings: AdminContext;
}

export function createAdminApp(deps: AdminDeps): AdminApp {
  const handlers: Handlers = {
    ...teamRoutes(deps),
    ...keyRoutes(deps),
    ...hygieneRoutes(deps),
    ...leakRoutes(deps),
    ...tokenRoutes(deps),
    ...presetRoutes(deps),
    ...templateRoutes(deps),
    ...budgetRoutes(deps),
    ...limitRoutes(deps),
    ...priceRoutes(deps),
    ...auditRoutes(deps),
    ...appEntryRoutes(deps),
    ...usageRoutes(deps),
    ...alertRoutes(deps),
    ...explainRoutes(deps),
    ...recoveryRoutes(deps),
    ...statusRoutes(deps),
  };
  const hono = new Hono<HonoEnv>();
  for (const name of Object.keys(ROUTES) as RouteName[]) addRoute(hono, deps, name, handlers[name]);
  hono.get(METRICS_PATH, (c) => metricsReply(c.env, deps.metrics));
  hono.notFound((c) => {
    const error = new SallyportError('request.unknown_path', 'There is no such admin route.', {
      fix: 'The routes are those of the admin contract, under /v1.',
    });
    return errorReply(error, { 'x-request-id': c.env.requestId });
  });
  hono.onError((thrown, c) => {
    const error = asSallyportError(thrown);
    const { principal, requestId } = c.env;
    const level = error.code === 'gateway.internal' ? 'error' : 'info';
    const fields = { request: requestId, principal: principal.id, code: error.code, detail: error.detail };
    deps.log[level](`An admin request was refused: ${error.message}`, fields);
    return errorReply(error, { 'x-request-id': requestId });
  });
  return { fetch: async (request, context) => hono.fetch(request, context) };
}

function addRoute<N extends RouteName>(
  hono: Hono<HonoEnv>,
  { book }: Pick<AdminDeps, 'book'>,
  name: N,
  handler: Handler<N>,
): void {
  const route = ROUTES[name];
  // The prefix is for those who put both listeners behind one name.
  hono.on(route.method, [route.path, `/admin${route.path}`], async (c) => {
    const { principal, requestId } = c.env;
    requireScope(principal, route.scope);
    const input = {
      params: checkInput('path', route.params, c.req.param()),
      query: checkInput('query', route.query, singleQuery(c.req.queries())),
      body: checkInput('body', route.body, await readJsonBody(c.req.raw)),
    } as RouteInput<N>;
    const expected = route.method === 'GET' ? undefined : c.req.header(EXPECT_HEADER);
    const { reply, headers } = await atRevision(book, expected, () => handler(input, principal));
    return jsonReply(200, route.response.parse(reply), { 'x-request-id': requestId, ...headers });
  });
}

/** Throws `input.invalid` for a parameter given twice: which of them counts is nobody's to guess. */
function singleQuery(queries: Record<string, string[]>): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, values] of Object.entries(queries)) {
    if (values.length !== 1) {
      throw new SallyportError('input.invalid', 'A query parameter is given more than once.', {
        fix: 'Give each parameter once.',
      });
    }
    single[name] = values[0] ?? '';
  }
  return single;
}
