/** `limits`: tokens per minute and requests per day, of teams. Requests per minute and concurrency are in the teams' policies. */
import { z } from 'zod';
import { MAX_RPD } from '../ledger/day-counts.ts';
import { MAX_TPM } from '../ledger/token-rates.ts';
import { UTC } from '../ledger/zone.ts';
import { zone, zoneField } from './fields.ts';
import { defineSection } from './section.ts';

const most = (limit: number) => z.int().min(0).max(limit).nullable().default(null);

const limit = z.strictObject({
  rateLimitTPM: most(MAX_TPM).describe('Tokens, prompt and output, in any 60 seconds; null: no limit.'),
  rateLimitRPD: most(MAX_RPD).describe('Requests of a day; null: no limit.'),
  zone: zoneField.describe('Where a day begins.'),
});
type LimitItem = z.infer<typeof limit>;

const subject = z
  .string()
  .regex(/^team:[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'limits are those of a team: write team:TEAM');

export const limitsSchema = z
  .record(subject, limit.nullable())
  .describe('Limits by whose they are, such as team:chat.');

const NONE: LimitItem = { rateLimitTPM: null, rateLimitRPD: null, zone: UTC };

export const limits = defineSection<LimitItem>({
  key: 'limits',
  noun: 'limits of',
  blank: NONE,
  read: async (contract) => {
    const { limits: all } = await contract.call('limit.list');
    const own = all.filter(
      (one) => one.subject.startsWith('team:') && (one.rateLimitTPM !== null || one.rateLimitRPD !== null),
    );
    return new Map(
      own.map(({ subject: of, rateLimitTPM, rateLimitRPD, zone: dayZone }) => [
        of,
        { rateLimitTPM, rateLimitRPD, zone: dayZone },
      ]),
    );
  },
  wanted: ({ limits: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, written]) => {
      const item = limit.parse(written ?? {});
      const none = item.rateLimitTPM === null && item.rateLimitRPD === null;
      return [id, { item: none ? NONE : { ...item, zone: zone(item.zone) }, path: ['limits', id] }] as const;
    });
    return new Map(entries);
  },
  describe: (items) => ({
    limits: Object.fromEntries(
      [...items].map(([id, item]) => [id, item.zone === UTC ? { ...item, zone: undefined } : item]),
    ),
  }),
  put: (contract, id, item) => contract.call('limit.set', { body: { subject: id, ...item } }),
  references: (id) => [{ section: 'teams', id: id.slice('team:'.length) }],
});
