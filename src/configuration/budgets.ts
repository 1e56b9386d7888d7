/**
 * `budgets`: by whose they are, then by period. A team's monthly budget may be said in its policy, here, or the amount there and the rest
 * here; it is one budget all the same. Budgets of tokens are not in the document, as tokens are not.
 */
import { z } from 'zod';
import type { BudgetShape } from '../admin/shapes.ts';
import { formatUsd } from '../core/money.ts';
import { ON_CAP } from '../ledger/budget-state.ts';
import { PERIODS } from '../ledger/period.ts';
import { UTC } from '../ledger/zone.ts';
import type { Document } from './document.ts';
import { amount, amountPicoUsd, usdField, zone, zoneField } from './fields.ts';
import { type Conflict, defineSection, type Items, type Reference, type Wanted } from './section.ts';

const budget = z.strictObject({
  limitUsd: usdField
    .optional()
    .describe("In dollars. Left out only for a team's month whose amount is its monthlyBudgetUsd."),
  zone: zoneField.describe('Whose calendar the period follows.'),
  onCap: z
    .enum(ON_CAP)
    .default('pause')
    .describe(
      'What the first refusal does: pause stops all calls until a resume, refuse only what does not fit.',
    ),
});

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,62}';
const subject = z
  .string()
  .regex(
    new RegExp(`^(?:org|(?:team|project):${NAME}|env:${NAME}/${NAME})$`),
    'a budget is that of org, team:TEAM, project:PROJECT or env:TEAM/ENVIRONMENT',
  );

export const budgetsSchema = z
  .record(subject, z.partialRecord(z.enum(PERIODS), budget).nullable())
  .describe('Budgets by whose they are (org, team:T, project:P, env:TEAM/ENV), then by period.');

interface BudgetItem {
  readonly limitUsd: string | null;
  readonly zone?: string;
  readonly onCap?: BudgetShape['onCap'];
  readonly [field: string]: unknown;
}

type WantedBudgets = Map<string, Wanted<BudgetItem>>;

export const budgets = defineSection<BudgetItem>({
  key: 'budgets',
  noun: 'budget',
  blank: { limitUsd: null, zone: UTC, onCap: 'pause' },
  read: async (contract) => {
    const { budgets: all } = await contract.call('budget.list');
    return new Map(
      all
        .filter(({ subject: of }) => !of.startsWith('token:'))
        .map((one) => [
          idOf(one.subject, one.period),
          { limitUsd: formatUsd(BigInt(one.limitPicoUsd)), zone: one.zone, onCap: one.onCap },
        ]),
    );
  },
  wanted: (document) => {
    const stated = ofPolicies(document);
    if (document.budgets === undefined && stated.size === 0) return undefined;
    return withOwn(document, stated);
  },
  check: amountsOf,
  describe,
  put: (contract, id, { limitUsd, ...rest }) => {
    const [of = '', period = ''] = id.split(' per ');
    const limitPicoUsd = amountPicoUsd(limitUsd ?? '');
    return contract.call('budget.set', {
      body: { subject: of, period: period as BudgetShape['period'], limitPicoUsd, ...rest },
    });
  },
  refuse: (id, { limitUsd }, current) => {
    if (limitUsd !== null) return undefined;
    return current
      ? { message: `the budget ${id} cannot be taken away`, fix: 'raise it, or leave the line out' }
      : undefined;
  },
  references: (id) => referencesOf(id.split(' per ')[0] ?? ''),
});

/** Every budget has one amount, and only one. */
function amountsOf(document: Document): Conflict[] {
  const stated = ofPolicies(document);
  const conflicts: Conflict[] = [];
  for (const [of, periods] of Object.entries(document.budgets ?? {})) {
    for (const [period, { limitUsd }] of Object.entries(periods ?? {})) {
      const path = ['budgets', of, period];
      const policy = stated.get(idOf(of, period))?.item.limitUsd;
      if (limitUsd === undefined && typeof policy !== 'string')
        conflicts.push({
          path,
          message: 'limitUsd is missing',
          fix: 'write the amount, such as limitUsd: "250.00"',
        });
      if (limitUsd === undefined || policy === undefined || policy === amount(limitUsd)) continue;
      conflicts.push({
        path,
        field: 'limitUsd',
        message: `the monthlyBudgetUsd of the team is another amount`,
        fix: 'leave one of them out',
      });
    }
  }
  return conflicts;
}

function idOf(of: string, period: string): string {
  return `${of} per ${period}`;
}

/** The amounts that teams have in their policies. */
function ofPolicies({ teams }: Document): WantedBudgets {
  const stated: WantedBudgets = new Map();
  for (const [team, written] of Object.entries(teams ?? {})) {
    const usd = written?.monthlyBudgetUsd;
    if (usd === undefined) continue;
    const item =
      usd === null ? { limitUsd: null } : { limitUsd: amount(usd), zone: UTC, onCap: 'pause' as const };
    stated.set(idOf(`team:${team}`, 'month'), {
      item,
      path: ['teams', team, 'monthlyBudgetUsd'],
      field: 'limitUsd',
    });
  }
  return stated;
}

function withOwn({ budgets: named }: Document, stated: WantedBudgets): WantedBudgets {
  const all: WantedBudgets = new Map(stated);
  for (const [of, periods] of Object.entries(named ?? {})) {
    for (const [period, written] of Object.entries(periods ?? {})) {
      const id = idOf(of, period);
      const limitUsd =
        written.limitUsd === undefined ? (stated.get(id)?.item.limitUsd ?? null) : amount(written.limitUsd);
      const item = { limitUsd, zone: zone(written.zone), onCap: written.onCap };
      all.set(id, { item, path: ['budgets', of, period] });
    }
  }
  return all;
}

/** A team's monthly amount goes into its policy, where people look for it. */
function describe(items: Items<BudgetItem>) {
  const teams: Record<string, object> = {};
  const own: Record<string, Record<string, object>> = {};
  for (const [id, { limitUsd, zone: calendar, onCap }] of items) {
    const [of = '', period = ''] = id.split(' per ');
    const inPolicy = of.startsWith('team:') && period === 'month';
    if (inPolicy) teams[of.slice('team:'.length)] = { monthlyBudgetUsd: limitUsd };
    const rest = {
      ...(!inPolicy && { limitUsd }),
      ...(calendar !== UTC && { zone: calendar }),
      ...(onCap !== 'pause' && { onCap }),
    };
    if (!inPolicy || Object.keys(rest).length > 0) own[of] = { ...own[of], [period]: rest };
  }
  return { teams, budgets: own };
}

function referencesOf(of: string): Reference[] {
  const [kind = '', id = ''] = of.split(':');
  if (kind === 'team') return [{ section: 'teams', id }];
  if (kind === 'project') return [{ section: 'projects', id }];
  if (kind !== 'env') return [];
  const [team = '', environment = ''] = id.split('/');
  return [
    { section: 'teams', id: team },
    { section: 'environments', id: environment },
  ];
}
