/** Documents for property tests: all that may be written, in odd names and spellings too. */
import * as fc from 'fast-check';
import { BUILT_IN_ENVIRONMENTS } from '../access/teams.ts';
import { ON_CAP } from '../ledger/budget-state.ts';
import { PERIODS } from '../ledger/period.ts';

/** Some of them mean something else to JavaScript or to YAML. */
const ODD = [
  'constructor',
  'toString',
  'true',
  'null',
  '1',
  '0x10',
  '1e3',
  '12.50',
  'no',
  '2026-11-21',
  'a.b',
];
const name = fc.oneof(fc.constantFrom(...ODD), fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/));
const names = (least: number, most: number) =>
  fc.uniqueArray(name, { minLength: least, maxLength: most, selector: (one) => one.toLowerCase() });

const cents = fc.integer({ min: 1, max: 100_000_000 });
const usd = fc.oneof(
  cents.map((count) => (count / 100).toFixed(2)),
  cents.map((count) => count / 100),
  fc.constantFrom('0.000000000001', '1000000', '1.10', 0.1),
);
const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'europe/berlin', 'America/New_York', 'Asia/Kolkata');
const cap = (most: number) => fc.option(fc.integer({ min: 0, max: most }), { nil: null });
const models = fc.uniqueArray(fc.constantFrom('*', 'openai/gpt-oss-*', 'openai/gpt-oss-20b', 'a:b@1+c'), {
  maxLength: 3,
});

const team = fc.record(
  {
    allowedModels: models,
    maxTokensPerRequest: cap(10_000_000),
    monthlyBudgetUsd: usd,
    rateLimitRPM: cap(1_000_000),
    concurrency: cap(100_000),
  },
  { requiredKeys: [] },
);
const wait = fc.constantFrom('20s', '1m', '60s', '1500ms', '60000ms', '300s');
const queue = fc.option(fc.record({ length: fc.integer({ min: 0, max: 10_000 }), wait }), { nil: null });
const rateLimitTPM = cap(1_000_000_000);
const teamLimit = fc.record(
  {
    rateLimitTPM,
    rateLimitRPD: cap(100_000_000),
    zone,
    queue,
    queueWeight: fc.integer({ min: 1, max: 100 }),
  },
  { requiredKeys: [] },
);
const keyLimit = fc.record(
  { rateLimitTPM, rateLimitRPM: cap(1_000_000), concurrency: cap(100_000) },
  { requiredKeys: [] },
);
const identifier = fc.constantFrom('org_1', 'proj-2', '12');
const over = fc.constantFrom('trim', 'refuse');
const atMost = (most: number) => fc.record({ atMost: fc.integer({ min: 1, max: most }), over });
const preset = fc.record(
  {
    summary: fc.constantFrom(
      '',
      'for the help desk',
      'a: b # c',
      "it's",
      '- x',
      'line\nbreak',
      'ü😀',
      '0.10',
      ' ',
    ),
    environment: fc.constantFrom(null, 'dev', 'prod'),
    type: fc.constantFrom('service', 'personal', 'ci', 'agent'),
    scopes: fc.subarray(['call:groq/*', 'read:*', 'write:limited']),
    oneModel: fc.boolean(),
    lifetime: fc.constantFrom(null, '90s', '24h', '1d', '1500ms', '30d'),
    bounds: fc.record(
      {
        models: fc.record({ only: fc.constantFrom(['m'], ['a/b', 'c']), over }),
        messages: atMost(10_000),
        text: atMost(10_000_000),
        roles: fc.record({ only: fc.constantFrom(['user'], ['user', 'assistant']), over }),
        output: atMost(10_000_000),
        tools: over,
      },
      { requiredKeys: [] },
    ),
    rateLimitRPM: cap(1_000_000),
    concurrency: cap(1_000_000),
    queue,
    budget: fc.option(
      fc.record(
        { limitUsd: usd, period: fc.constantFrom(...PERIODS), onCap: fc.constantFrom(...ON_CAP) },
        { requiredKeys: ['limitUsd'] },
      ),
      { nil: null },
    ),
  },
  { requiredKeys: [] },
);
const budget = fc.record(
  { limitUsd: usd, zone, onCap: fc.constantFrom(...ON_CAP) },
  { requiredKeys: ['limitUsd'] },
);
const periods = fc
  .uniqueArray(fc.constantFrom(...PERIODS), { minLength: 1, maxLength: 3 })
  .chain((chosen) => fc.record(Object.fromEntries(chosen.map((period) => [period, budget]))));

const word = fc.constantFrom('company', 'tone', 'constructor');
const template = fc
  .uniqueArray(fc.record({ name: word, value: fc.constantFrom('Acme: "x"', '', '{{tone}}') }), {
    maxLength: 3,
    selector: ({ name: of }) => of,
  })
  .chain((variables) =>
    fc.record(
      {
        text: fc
          .constantFrom(
            'You help.',
            'line\n  two\n\n# three: "4"\n',
            '- x\t',
            "it's\r\n",
            `  ${'word '.repeat(60)}\n\n  ${'wörd\u00a0'.repeat(40)} \n`,
            '\n\n',
          )
          .map((text) => text + variables.map(({ name: of }) => `{{${of}}}`).join(' ')),
        variables: fc.constant(Object.fromEntries(variables.map(({ name: of, value }) => [of, value]))),
        client: fc.constantFrom('refuse', 'demote', 'allow'),
        injection: fc.constantFrom('allow', 'flag', 'filter', 'block'),
        summary: fc.constantFrom('', 'x'),
      },
      { requiredKeys: ['text', 'variables'] },
    ),
  );
const fromEnv = fc.constantFrom({ fromEnv: 'ALERT_ANY_URL' }, { fromEnv: 'ALERT_2' });
const told = (teams: readonly string[]) => ({
  events: fc.constantFrom(['*'], ['budget.*'], ['key.age', 'disk.low'], ['key.age', 'key.age']),
  team: fc.constantFrom(null, ...teams),
});
const mail = fc.record(
  {
    host: fc.constantFrom('smtp.example.org', 'SMTP.example.org'),
    port: fc.constantFrom(25, 465, 587),
    tls: fc.constantFrom('starttls', 'implicit'),
    from: fc.constant('sallyport@example.org'),
    to: fc.constantFrom(['a@example.org'], ['a@example.org', 'b@example.org']),
  },
  { requiredKeys: ['host', 'from', 'to'] },
);
const login = fc.constantFrom({}, { user: 'u', password: { fromEnv: 'ALERT_ANY_PASSWORD' } });
const alert = (teams: readonly string[]) =>
  fc.oneof(
    fc.record(
      { type: fc.constantFrom('slack', 'webhook'), url: fromEnv, ...told(teams) },
      { requiredKeys: ['type', 'url'] },
    ),
    fc.record(
      {
        type: fc.constant('email'),
        mail: fc.tuple(mail, login).map(([server, user]) => Object.assign(server, user)),
        ...told(teams),
      },
      { requiredKeys: ['type', 'mail'] },
    ),
  );

/** Every variable that a document may name. */
export const ENV: Readonly<Record<string, string>> = new Proxy(
  {},
  {
    get: (_, name) => (/password$/i.test(String(name)) ? 'a-password' : 'https://hooks.slack.com/services/x'),
  },
);

const entries = <T>(keys: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc
    .subarray([...keys])
    .chain((chosen) => fc.tuple(...chosen.map((key) => value.map((one) => [key, one] as const))))
    .map((pairs) => Object.fromEntries(pairs) as Record<string, T>);

/** As a value that JSON.stringify makes a document of. */
export const documents: fc.Arbitrary<Record<string, unknown>> = fc
  .record({
    environments: names(0, 3),
    teams: names(1, 4),
    projects: names(0, 3),
    keys: names(0, 3).map((all) => all.map((one) => one.toLowerCase())),
    presets: names(0, 2).map((all) => all.map((one) => `own-${one}`)),
    templates: names(1, 2).map((all) => all.map((one) => `own-${one}`)),
  })
  .chain(({ environments, teams, projects, keys, presets, templates }) => {
    const binding = fc.record(
      {
        template: fc.constantFrom(...templates),
        version: fc.constantFrom(null, 1),
        client: fc.constantFrom(null, 'demote'),
        injection: fc.constantFrom(null, 'block'),
      },
      { requiredKeys: ['template'] },
    );
    const key = fc.record(
      {
        provider: fc.constantFrom('groq', 'openai'),
        origin: fc.constantFrom('https://api.groq.com', 'https://gateway.example.com'),
        team: fc.constantFrom(null, ...teams),
        environment: fc.constantFrom(null, ...environments, 'prod'),
        purpose: fc.constantFrom(null, 'main'),
        providerOrganization: identifier,
        providerProject: identifier,
        state: fc.constantFrom('active', 'disabled'),
      },
      { requiredKeys: ['provider'] },
    );
    const everywhere = [...environments, ...BUILT_IN_ENVIRONMENTS];
    const subjects = [
      'org',
      ...teams.map((id) => `team:${id}`),
      ...projects.map((id) => `project:${id}`),
      ...teams.flatMap((id) => everywhere.map((environment) => `env:${id}/${environment}`)).slice(0, 4),
    ];
    return fc
      .record({
        environments: fc.constant(environments),
        teams: fc
          .tuple(...teams.map(() => fc.option(team, { nil: null, freq: 10 })))
          .map((all) => Object.fromEntries(teams.map((id, index) => [id, all[index] ?? null]))),
        projects: fc
          .tuple(...projects.map(() => fc.constantFrom(...teams)))
          .map((all) => Object.fromEntries(projects.map((id, index) => [id, { team: all[index] }]))),
        keys: fc
          .tuple(...keys.map(() => key))
          .map((all) => Object.fromEntries(keys.map((id, index) => [id, all[index]]))),
        presets: entries(presets, preset),
        templates: fc
          .tuple(...templates.map(() => template))
          .map((all) => Object.fromEntries(templates.map((id, index) => [id, all[index]]))),
        bindings: entries(
          projects.map((id) => `project:${id}`),
          binding,
        ),
        limits: fc
          .tuple(
            entries(
              teams.map((id) => `team:${id}`),
              teamLimit,
            ),
            entries(
              keys.map((id) => `key:${id}`),
              keyLimit,
            ),
          )
          .map(([ofTeams, ofKeys]) => Object.assign(ofTeams, ofKeys)),
        budgets: entries(subjects, periods),
        alerts: entries(['ops', 'pager.1', 'constructor'], alert(teams)),
      })
      .map(withoutDoubleAmounts);
  });

/** An amount in a policy and another one among the budgets is a mistake, and has a test of its own. */
function withoutDoubleAmounts(document: {
  readonly teams: Readonly<Record<string, object | null>>;
  readonly budgets: Readonly<Record<string, Readonly<Record<string, object>>>>;
}): Record<string, unknown> {
  const teams = Object.entries(document.teams).map(([id, policy]) => {
    const twice = document.budgets[`team:${id}`]?.['month'] !== undefined;
    return [id, twice && policy ? { ...policy, monthlyBudgetUsd: undefined } : policy];
  });
  return { version: 1, ...document, teams: Object.fromEntries(teams) };
}
