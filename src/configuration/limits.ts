/**
 * `limits`: of teams and provider keys. Requests per minute and concurrency of a team are in its policy, so that each has one place.
 * Limits of tokens are not in the document, as tokens are not.
 */
import { z } from 'zod';
import { MAX_RPD } from '../ledger/day-counts.ts';
import { MAX_QUEUE_WEIGHT } from '../ledger/limits.ts';
import { MAX_LIMIT } from '../ledger/rates.ts';
import { MAX_TPM } from '../ledger/token-rates.ts';
import { UTC } from '../ledger/zone.ts';
import type { Document } from './document.ts';
import { queueField, queueItem, type QueueItem, queuePolicy, tidyQueue, zone, zoneField } from './fields.ts';
import { type Conflict, defineSection } from './section.ts';

const most = (limit: number) => z.int().min(0).max(limit).nullable();

const limit = z.strictObject({
  rateLimitRPM: most(MAX_LIMIT)
    .optional()
    .describe("Of a key: requests in any 60 seconds. A team's is in teams."),
  rateLimitTPM: most(MAX_TPM)
    .default(null)
    .describe('Tokens, prompt and output, in any 60 seconds; null: no limit.'),
  rateLimitRPD: most(MAX_RPD).default(null).describe('Requests of a day; null: no limit.'),
  concurrency: most(MAX_LIMIT).optional().describe("Of a key: calls at the same time. A team's is in teams."),
  zone: zoneField.describe('Where a day begins.'),
  queue: queueField.describe('Of a team: how its calls may wait for their turn; null: not at all.'),
  queueWeight: z
    .int()
    .min(1)
    .max(MAX_QUEUE_WEIGHT)
    .default(1)
    .describe('Of a team: its turns for each one of a team of weight 1.'),
});

const NAME = '[A-Za-z0-9][A-Za-z0-9._-]{0,62}';
const subject = z
  .string()
  .regex(
    new RegExp(`^(?:team|key):${NAME}$`),
    'limits are those of a team or key: write team:TEAM or key:KEY',
  );

export const limitsSchema = z
  .record(subject, limit.nullable())
  .describe('Limits by whose they are, such as team:chat or key:groq.');

interface LimitItem {
  readonly rateLimitRPM?: number | null;
  readonly rateLimitTPM: number | null;
  readonly rateLimitRPD?: number | null;
  readonly concurrency?: number | null;
  readonly zone?: string;
  readonly queue?: QueueItem;
  readonly queueWeight?: number;
  readonly [field: string]: unknown;
}

const NO_KEY_LIMITS = { rateLimitRPM: null, rateLimitTPM: null, concurrency: null };
const NO_TEAM_LIMITS = { rateLimitTPM: null, rateLimitRPD: null, zone: UTC, queue: null, queueWeight: 1 };
const DEFAULTS: Readonly<Record<string, unknown>> = { ...NO_KEY_LIMITS, ...NO_TEAM_LIMITS };

export const limits = defineSection<LimitItem>({
  key: 'limits',
  noun: 'limits of',
  blank: { ...NO_KEY_LIMITS, ...NO_TEAM_LIMITS },
  read: async (contract) => {
    const { limits: all } = await contract.call('limit.list');
    const items = all
      .filter(({ subject: of }) => !of.startsWith('token:'))
      .map(
        ({ subject: of, queue, ...one }) => [of, itemOf(of, { ...one, queue: queueItem(queue) })] as const,
      );
    return new Map(items.filter(([, item]) => !isNone(item)));
  },
  wanted: ({ limits: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, written]) => {
      const said = limit.parse(written ?? {});
      const item = itemOf(id, { ...said, zone: zone(said.zone), queue: tidyQueue(said.queue) });
      const tidy = isNone(item) && item.zone !== undefined ? { ...item, zone: UTC } : item;
      return [id, { item: tidy, path: ['limits', id] }] as const;
    });
    return new Map(entries);
  },
  check: foreignFields,
  describe: (items) => ({
    limits: Object.fromEntries(
      [...items].map(([id, item]) => [
        id,
        Object.fromEntries(Object.entries(item).filter(([field, value]) => value !== DEFAULTS[field])),
      ]),
    ),
  }),
  put: (contract, id, { queue, ...item }) =>
    contract.call('limit.set', {
      body: { subject: id, ...item, ...(queue === undefined ? {} : { queue: queuePolicy(queue) }) },
    }),
  references: (id) => {
    const [kind, name = ''] = id.split(':');
    return [{ section: kind === 'team' ? 'teams' : 'keys', id: name }];
  },
});

/** Of a team or a key, what it has. */
function itemOf(id: string, one: z.infer<typeof limit>): LimitItem {
  const { rateLimitRPM = null, rateLimitTPM, concurrency = null, rateLimitRPD, queue, queueWeight } = one;
  return id.startsWith('key:')
    ? { rateLimitRPM, rateLimitTPM, concurrency }
    : { rateLimitTPM, rateLimitRPD, zone: one.zone, queue, queueWeight };
}

/** A zone alone limits nothing. */
function isNone(item: LimitItem): boolean {
  return Object.entries(item).every(([field, value]) => field === 'zone' || value === DEFAULTS[field]);
}

function foreignFields({ limits: named }: Document): Conflict[] {
  return Object.entries(named ?? {}).flatMap(([id, written]): Conflict[] => {
    const path = ['limits', id];
    if (id.startsWith('key:')) {
      return (['rateLimitRPD', 'zone', 'queue', 'queueWeight'] as const)
        .filter((field) => written && written[field] !== DEFAULTS[field])
        .map((field) => ({
          path,
          field,
          message: `a key has no ${field}`,
          fix: 'a key has rateLimitRPM, rateLimitTPM and concurrency; the rest is for teams',
        }));
    }
    return (['rateLimitRPM', 'concurrency'] as const)
      .filter((field) => written?.[field] !== undefined)
      .map((field) => ({
        path,
        field,
        message: `the ${field} of a team is not one of its limits here`,
        fix: `write it into teams.${id.slice('team:'.length)}`,
      }));
  });
}
