/**
 * The admin contract: every route with its method, path, scope and shapes. Server and CLI are both made from this table, so they cannot
 * drift apart. Requests are strict (an unknown field is refused); of an answer, the client keeps the fields that it knows.
 */
import { z } from 'zod';
import { ALERT_ROUTES } from './alert-contract.ts';
import * as app from './app-entry-shapes.ts';
import * as explain from './explain-shapes.ts';
import { KEY_ROUTES } from './key-contract.ts';
import { LEAK_ROUTES } from './leak-contract.ts';
import * as recovery from './recovery-shapes.ts';
import * as shape from './shapes.ts';
import { SHAPING_ROUTES } from './shaping-contract.ts';

const none = z.strictObject({});
const id = z.string().min(1).max(100);
/** Long enough for the two names of an environment. */
const budget = z.string().min(1).max(150);

export const ROUTES = {
  'team.list': {
    method: 'GET',
    path: '/v1/teams',
    scope: 'teams:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ teams: z.array(shape.team) }),
  },
  'team.add': {
    method: 'POST',
    path: '/v1/teams',
    scope: 'teams:write',
    params: none,
    query: none,
    body: z.strictObject({ id, policy: shape.policyChange.optional() }),
    response: shape.team,
  },
  'team.show': {
    method: 'GET',
    path: '/v1/teams/:team',
    scope: 'teams:read',
    params: z.strictObject({ team: id }),
    query: none,
    body: none,
    response: shape.team,
  },
  'team.policy': {
    method: 'PATCH',
    path: '/v1/teams/:team/policy',
    scope: 'teams:write',
    params: z.strictObject({ team: id }),
    query: none,
    body: shape.policyChange,
    response: shape.team,
  },
  'project.list': {
    method: 'GET',
    path: '/v1/projects',
    scope: 'teams:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ projects: z.array(shape.project) }),
  },
  'project.add': {
    method: 'POST',
    path: '/v1/projects',
    scope: 'teams:write',
    params: none,
    query: none,
    body: z.strictObject({ id, team: id }),
    response: shape.project,
  },
  'environment.list': {
    method: 'GET',
    path: '/v1/environments',
    scope: 'teams:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ environments: z.array(shape.environment) }),
  },
  'environment.add': {
    method: 'POST',
    path: '/v1/environments',
    scope: 'teams:write',
    params: none,
    query: none,
    body: z.strictObject({ id }),
    response: shape.environment,
  },
  ...KEY_ROUTES,
  ...LEAK_ROUTES,
  ...SHAPING_ROUTES,
  'token.list': {
    method: 'GET',
    path: '/v1/tokens',
    scope: 'tokens:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ tokens: z.array(shape.token) }),
  },
  'token.issue': {
    method: 'POST',
    path: '/v1/tokens',
    scope: 'tokens:write',
    params: none,
    query: none,
    body: shape.tokenRequest,
    response: shape.issuedToken,
  },
  'token.pair': {
    method: 'POST',
    path: '/v1/token-pairs',
    scope: 'tokens:write',
    params: none,
    query: none,
    body: shape.tokenRequest,
    response: z.object({ reader: shape.issuedToken, writer: shape.issuedToken }),
  },
  'token.show': {
    method: 'GET',
    path: '/v1/tokens/:token',
    scope: 'tokens:read',
    params: z.strictObject({ token: id }),
    query: none,
    body: none,
    response: shape.token,
  },
  'token.revoke': {
    method: 'POST',
    path: '/v1/tokens/:token/revoke',
    scope: 'tokens:write',
    params: z.strictObject({ token: id }),
    query: none,
    body: z.strictObject({ reason: z.string().min(1).max(500).optional() }),
    response: shape.token,
  },
  'limit.list': {
    method: 'GET',
    path: '/v1/limits',
    scope: 'limits:read',
    params: none,
    query: z.strictObject({ subject: shape.limitSubject.optional() }),
    body: none,
    response: z.object({ limits: z.array(shape.limit) }),
  },
  'limit.set': {
    method: 'POST',
    path: '/v1/limits',
    scope: 'limits:write',
    params: none,
    query: none,
    body: shape.limitSetting,
    response: shape.limit,
  },
  'budget.list': {
    method: 'GET',
    path: '/v1/budgets',
    scope: 'budgets:read',
    params: none,
    query: z.strictObject({ subject: shape.subject.optional() }),
    body: none,
    response: z.object({ budgets: z.array(shape.budget) }),
  },
  'budget.set': {
    method: 'POST',
    path: '/v1/budgets',
    scope: 'budgets:write',
    params: none,
    query: none,
    body: shape.budgetSetting,
    response: shape.budget,
  },
  'budget.resume': {
    method: 'POST',
    path: '/v1/budgets/:budget/resume',
    scope: 'budgets:write',
    params: z.strictObject({ budget }),
    query: none,
    body: none,
    response: z.object({ resumed: z.boolean(), budget: shape.budget }),
  },
  'budget.adjust': {
    method: 'POST',
    path: '/v1/budgets/:budget/adjust',
    scope: 'budgets:write',
    params: z.strictObject({ budget }),
    query: none,
    body: shape.budgetAdjustment,
    response: shape.budget,
  },
  'budget.clock': {
    method: 'POST',
    path: '/v1/budget-clock/confirm',
    scope: 'budgets:write',
    params: none,
    query: none,
    body: none,
    response: z.object({ resumed: z.boolean(), clock: shape.budgetClock }),
  },
  'price.list': {
    method: 'GET',
    path: '/v1/prices',
    scope: 'prices:read',
    params: none,
    query: z.strictObject({ model: z.string().min(1).max(200), provider: id.optional() }),
    body: none,
    response: z.object({ prices: z.array(shape.price) }),
  },
  'audit.query': {
    method: 'GET',
    path: '/v1/audit',
    scope: 'audit:read',
    params: none,
    query: shape.auditFilter,
    body: none,
    response: z.object({ entries: z.array(shape.auditEntry) }),
  },
  'audit.write': {
    method: 'POST',
    path: '/v1/audit',
    scope: 'audit:write',
    params: none,
    query: none,
    body: app.appEntry,
    response: app.appEntryReceipt,
  },
  'usage.query': {
    method: 'GET',
    path: '/v1/usage',
    scope: 'usage:read',
    params: none,
    query: z.strictObject({
      by: shape.usageBy,
      since: shape.time.optional(),
      until: shape.time.optional(),
    }),
    body: none,
    response: z.object({
      by: shape.usageBy,
      since: shape.time,
      until: shape.time,
      rows: z.array(shape.usageRow),
    }),
  },
  'call.explain': {
    method: 'POST',
    path: '/v1/explain',
    scope: 'tokens:read',
    params: none,
    query: none,
    body: explain.explainRequest,
    response: explain.explanation,
  },
  'status.show': {
    method: 'GET',
    path: '/v1/status',
    scope: 'status:read',
    params: none,
    query: none,
    body: none,
    response: explain.status,
  },
  ...ALERT_ROUTES,
  'recovery.material': {
    method: 'GET',
    path: '/v1/recovery/material',
    scope: 'recovery:read',
    params: none,
    query: none,
    body: none,
    response: recovery.material,
  },
  'recovery.kit': {
    method: 'POST',
    path: '/v1/recovery/kits',
    scope: 'recovery:write',
    params: none,
    query: none,
    body: recovery.kitMade,
    response: recovery.recorded,
  },
  'recovery.drill': {
    method: 'POST',
    path: '/v1/recovery/drills',
    scope: 'recovery:write',
    params: none,
    query: none,
    body: recovery.drillDone,
    response: recovery.recorded,
  },
  'recovery.backup': {
    method: 'POST',
    path: '/v1/recovery/backups',
    scope: 'recovery:write',
    params: none,
    query: none,
    body: recovery.backupRequest,
    response: recovery.backup,
  },
} as const satisfies Record<string, RouteSpec>;

export interface RouteSpec {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: `/v1/${string}`;
  /** What the principal must hold; some routes ask for more, depending on the body. */
  readonly scope: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: z.ZodObject;
  readonly response: z.ZodObject;
}

export type RouteName = keyof typeof ROUTES;

/** A request as the handler gets it: validated. */
export interface RouteInput<N extends RouteName> {
  readonly params: z.output<(typeof ROUTES)[N]['params']>;
  readonly query: z.output<(typeof ROUTES)[N]['query']>;
  readonly body: z.output<(typeof ROUTES)[N]['body']>;
}

export type RouteReply<N extends RouteName> = z.output<(typeof ROUTES)[N]['response']>;

/** What a client asks for, in the shapes that it writes. */
export type CallInput<N extends RouteName> = Partial<{
  readonly [P in 'params' | 'query' | 'body']: z.input<(typeof ROUTES)[N][P]>;
}>;

/** Of every answer: the configuration that it is from; after a change with EXPECT_HEADER, the one that is there now. */
export const REVISION_HEADER = 'x-sallyport-revision';
/** Of a request that changes something: refused with `conflict` unless the configuration is still at that revision. */
export const EXPECT_HEADER = 'x-sallyport-if-revision';

export const MAX_BODY_BYTES = 1_048_576;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** How long a token lives when nobody says. */
export const DEFAULT_LIFETIME_MS = {
  service: 90 * DAY_MS,
  personal: 30 * DAY_MS,
  ci: 15 * MINUTE_MS,
  agent: 60 * MINUTE_MS,
  admin: 30 * DAY_MS,
} as const;
