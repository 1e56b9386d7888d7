/**
 * Sums over the audit index. What counts is a row whose action is `call`: a started call counts from its start, its tokens and cost
 * from its end. Refused calls (`call.refused`) and other entries never count.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { CallMatch, UsageDimension, UsageRow } from '../audit/store.ts';
import type { Schema } from './schema.ts';
import { toNumber, wholeBigint } from './values.ts';

const GROUPS: Readonly<Record<UsageDimension, RawBuilder<string | null>>> = {
  team: sql`audit_index.team`,
  token: sql`audit_index.token_id`,
  model: sql`audit_index.model`,
  env: sql`audit_index.environment`,
  // The clear value while there is one; an erased user stays a group under the commitment.
  user: sql`coalesce(pseudonyms.value, audit_index.user_id)`,
};

type SummedColumn = 'prompt_tokens' | 'completion_tokens' | 'cost_pico_usd';

/** Usage of the calls that match with `sinceMs <= atMs < untilMs`, the most expensive group first. */
export async function usageBy(
  db: Kysely<Schema>,
  by: UsageDimension,
  sinceMs: number,
  untilMs: number,
  match: CallMatch = {},
): Promise<UsageRow[]> {
  const group = GROUPS[by];
  const calls = startedSince(db, match, sinceMs).where('at_ms', '<', wholeBigint(untilMs));
  const named =
    by === 'user'
      ? calls.leftJoin('pseudonyms', (join) =>
          join.onRef('pseudonyms.commitment', '=', 'audit_index.user_id').on('pseudonyms.kind', '=', 'user'),
        )
      : calls;
  const rows = await named
    .select((eb) => [
      group.as('group'),
      eb.fn.countAll<bigint>().as('calls'),
      sql<bigint>`count(*) filter (where audit_index.result = 'error')`.as('errors'),
      ...halves('prompt_tokens', 'prompt'),
      ...halves('completion_tokens', 'completion'),
      ...halves('cost_pico_usd', 'cost'),
    ])
    .groupBy(group)
    .execute();
  return rows
    .map((row) => ({
      group: row.group,
      calls: toNumber(row.calls),
      errors: toNumber(row.errors),
      promptTokens: joined(row.prompt_high, row.prompt_low),
      completionTokens: joined(row.completion_high, row.completion_low),
      costPicoUsd: joined(row.cost_high, row.cost_low),
    }))
    .sort(byCost);
}

/** Cost of the ended calls that match, since `sinceMs`. */
export async function spentSince(db: Kysely<Schema>, match: CallMatch, sinceMs: number): Promise<bigint> {
  const sum = await startedSince(db, match, sinceMs)
    .select(halves('cost_pico_usd', 'cost'))
    .executeTakeFirst();
  return joined(sum?.cost_high ?? 0n, sum?.cost_low ?? 0n);
}

/** How many calls that match were started from `sinceMs` to before `untilMs`. */
export async function callsBetween(
  db: Kysely<Schema>,
  match: CallMatch,
  sinceMs: number,
  untilMs: number,
): Promise<number> {
  const found = await startedSince(db, match, sinceMs)
    .where('at_ms', '<', wholeBigint(untilMs))
    .select((eb) => eb.fn.countAll<bigint>().as('calls'))
    .executeTakeFirst();
  return toNumber(found?.calls ?? 0n);
}

function startedSince(db: Kysely<Schema>, match: CallMatch, sinceMs: number) {
  let calls = db
    .selectFrom('audit_index')
    .where('action', '=', 'call')
    .where('at_ms', '>=', wholeBigint(sinceMs));
  const equal = [
    ['team', match.team],
    ['token_id', match.tokenId],
    ['project', match.project],
    ['environment', match.environment],
  ] as const;
  for (const [column, value] of equal) if (value !== undefined) calls = calls.where(column, '=', value);
  return calls;
}

/**
 * The sum of a column over ended calls, as two sums of 32 bits each: `sum()` ends at int64, which is $9.2 million, and a year of a
 * large installation is more. The halves hold for 2^31 calls.
 */
function halves<Name extends string>(column: SummedColumn, name: Name) {
  const value = sql.ref(`audit_index.${column}`);
  const ended = sql`filter (where audit_index.result is not null)`;
  return [
    sql<bigint>`coalesce(sum(${value} >> 32) ${ended}, 0)`.as(`${name}_high` as const),
    sql<bigint>`coalesce(sum(${value} & 4294967295) ${ended}, 0)`.as(`${name}_low` as const),
  ] as const;
}

function joined(high: bigint, low: bigint): bigint {
  return (high << 32n) + low;
}

function byCost(a: UsageRow, b: UsageRow): number {
  if (a.costPicoUsd !== b.costPicoUsd) return a.costPicoUsd > b.costPicoUsd ? -1 : 1;
  return (a.group ?? '') < (b.group ?? '') ? -1 : 1;
}
