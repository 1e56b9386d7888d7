/** `alert`: who is told when something happens. URLs and passwords go in by prompt or standard input and are never printed. */
import type { DestinationShape } from '../admin/alert-shapes.ts';
import type { CallInput } from '../admin/contract.ts';
import { looksLikeCredential } from '../admin/credentials.ts';
import { SallyportError } from '../core/errors.ts';
import { ALERT_TYPES, DESTINATION_TYPES, MAIL_TLS, OUTBOX_STATES } from '../watch/terms.ts';
import { choice, duration, integer } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { readSecretValue } from './key-value.ts';
import { note, orDash, printFields, printJson, printTable } from './output.ts';

const ADD_OPTIONS = {
  type: { type: 'string', value: 'TYPE', help: `one of ${DESTINATION_TYPES.join(', ')}` },
  event: {
    type: 'string',
    value: 'EVENT',
    multiple: true,
    help: 'only these, such as budget.paused or key.*; may be repeated',
  },
  team: { type: 'string', value: 'TEAM', help: 'only what is about this team: its budgets and its keys' },
  'allow-private': { type: 'boolean', help: 'permit a loopback or private address, also without TLS' },
  smtp: { type: 'string', value: 'HOST[:PORT]', help: 'mail server (port 587; 465 with implicit TLS)' },
  tls: { type: 'string', value: 'HOW', help: `of mail: ${MAIL_TLS.join(', ')} (default starttls)` },
  from: { type: 'string', value: 'ADDRESS', help: 'of mail: its sender' },
  to: { type: 'string', value: 'ADDRESS', multiple: true, help: 'of mail: who gets it; may be repeated' },
  user: {
    type: 'string',
    value: 'USER',
    help: 'of mail: log in as; the password is read from standard input',
  },
  ...SERVER_OPTIONS,
} as const satisfies OptionSpecs;

export const alertAdd = defineCommand({
  name: 'alert add',
  summary: 'Add a destination for alerts: a Slack channel, a webhook, or mail.',
  args: ['NAME'],
  options: ADD_OPTIONS,
  examples: [
    'sallyport alert add ops --type slack',
    'sallyport alert add pager --type webhook --event key.rejected --event budget.paused',
    'sallyport alert add finance --type email --smtp smtp.example.org --from sallyport@example.org --to finance@example.org --event budget.*',
  ],
  notes: [
    'The URL of Slack or of a webhook, and the password of --user, are read from standard input, or asked for without echo. They are never taken from the command line.',
    'A webhook is signed (Standard Webhooks). Its secret is printed by this command, once.',
    `Events: ${ALERT_TYPES.join(', ')}.`,
  ],
  onExtraArgument: urlOnCommandLine,
  run: async ({ values, args: [name = ''], io }) => {
    if (looksLikeCredential(name) || name.includes('://')) throw urlOnCommandLine();
    const client = AdminClient.open(values, io);
    const type = choice('--type', values.type ?? '', DESTINATION_TYPES);
    const body = {
      name,
      type,
      events: values.event.length === 0 ? undefined : [...values.event],
      team: values.team,
      allowPrivate: values['allow-private'] ? true : undefined,
      ...(type === 'email' ? { mail: await mailOf(values, io) } : { url: await urlOf(values, io) }),
    };
    const added = await client.call('alert.add', { body });
    if (values.json) printJson(io, added);
    else printFields(io, [...fieldsOf(added), ...secretField(added.secret)]);
    if (added.secret !== null) note(io, 'the secret is shown only now; give it to the receiver');
    note(io, `try it: sallyport alert test ${added.name}`);
    return EXIT.ok;
  },
});

export const alertList = defineCommand({
  name: 'alert list',
  summary: 'List the destinations for alerts.',
  options: SERVER_OPTIONS,
  examples: ['sallyport alert list'],
  run: async ({ values, io }) => {
    const { destinations } = await AdminClient.open(values, io).call('alert.list');
    if (values.json) {
      printJson(io, destinations);
      return EXIT.ok;
    }
    const rows = destinations.map((one) => [
      one.name,
      one.type,
      one.origin,
      one.team ?? 'any',
      one.events.join(' '),
      String(one.waiting),
      String(one.undelivered),
    ]);
    const header = ['destination', 'type', 'to', 'team', 'events', 'waiting', 'given up'];
    printTable(io, header, rows, 'nobody is told anything yet: sallyport alert add');
    return EXIT.ok;
  },
});

export const alertShow = defineCommand({
  name: 'alert show',
  summary: 'Show a destination; never its URL, secret or password.',
  args: ['NAME'],
  options: SERVER_OPTIONS,
  examples: ['sallyport alert show ops'],
  run: async ({ values, args: [name = ''], io }) => {
    const shown = await AdminClient.open(values, io).call('alert.show', { params: { name } });
    if (values.json) {
      printJson(io, shown);
      return EXIT.ok;
    }
    const { mail } = shown;
    printFields(io, [
      ...fieldsOf(shown),
      ...(mail
        ? ([
            ['from', mail.from],
            ['to', mail.to.join(', ')],
            ['user', orDash(mail.user)],
          ] as [string, string][])
        : []),
      ['created', shown.createdAt],
      ['waiting', String(shown.waiting)],
      ['given up', String(shown.undelivered)],
    ]);
    return EXIT.ok;
  },
});

export const alertTest = defineCommand({
  name: 'alert test',
  summary: 'Send a message on trial, at once and once.',
  args: ['NAME'],
  options: SERVER_OPTIONS,
  examples: ['sallyport alert test ops'],
  notes: ['Exit code 0 means that the receiver took it, 1 that it did not. The trial is on record.'],
  run: async ({ values, args: [name = ''], io }) => {
    const trial = await AdminClient.open(values, io).call('alert.test', { params: { name } });
    if (values.json) printJson(io, trial);
    else
      printFields(io, [
        ['delivered', trial.delivered ? 'yes' : 'no'],
        ...(trial.error === null ? [] : [['why', trial.error] as [string, string]]),
        ['alert', trial.alert],
      ]);
    return trial.delivered ? EXIT.ok : EXIT.refused;
  },
});

export const alertRemove = defineCommand({
  name: 'alert remove',
  summary: 'Remove a destination, and what is sealed for it.',
  args: ['NAME'],
  options: SERVER_OPTIONS,
  examples: ['sallyport alert remove ops'],
  notes: ['What still waits for it is not sent.'],
  run: async ({ values, args: [name = ''], io }) => {
    const removed = await AdminClient.open(values, io).call('alert.remove', { params: { name } });
    if (values.json) printJson(io, removed);
    else note(io, `${removed.name} is removed`);
    return EXIT.ok;
  },
});

export const alertRotateSecret = defineCommand({
  name: 'alert rotate-secret',
  summary: 'Give a webhook a new signing secret, Slack a new URL, or mail a new password.',
  args: ['NAME'],
  options: {
    overlap: {
      type: 'string',
      value: 'TIME',
      help: 'how long a webhook is signed with both secrets (default 24h; 0 ends the old one now)',
    },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport alert rotate-secret pager --overlap 48h', 'sallyport alert rotate-secret ops'],
  notes: ["A webhook's new secret is printed, once. A new URL or password is read from standard input."],
  onExtraArgument: urlOnCommandLine,
  run: async ({ values, args: [name = ''], io }) => {
    const client = AdminClient.open(values, io);
    const { type } = await client.call('alert.show', { params: { name } });
    const { overlap } = values;
    if (overlap !== undefined && type !== 'webhook')
      throw new SallyportError('input.invalid', '--overlap is for webhooks', { fix: 'leave it out' });
    const overlapMs =
      overlap === undefined ? undefined : overlap === '0' ? 0 : duration('--overlap', overlap);
    const value = type === 'webhook' ? undefined : await newValue(type, io);
    const rotated = await client.call('alert.rotate', { params: { name }, body: { value, overlapMs } });
    if (values.json) printJson(io, rotated);
    else printFields(io, [['destination', rotated.name], ...secretField(rotated.secret)]);
    if (rotated.secret !== null)
      note(io, 'the secret is shown only now; the receiver may take both until the old one ends');
    return EXIT.ok;
  },
});

export const alertOutbox = defineCommand({
  name: 'alert outbox',
  summary: 'Show the alerts that wait, were delivered, or were given up, newest first.',
  options: {
    state: { type: 'string', value: 'STATE', help: `one of ${OUTBOX_STATES.join(', ')}` },
    to: { type: 'string', value: 'NAME', help: 'for this destination' },
    limit: { type: 'string', value: 'N', help: 'at most so many (default 100, most 1000)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport alert outbox', 'sallyport alert outbox --state dead'],
  run: async ({ values, io }) => {
    const { state, to, limit } = values;
    const query = {
      state: state === undefined ? undefined : choice('--state', state, OUTBOX_STATES),
      destination: to,
      limit: integer('--limit', limit ?? '100', 1, 1000),
    };
    const { alerts } = await AdminClient.open(values, io).call('alert.outbox', { query });
    if (values.json) {
      printJson(io, alerts);
      return EXIT.ok;
    }
    const rows = alerts.map((one) => [
      one.timestamp,
      one.type,
      one.destination,
      one.state,
      String(one.attempts),
      orDash(one.nextTryAt ?? one.settledAt),
      one.error ?? one.alert,
    ]);
    const header = ['time', 'event', 'to', 'state', 'tries', 'next or done', 'alert or error'];
    printTable(io, header, rows, 'there is no such alert');
    return EXIT.ok;
  },
});

export const alertRetry = defineCommand({
  name: 'alert retry',
  summary: 'Send again what was given up.',
  options: {
    to: { type: 'string', value: 'NAME', help: 'only for this destination' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport alert retry', 'sallyport alert retry --to ops'],
  run: async ({ values, io }) => {
    const body = { destination: values.to };
    const reply = await AdminClient.open(values, io).call('alert.retry', { body });
    if (values.json) printJson(io, reply);
    else note(io, `${reply.retried} ${reply.retried === 1 ? 'alert is' : 'alerts are'} sent again`);
    return EXIT.ok;
  },
});

type AddBody = NonNullable<CallInput<'alert.add'>['body']>;

async function mailOf(values: Values<typeof ADD_OPTIONS>, io: Io): Promise<AddBody['mail']> {
  const { smtp, from, to, user, tls } = values;
  if (smtp === undefined || from === undefined || to.length === 0)
    throw new SallyportError('input.invalid', 'mail needs --smtp, --from and --to', {
      fix: 'see: sallyport alert add --help',
    });
  const [, host = smtp, port] = /^(.*):(\d{1,5})$/.exec(smtp) ?? [];
  const fix = 'type it at the prompt, or pipe it in';
  return {
    host,
    port: port === undefined ? undefined : integer('--smtp', port, 1, 65_535),
    tls: tls === undefined ? undefined : choice('--tls', tls, MAIL_TLS),
    from,
    to: [...to],
    user,
    password: user === undefined ? undefined : await readSecretValue(io, 'mail password', 'password', fix),
  };
}

async function urlOf(values: Values<typeof ADD_OPTIONS>, io: Io): Promise<string> {
  const { smtp, from, to, user, tls } = values;
  if ([smtp, from, user, tls].some((value) => value !== undefined) || to.length > 0)
    throw new SallyportError('input.invalid', '--smtp, --from, --to, --user and --tls are for mail', {
      fix: 'leave them out, or use --type email',
    });
  return readSecretValue(io, 'webhook URL', 'URL', 'type it at the prompt, or pipe it in');
}

function newValue(type: 'slack' | 'email', io: Io): Promise<string> {
  const fix = 'type it at the prompt, or pipe it in';
  return type === 'slack'
    ? readSecretValue(io, 'webhook URL', 'URL', fix)
    : readSecretValue(io, 'mail password', 'password', fix);
}

function fieldsOf(shown: Omit<DestinationShape, 'waiting' | 'undelivered'>): [string, string][] {
  return [
    ['destination', shown.name],
    ['type', shown.type],
    ['to', shown.origin],
    ...(shown.tls === null ? [] : [['tls', shown.tls] as [string, string]]),
    ['events', shown.events.join(' ')],
    ['team', shown.team ?? 'any'],
  ];
}

function secretField(secret: string | null): [string, string][] {
  return secret === null ? [] : [['secret', secret]];
}

function urlOnCommandLine(): SallyportError {
  return new SallyportError(
    'input.invalid',
    'a URL or password is never taken from the command line: it is read from standard input or a prompt',
    { fix: 'if what you typed is a secret, replace it: it is now in your shell history' },
  );
}
