/** The JSON shapes of alert destinations and the outbox. URLs and passwords go in and never come out; a signing secret comes out once. */
import { z } from 'zod';
import { DESTINATION_TYPES, MAIL_TLS, OUTBOX_STATES } from '../watch/terms.ts';
import { time } from './shapes.ts';

const name = z.string().min(1).max(100);
const address = z.string().min(3).max(254);
const secret = z.string().min(1).max(4096);

export const destinationRequest = z.strictObject({
  name,
  type: z.enum(DESTINATION_TYPES),
  /** Types of alerts, groups such as `budget.*`, or `*`. Left out: all. */
  events: z.array(z.string().min(1).max(40)).max(40).optional(),
  /** Only alerts about this team. */
  team: name.optional(),
  /** Permits a loopback or private address, and there plain http or mail without TLS. */
  allowPrivate: z.boolean().optional(),
  /** Of Slack and webhooks. */
  url: z.string().min(1).max(2048).optional(),
  mail: z
    .strictObject({
      host: z.string().min(1).max(253),
      port: z.int().min(1).max(65_535).optional(),
      tls: z.enum(MAIL_TLS).optional(),
      from: address,
      to: z.array(address).min(1).max(20),
      user: z.string().min(1).max(254).optional(),
      password: secret.optional(),
    })
    .optional(),
});

const destinationFields = {
  name: z.string(),
  type: z.enum(DESTINATION_TYPES),
  /** Scheme, host and port of where it leads. */
  origin: z.string(),
  events: z.array(z.string()),
  team: z.string().nullable(),
  allowPrivate: z.boolean(),
  tls: z.enum(MAIL_TLS).nullable(),
  createdAt: time,
};

export const destination = z.object({
  ...destinationFields,
  /** Alerts that are still to be sent, and those that were given up. */
  waiting: z.int(),
  undelivered: z.int(),
});
export type DestinationShape = z.infer<typeof destination>;

export const destinationDetails = z.object({
  ...destination.shape,
  /** Of mail. */
  mail: z.object({ from: z.string(), to: z.array(z.string()), user: z.string().nullable() }).nullable(),
});

export const addedDestination = z.object({
  ...destinationFields,
  /** A webhook's signing secret: in this answer and nowhere afterwards. */
  secret: z.string().nullable(),
});

/** Of what it is told; what is left out stays as it is. */
export const destinationChange = z.strictObject({
  events: z.array(z.string().min(1).max(40)).max(40).optional(),
  team: name.nullable().optional(),
});
export const changedDestination = z.object(destinationFields);

export const removedDestination = z.object(destinationFields);

export const secretRotation = z.strictObject({
  /** Slack: the new URL. Mail: the new password. Webhooks: left out, the new secret is made here. */
  value: secret.optional(),
  /** How long a webhook is signed with the old secret too. Default a day; 0 ends it at once. */
  overlapMs: z.int().min(0).max(2_592_000_000).optional(),
});

export const trial = z.object({
  delivered: z.boolean(),
  error: z.string().nullable(),
  /** Of the message. */
  alert: z.string(),
});

export const outboxFilter = z.strictObject({
  state: z.enum(OUTBOX_STATES).optional(),
  destination: name.optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional(),
});

export const outboxItem = z.object({
  /** The id that receivers get. */
  alert: z.string(),
  destination: z.string(),
  type: z.string(),
  timestamp: time,
  state: z.enum(OUTBOX_STATES),
  attempts: z.int(),
  /** Null when it waits for nothing. */
  nextTryAt: time.nullable(),
  settledAt: time.nullable(),
  error: z.string().nullable(),
  summary: z.string(),
});
export type OutboxItemShape = z.infer<typeof outboxItem>;
