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
const limit = fc.record(
  { rateLimitTPM: cap(1_000_000_000), rateLimitRPD: cap(100_000_000), zone },
  { requiredKeys: [] },
);
const budget = fc.record(
  { limitUsd: usd, zone, onCap: fc.constantFrom(...ON_CAP) },
  { requiredKeys: ['limitUsd'] },
);
const periods = fc
  .uniqueArray(fc.constantFrom(...PERIODS), { minLength: 1, maxLength: 3 })
  .chain((chosen) => fc.record(Object.fromEntries(chosen.map((period) => [period, budget]))));

const entries = <T>(keys: readonly string[], value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> =>
  fc
    .subarray([...keys])
    .chain((chosen) => fc.tuple(...chosen.map((key) => value.map((one) => [key, one] as const))))
    .map((pairs) => Object.fromEntries(pairs) as Record<string, T>);

/** As a value that JSON.stringify makes a document of. */
export const documents: fc.Arbitrary<Record<string, unknown>> = fc
  .record({ environments: names(0, 3), teams: names(1, 4), projects: names(0, 3) })
  .chain(({ environments, teams, projects }) => {
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
        limits: entries(
          teams.map((id) => `team:${id}`),
          limit,
        ),
        budgets: entries(subjects, periods),
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
