/** `key age`, `key describe`, `key attest-spend-limit`: how well provider keys are kept, and what only people know about them. */
import type { KeyHygiene } from '../admin/hygiene-shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { shown, usd } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import { dollars, note, orDash, printFields, printJson, printTable, warn } from './output.ts';

const STAGES = { soon: 'soon due', due: 'due', overdue: 'overdue' } as const;

export const keyAge = defineCommand({
  name: 'key age',
  summary: 'Say how old the provider keys are: exit 0 if none is due to be replaced, 1 if any.',
  options: SERVER_OPTIONS,
  examples: ['sallyport key age'],
  notes: [
    'The age is that of the value in use, from the day on which it was sealed here.',
    'How old a key may get depends on its environment: SALLYPORT_ALERT_KEY_AGE_DAYS of the gateway (prod 90 days, staging 180, dev and test 365, all others 90).',
    'The same is said by alerts: two weeks before, on the day, and a month after.',
  ],
  run: async ({ values, io }) => {
    const { keys } = await AdminClient.open(values, io).call('key.hygiene');
    const due = keys.filter(isDue);
    if (values.json) printJson(io, keys);
    else {
      const rows = keys.map((key) => [
        key.name,
        key.provider,
        key.environment ?? 'any',
        key.usedIn.join(' ') || '-',
        `${key.ageDays} d`,
        `${key.cadenceDays} d`,
        key.replaceBy,
        key.stage === null ? 'young' : STAGES[key.stage],
      ]);
      const header = ['key', 'provider', 'env', 'used in', 'age', 'at most', 'replace by', 'state'];
      printTable(io, header, rows, 'there is no key in use');
      for (const { name } of due)
        note(io, `make a new one in the provider's console, then: sallyport key add ${name} --replace`);
    }
    return due.length === 0 ? EXIT.ok : EXIT.refused;
  },
});

function isDue({ stage }: KeyHygiene): boolean {
  return stage === 'due' || stage === 'overdue';
}

export const keyDescribe = defineCommand({
  name: 'key describe',
  summary: "Say which of the provider's organizations and projects a key belongs to.",
  args: ['NAME'],
  options: {
    'provider-organization': { type: 'string', value: 'ID', help: 'its organization there, or none' },
    'provider-project': { type: 'string', value: 'ID', help: 'its project there, or none' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport key describe chat-prod --provider-organization org_prod --provider-project chat'],
  notes: ['The key keeps its value. Providers tell neither to a program; both stand in their console.'],
  run: async ({ values, args: [name = ''], io }) => {
    const { 'provider-organization': organization, 'provider-project': project } = values;
    if (organization === undefined && project === undefined) {
      throw new SallyportError('input.invalid', 'nothing says what to change', {
        fix: 'add --provider-organization or --provider-project',
      });
    }
    const client = AdminClient.open(values, io);
    const key = await client.call('key.show', { params: { name } });
    const chosen = (said: string | undefined, now: string | null): string | undefined =>
      said === 'none' ? undefined : (said ?? now ?? undefined);
    const described = await client.call('key.declare', {
      body: {
        name: key.name,
        provider: key.provider,
        origin: key.origin,
        allowPrivateOrigin: key.allowPrivateOrigin ? true : undefined,
        team: key.team ?? undefined,
        environment: key.environment ?? undefined,
        purpose: key.purpose ?? undefined,
        providerOrganization: chosen(organization, key.providerOrganization),
        providerProject: chosen(project, key.providerProject),
      },
    });
    if (values.json) printJson(io, described);
    else {
      printFields(io, [
        ['key', described.name],
        ['organization', orDash(described.providerOrganization)],
        ['project', orDash(described.providerProject)],
      ]);
    }
    return EXIT.ok;
  },
});

export const keyAttestSpendLimit = defineCommand({
  name: 'key attest-spend-limit',
  summary: "Put on record which spend limit the provider's console shows for the account of a key.",
  args: ['NAME'],
  options: {
    usd: { type: 'string', value: 'X', help: 'the limit a month (needed)' },
    on: { type: 'string', value: 'DATE', help: 'the day on which you saw it, such as 2026-11-26 (needed)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport key attest-spend-limit chat-prod --usd 500 --on 2026-11-26'],
  notes: [
    'The limit at the provider is the last line: it lags, and when it is reached every key of the account stops. Budgets here are the first.',
    'It is taken as said, with your name and the date. sallyport doctor asks again after 90 days.',
  ],
  run: async ({ values, args: [name = ''], io }) => {
    if (values.usd === undefined || values.on === undefined) {
      throw new SallyportError('input.invalid', '--usd and --on are needed', {
        fix: 'open the billing page of the provider, and say what it shows and when you looked',
      });
    }
    if (!/^\d{4}-\d{2}-\d{2}$/.test(values.on) || Number.isNaN(Date.parse(values.on))) {
      throw new SallyportError('input.invalid', `--on: ${shown(values.on)} is no date`, {
        fix: 'write it like 2026-11-26',
      });
    }
    const attested = await AdminClient.open(values, io).call('key.attest', {
      params: { name },
      body: { limitPicoUsd: usd('--usd', values.usd).toString(), on: values.on },
    });
    if (values.json) printJson(io, attested);
    else
      printFields(io, [
        ['key', name],
        ['spend limit', `${dollars(attested.limitPicoUsd)} a month`],
        ['seen on', attested.attestedOn],
        ['by', attested.attestedBy],
      ]);
    if (io.wallMs() - Date.parse(attested.attestedOn) > 90 * 86_400_000)
      warn(io, 'that was more than 90 days ago: it may have been changed since');
    return EXIT.ok;
  },
});
