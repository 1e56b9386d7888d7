/** `key`: provider keys. Values go in by `key add` and are never printed. */
import type { RouteReply } from '../admin/contract.ts';
import type { VerificationShape } from '../admin/shapes.ts';
import { looksLikeCredential } from '../admin/credentials.ts';
import { AdminClient, SERVER_OPTIONS, type ServerValues } from './client.ts';
import { type Command, defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { keyOnCommandLine, readKeyValue } from './key-value.ts';
import { note, orDash, printFields, printJson, printTable, warn } from './output.ts';

type Verification = VerificationShape;

export const keyAdd = defineCommand({
  name: 'key add',
  summary: 'Seal a provider key in the vault, and ask the provider whether it takes it.',
  args: ['[NAME]'],
  options: {
    name: { type: 'string', value: 'NAME', help: 'the same as the argument' },
    provider: { type: 'string', value: 'ID', help: 'whose key it is, such as groq or openai' },
    origin: { type: 'string', value: 'URL', help: "where it may be sent (default: the provider's own API)" },
    'allow-private-origin': { type: 'boolean', help: 'permit a loopback or private address as origin' },
    team: { type: 'string', value: 'TEAM', help: 'only for calls of this team' },
    env: { type: 'string', value: 'ENV', help: 'only for calls of this environment' },
    purpose: {
      type: 'string',
      value: 'TEXT',
      help: 'last part of the name TEAM-ENV-PURPOSE when no name is given',
    },
    'provider-organization': {
      type: 'string',
      value: 'ID',
      help: 'the organization there that it belongs to',
    },
    'provider-project': { type: 'string', value: 'ID', help: 'the project there that it belongs to' },
    replace: { type: 'boolean', help: 'a new value for a key that exists' },
    'no-verify': { type: 'boolean', help: 'do not ask the provider about it' },
    ...SERVER_OPTIONS,
  },
  examples: [
    'sallyport key add groq --provider groq',
    'printenv GROQ_API_KEY | sallyport key add chat-prod --provider groq --team chat --env prod',
  ],
  notes: [
    'The key is read from standard input, or asked for without echo on a terminal. It is never taken from the command line.',
    'Of a key that a configuration file declares, the name is enough.',
    'Exit code 1 means that the key is sealed, but the provider did not accept it.',
  ],
  onExtraArgument: keyOnCommandLine,
  run: async ({ values, args: [argument], io }) => {
    const name = argument ?? values.name;
    if (name !== undefined && looksLikeCredential(name)) throw keyOnCommandLine();
    const client = AdminClient.open(values, io);
    const value = await readKeyValue(io);
    const added = await client.call('key.add', {
      body: {
        name,
        provider: values.provider,
        origin: values.origin,
        allowPrivateOrigin: values['allow-private-origin'] ? true : undefined,
        team: values.team,
        environment: values.env,
        purpose: values.purpose,
        providerOrganization: values['provider-organization'],
        providerProject: values['provider-project'],
        replace: values.replace,
        verify: !values['no-verify'],
        value,
      },
    });
    if (added.environmentAdded) note(io, `the environment ${values.env ?? ''} is new and has been added`);
    if (values.json) printJson(io, addedJson(added));
    else showAdded(added, io);
    if (added.state === 'disabled') warn(io, disabledWarning(added));
    return added.verification === null || added.verification.verdict === 'alive' ? EXIT.ok : EXIT.refused;
  },
});

export const keyList = defineCommand({
  name: 'key list',
  summary: 'List the provider keys.',
  options: SERVER_OPTIONS,
  examples: ['sallyport key list'],
  run: async ({ values, io }) => {
    const { keys } = await AdminClient.open(values, io).call('key.list');
    if (values.json) {
      printJson(io, keys);
      return EXIT.ok;
    }
    const rows = keys.map((key) => [
      key.name,
      key.provider,
      orAny(key.team),
      orAny(key.environment),
      key.state,
      key.activeVersion === 0 ? 'no value yet' : String(key.activeVersion),
      key.exposedAt ?? '-',
      key.origin,
    ]);
    printTable(
      io,
      ['key', 'provider', 'team', 'env', 'state', 'version', 'exposed', 'origin'],
      rows,
      'there is no key yet',
    );
    return EXIT.ok;
  },
});

export const keyShow = defineCommand({
  name: 'key show',
  summary: 'Show a provider key and its versions; never its value.',
  args: ['NAME'],
  options: SERVER_OPTIONS,
  examples: ['sallyport key show groq'],
  run: async ({ values, args: [name = ''], io }) => {
    const key = await AdminClient.open(values, io).call('key.show', { params: { name } });
    if (values.json) {
      printJson(io, key);
      return EXIT.ok;
    }
    printFields(io, [
      ['key', key.name],
      ['provider', key.provider],
      ['origin', key.origin],
      ['team', orAny(key.team)],
      ['environment', orAny(key.environment)],
      ['purpose', orDash(key.purpose)],
      ['state', key.state],
      ['created', key.createdAt],
    ]);
    io.out('\n');
    const rows = key.versions.map((one) => [
      String(one.version),
      one.state,
      one.label,
      one.fingerprint,
      one.createdAt,
      exposedText(one.exposed),
    ]);
    printTable(
      io,
      ['version', 'state', 'label', 'fingerprint', 'created', 'exposed'],
      rows,
      `it has no value yet; add it: sallyport key add ${key.name}`,
    );
    return EXIT.ok;
  },
});

function exposedText(exposed: RouteReply<'key.show'>['versions'][number]['exposed']): string {
  if (exposed === null) return '-';
  const { at, place, cleared } = exposed;
  if (cleared !== null) return `taken back ${cleared.at}`;
  return place === null ? at : `${at}, ${place}`;
}

export const keyVerify = defineCommand({
  name: 'key verify',
  summary: 'Ask the provider whether it still takes a key.',
  args: ['NAME'],
  options: SERVER_OPTIONS,
  examples: ['sallyport key verify groq'],
  notes: ['Exit code 0 means that the provider accepts the key, 1 anything else.'],
  run: async ({ values, args: [name = ''], io }) => {
    const verified = await AdminClient.open(values, io).call('key.verify', { params: { name } });
    if (values.json) printJson(io, verified);
    else printFields(io, verificationFields(verified));
    return verified.verdict === 'alive' ? EXIT.ok : EXIT.refused;
  },
});

export const keyEnable = stateCommand('enable', 'active', 'Let calls use a key again.');
export const keyDisable = stateCommand('disable', 'disabled', 'Keep a key, but let no call use it.');

function stateCommand(verb: string, state: 'active' | 'disabled', summary: string): Command {
  return defineCommand({
    name: `key ${verb}`,
    summary,
    args: ['NAME'],
    options: SERVER_OPTIONS,
    examples: [`sallyport key ${verb} groq`],
    run: async ({ values, args: [name = ''], io }) => {
      const key = await setState(values, name, state, io);
      if (values.json) printJson(io, key);
      else
        printFields(io, [
          ['key', key.name],
          ['state', key.state],
        ]);
      return EXIT.ok;
    },
  });
}

function setState(
  values: ServerValues,
  name: string,
  state: 'active' | 'disabled',
  io: Io,
): Promise<RouteReply<'key.state'>> {
  return AdminClient.open(values, io).call('key.state', { params: { name }, body: { state } });
}

function disabledWarning({ name, verification }: RouteReply<'key.add'>): string {
  const enable = `sallyport key enable ${name}`;
  return verification === null
    ? `${name} stays disabled and is not verified; enable it: ${enable}`
    : `${name} is disabled; replace it: sallyport key add ${name} --replace, then ${enable}`;
}

function addedJson(added: RouteReply<'key.add'>): object {
  const { name, provider, version, label, fingerprint, verification, state } = added;
  return { name, provider, version, label, fingerprint, verification, state };
}

function showAdded(added: RouteReply<'key.add'>, io: Io): void {
  const { verification } = added;
  printFields(io, [
    ['key', added.name],
    ['provider', added.provider],
    ['version', String(added.version)],
    ['label', added.label],
    ['fingerprint', added.fingerprint],
    ['state', added.state],
    ...(verification ? verificationFields(verification) : []),
  ]);
  note(io, `type the label ${added.label} into the provider's console as the name of this key`);
}

function verificationFields({ verdict, meaning, fix, status, errorCode }: Verification): [string, string][] {
  return [
    ['verdict', verdict],
    ['meaning', meaning],
    ...(fix === null ? [] : [['now', fix] as [string, string]]),
    ['status', orDash(status)],
    ...(errorCode === null ? [] : [['code', errorCode] as [string, string]]),
  ];
}

function orAny(value: string | null): string {
  return value ?? 'any';
}
