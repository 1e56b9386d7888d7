/**
 * `alerts`: who is told what. URLs and passwords are not in the document, which only says in which variable of the environment each is
 * when the destination is added; the gateway keeps them sealed, and they are changed by a command of their own.
 */
import { z } from 'zod';
import { defined } from '../admin/defined.ts';
import { SallyportError } from '../core/errors.ts';
import { checkMail } from '../watch/mail-input.ts';
import { ALERT_TYPES, DESTINATION_TYPES, MAIL_TLS } from '../watch/terms.ts';
import type { Document } from './document.ts';
import { nameField } from './fields.ts';
import { type Conflict, type Context, type Contract, defineSection, type Refusal } from './section.ts';

const groups = ALERT_TYPES.map((type) => `${type.split('.')[0] ?? ''}.*`);
const EVENTS = [...new Set<string>(['*', ...groups, ...ALERT_TYPES])];

/** Only some variables: whoever writes the document must not get at others by having them sent as a password to a server of his choice. */
const fromEnvironment = z.strictObject(
  {
    fromEnv: z
      .string()
      .regex(/^ALERT_[A-Z0-9_]{1,80}$/, 'a variable whose name begins with ALERT_, such as ALERT_OPS_URL')
      .describe('The variable that holds it when the destination is added; its name begins with ALERT_.'),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type' ? 'never in this file: write { fromEnv: ALERT_NAME }' : undefined,
  },
);

const mail = z.strictObject({
  host: z.string().min(1).max(253).describe('The mail server.'),
  port: z.int().min(1).max(65_535).optional().describe('Left out: 587, or 465 with implicit TLS.'),
  tls: z.enum(MAIL_TLS).optional().describe('Left out: starttls, or implicit at port 465.'),
  from: z.string().min(3).max(254).describe('The sender.'),
  to: z.array(z.string().min(3).max(254)).min(1).max(20).describe('Who gets it.'),
  user: z.string().min(1).max(254).nullable().default(null).describe('Whom to log in as; null: nobody.'),
  password: fromEnvironment.optional().describe('Of that user.'),
});

const destination = z.strictObject({
  type: z.enum(DESTINATION_TYPES).describe('slack, webhook or email.'),
  url: fromEnvironment.optional().describe('Of Slack and webhooks: where its URL is.'),
  mail: mail.optional().describe('Of email: server, sender and recipients.'),
  events: z
    .array(z.enum(EVENTS))
    .min(1)
    .max(40)
    .default(['*'])
    .describe('Types of alerts, groups such as budget.*, or * for all.'),
  team: nameField.nullable().default(null).describe('Only alerts about this team; null: all.'),
  allowPrivate: z.boolean().default(false).describe('Permits a loopback or private address.'),
});

export const alertsSchema = z.record(nameField, destination).describe('Destinations of alerts by name.');

interface MailItem {
  readonly server: string;
  readonly tls: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | null;
}

interface AlertItem {
  readonly type: (typeof DESTINATION_TYPES)[number];
  readonly events: readonly string[];
  readonly team: string | null;
  readonly allowPrivate: boolean;
  /** Null for what is no mail. */
  readonly mail: MailItem | null;
  readonly [field: string]: unknown;
}

export const alerts = defineSection<AlertItem>({
  key: 'alerts',
  noun: 'alert destination',
  read: readDestinations,
  wanted: ({ alerts: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, { type, team, allowPrivate, ...said }]) => {
      const events = [...new Set(said.events)];
      return [
        id,
        { item: { type, events, team, allowPrivate, mail: mailItem(said.mail) }, path: ['alerts', id] },
      ] as const;
    });
    return new Map(entries);
  },
  check: whatTypesNeed,
  describe: (items) => ({
    alerts: Object.fromEntries([...items].map(([id, item]) => [id, described(id, item)])),
  }),
  refuse: (id, item, current, context) =>
    current ? whatStays(id, item, current) : whatIsMissing(id, item, context),
  put: async (contract, id, item, current, context) => {
    const { events, team } = item;
    if (current)
      return contract.call('alert.change', { params: { name: id }, body: { events: [...events], team } });
    return add(contract, id, item, context);
  },
  references: (_, { team }) => (team === null ? [] : [{ section: 'teams', id: team, field: 'team' }]),
  toDo: (id, { type }, current) =>
    type === 'webhook' && !current
      ? `once ${id} is added, get its signing secret for the receiver: sallyport alert rotate-secret ${id}`
      : undefined,
});

async function readDestinations(contract: Contract): Promise<Map<string, AlertItem>> {
  const { destinations } = await contract.call('alert.list');
  const items = new Map<string, AlertItem>();
  for (const { name, type, events, team, allowPrivate, origin, tls } of destinations) {
    const { mail: people } =
      type === 'email' ? await contract.call('alert.show', { params: { name } }) : { mail: null };
    const item = people && { server: origin, tls: tls ?? '', ...people };
    items.set(name, { type, events, team, allowPrivate, mail: item });
  }
  return items;
}

const IMPLICIT_PORT = 465;
const SUBMISSION_PORT = 587;

/** With the defaults that the gateway has. */
function mailItem(written: z.infer<typeof mail> | undefined): MailItem | null {
  if (!written) return null;
  const { host, from, to, user } = written;
  const tls = written.tls ?? (written.port === IMPLICIT_PORT ? 'implicit' : 'starttls');
  const port = written.port ?? (tls === 'implicit' ? IMPLICIT_PORT : SUBMISSION_PORT);
  return { server: `smtp://${host.toLowerCase()}:${port}`, tls, from, to, user };
}

function whatTypesNeed({ alerts: named }: Document): Conflict[] {
  return Object.entries(named ?? {}).flatMap(([id, { type, url, mail: written }]): Conflict[] => {
    const path = ['alerts', id];
    if (type === 'email') {
      if (url)
        return [
          { path, field: 'url', message: 'mail has no url', fix: 'write mail: with host, from and to' },
        ];
      if (!written) return [{ path, message: 'mail is missing', fix: 'write mail: with host, from and to' }];
      const wrong = mailProblem(written);
      if (wrong) return [{ path, field: 'mail', ...wrong }];
      if ((written.user === null) === (written.password === undefined)) return [];
      return [
        { path, field: 'mail', message: 'user and password go together', fix: 'write both, or neither' },
      ];
    }
    return written
      ? [{ path, field: 'mail', message: `${type} has no mail`, fix: 'write url: { fromEnv: ALERT_NAME }' }]
      : [];
  });
}

/** What the gateway would refuse when it comes to it. */
function mailProblem({ password, user, ...written }: z.infer<typeof mail>): Refusal | undefined {
  try {
    checkMail(defined({ ...written, ...(user !== null && password && { user, password: 'of a variable' }) }));
    return undefined;
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return { message: error.message.replace(/\.$/, ''), fix: error.fix ?? 'correct it' };
  }
}

function whatStays(id: string, item: AlertItem, current: AlertItem): Refusal | undefined {
  const field = (['type', 'allowPrivate', 'mail'] as const).find(
    (name) => !Bun.deepEquals(item[name], current[name]),
  );
  if (field === undefined) return undefined;
  return {
    field,
    message: `the ${field} of alert destination ${id} cannot change: what is sealed for it is bound to that`,
    fix: `remove it, and apply adds it again: sallyport alert remove ${id}`,
  };
}

function whatIsMissing(id: string, { type, mail: wanted }: AlertItem, context: Context): Refusal | undefined {
  const field = type === 'email' ? 'mail' : 'url';
  if (type === 'email' && wanted?.user === null) return undefined;
  const variable = variableOf(id, type, context);
  if (variable === undefined) {
    return {
      message: `${id} is new, and it is not said where its URL is`,
      fix: 'write url: { fromEnv: ALERT_NAME }',
    };
  }
  if (context.env === null || (context.env[variable] ?? '') !== '') return undefined;
  return {
    field,
    message: `${id} is new, and the variable ${variable} is not set`,
    fix: `set it, or add the destination yourself: sallyport alert add ${id} --type ${type}`,
  };
}

function variableOf(id: string, type: AlertItem['type'], { document }: Context): string | undefined {
  const said = document.alerts?.[id];
  return (type === 'email' ? said?.mail?.password : said?.url)?.fromEnv;
}

function add(contract: Contract, id: string, item: AlertItem, context: Context): Promise<unknown> {
  const { type, events, team, allowPrivate } = item;
  const variable = variableOf(id, type, context);
  const secret = variable === undefined ? undefined : context.env?.[variable]?.replace(/\r?\n$/, '');
  const common = { name: id, type, events: [...events], ...(team !== null && { team }), allowPrivate };
  const written = context.document.alerts?.[id]?.mail;
  if (type !== 'email' || !written) return contract.call('alert.add', { body: { ...common, url: secret } });
  const { user, password: _, ...server } = written;
  const login = user === null ? {} : { user, password: secret };
  return contract.call('alert.add', { body: { ...common, mail: { ...server, ...login } } });
}

/** Of variables, only names that suit are known: which ones were read is not kept. */
function described(id: string, { type, events, team, allowPrivate, mail: people }: AlertItem): object {
  const variable = (what: string): object => ({
    fromEnv: `ALERT_${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_${what}`,
  });
  return {
    type,
    ...(people ? { mail: describedMail(people, variable('PASSWORD')) } : { url: variable('URL') }),
    ...(events.join(' ') !== '*' && { events }),
    ...(team !== null && { team }),
    ...(allowPrivate && { allowPrivate }),
  };
}

function describedMail({ server, tls, from, to, user }: MailItem, password: object): object {
  const [, host = '', port = ''] = /^smtp:\/\/(.*):(\d+)$/.exec(server) ?? [];
  return { host, port: Number(port), tls, from, to, ...(user !== null && { user, password }) };
}
