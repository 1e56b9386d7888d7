/** Alert destinations, and what is on its way to them. */
import { SallyportError } from '../core/errors.ts';
import type { Alert } from '../watch/alert.ts';
import type { Destination } from '../watch/destinations.ts';
import type { DestinationInput } from '../watch/directory.ts';
import type { OutboxItem } from '../watch/store.ts';
import type { Backlog } from '../watch/watch.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { DestinationShape, OutboxItemShape } from './alert-shapes.ts';
import type { RouteInput } from './contract.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';
import { requireScope } from './principal.ts';

type Deps = Pick<AdminDeps, 'watch' | 'teams' | 'indexer'>;
type AlertRoute =
  | 'alert.list'
  | 'alert.add'
  | 'alert.show'
  | 'alert.change'
  | 'alert.test'
  | 'alert.remove'
  | 'alert.rotate'
  | 'alert.outbox'
  | 'alert.retry';

const DEFAULT_LIMIT = 100;
const PRIVATE_SCOPE = 'alerts:private';
const NO_BACKLOG: Backlog = { waiting: 0, undelivered: 0 };

export function alertRoutes(deps: Deps): Handlers<AlertRoute> {
  const { watch, teams, indexer } = deps;
  const { directory } = watch;
  return {
    'alert.list': async () => {
      const backlogs = await watch.backlogs();
      return {
        destinations: directory.active().map(({ destination }) => withBacklog(destination, backlogs)),
      };
    },
    'alert.show': async ({ params }) => {
      const held = directory.get(params.name);
      const mail = directory.recipients(held);
      return {
        ...withBacklog(held.destination, await watch.backlogs()),
        mail: mail && { ...mail, to: [...mail.to] },
      };
    },
    'alert.add': async ({ body }, principal) => {
      refuseCredentials([body.name, body.team]);
      // What is posted into the private network reaches programs that trust whoever can.
      if (body.allowPrivate === true) requireScope(principal, PRIVATE_SCOPE);
      if (body.team !== undefined) teams.get(body.team);
      const { destination, secret } = await directory.add(principal.id, inputOf(body));
      return { ...shapeOf(destination), secret };
    },
    'alert.change': async ({ params, body }, principal) => {
      refuseCredentials([body.team ?? undefined]);
      if (directory.get(params.name).destination.allowPrivate) requireScope(principal, PRIVATE_SCOPE);
      if (typeof body.team === 'string') teams.get(body.team);
      return shapeOf(await directory.change(principal.id, params.name, defined(body)));
    },
    'alert.remove': async ({ params }, principal) =>
      shapeOf(await directory.remove(principal.id, params.name)),
    'alert.rotate': async ({ params, body }, principal) => {
      const { destination, secret } = await directory.rotateSecret(principal.id, params.name, defined(body));
      return { ...shapeOf(destination), secret };
    },
    'alert.test': async ({ params }, principal) => {
      const { delivered, error, alert } = await watch.test(principal.id, params.name);
      return { delivered, error, alert };
    },
    'alert.outbox': async ({ query: { state, destination, limit = DEFAULT_LIMIT } }) => {
      await indexer.flush();
      const id = destination === undefined ? undefined : directory.get(destination).destination.id;
      const items = await watch.outbox({ ...defined({ state, destination: id }), limit });
      return {
        alerts: items.map((item) => itemShape(item, directory.find(item.destination)?.destination.name)),
      };
    },
    'alert.retry': async ({ body }) => ({ retried: await watch.retry(body.destination) }),
  };
}

function inputOf(body: RouteInput<'alert.add'>['body']): DestinationInput {
  const { type, url, mail, ...rest } = body;
  const common = defined(rest);
  if (type === 'email') {
    if (mail && url === undefined) return { ...common, type, mail: defined(mail) };
    throw new SallyportError('input.invalid', 'A mail destination has "mail", and no "url".', {
      fix: 'Give host, from and to.',
    });
  }
  if (url !== undefined && !mail) return { ...common, type, url };
  throw new SallyportError('input.invalid', 'This destination has a "url", and no "mail".', {
    fix: 'Give the https URL that alerts are posted to.',
  });
}

function shapeOf(destination: Destination): Omit<DestinationShape, keyof Backlog> {
  const { name, type, origin, events, team, allowPrivate, tls, createdAt } = destination;
  return { name, type, origin, events: [...events], team, allowPrivate, tls, createdAt };
}

function withBacklog(destination: Destination, backlogs: ReadonlyMap<string, Backlog>): DestinationShape {
  return { ...shapeOf(destination), ...(backlogs.get(destination.id) ?? NO_BACKLOG) };
}

function itemShape(item: OutboxItem, destination = item.destination): OutboxItemShape {
  const { alert, type, atMs, state, attempts, nextAtMs, settledAtMs, error, payload } = item;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    alert,
    destination,
    type,
    timestamp: iso(atMs),
    state,
    attempts,
    nextTryAt: state === 'pending' ? iso(nextAtMs) : null,
    settledAt: settledAtMs === null ? null : iso(settledAtMs),
    error,
    summary: (JSON.parse(payload) as Alert).summary,
  };
}
