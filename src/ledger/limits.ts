/**
 * All limits of rate on a call's path, checked together before any of them counts the call. Requests per minute and concurrency belong to
 * the team's policy and to the token; tokens per minute, requests per day, all limits of a provider key, and who may wait for his turn are
 * records of their own (`limit`), one a subject.
 */
import { z } from 'zod';
import type { CallMatch } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import type { RecordBook, StoredRecord } from '../records/records.ts';
import { DayCounts, MAX_RPD, type OpenDay } from './day-counts.ts';
import { MAX_LIMIT, RateLimits, type RateState, type SubjectLimits, tighter } from './rates.ts';
import { callsOf } from './subjects.ts';
import { MAX_TPM, TokenRates } from './token-rates.ts';
import { checkZone, isZone, UTC } from './zone.ts';

export interface LimitsDeps {
  readonly clock: Clock;
  readonly records: RecordBook;
  /** How many calls that match were started from `sinceMs` to before `untilMs`. */
  readonly callsBetween: (calls: CallMatch, sinceMs: number, untilMs: number) => Promise<number>;
}

/** A call that was let in. */
export interface Admission {
  /** It is on record now, and counts for its day whatever becomes of it. */
  started(): void;
  /** What it really used, instead of what it could have used. */
  settle(tokens: number): void;
  /** Gives its slot back, and all that it counted with if it was never started. Only the first call has an effect. */
  release(): void;
}

/** The tightest limits on a path, for `x-ratelimit-*` headers. */
export interface RateStates {
  readonly requests: RateState | null;
  readonly tokens: RateState | null;
}

export interface LimitChange {
  readonly rateLimitTPM?: number | null;
  readonly rateLimitRPD?: number | null;
  /** Of a provider key only: teams and tokens keep theirs elsewhere. */
  readonly rateLimitRPM?: number | null;
  readonly concurrency?: number | null;
  readonly queue?: QueuePolicy | null;
  readonly queueWeight?: number;
  /** Where a day begins. A new record without it is in UTC. */
  readonly zone?: string;
}

/** How calls that are over a limit of rate may wait for their turn, instead of being refused. */
export const queuePolicySchema = z.strictObject({
  /** Calls that may wait at once; 0: none. */
  length: z.int().min(0).max(10_000),
  /** How long after its arrival a call may still wait. */
  waitMs: z.int().min(1).max(300_000),
});
export type QueuePolicy = z.infer<typeof queuePolicySchema>;

/** Turns of a team for each one of a team of weight 1. */
export const MAX_QUEUE_WEIGHT = 100;

/** What stands for a provider key on a call's path. */
export function keySubject(slot: string): string {
  return `key:${slot}`;
}

const limitBody = z.strictObject({
  subject: z.string().regex(/^(?:team|token|key):[A-Za-z0-9._-]{1,63}$/),
  rateLimitTPM: z.int().min(0).max(MAX_TPM).nullable(),
  rateLimitRPD: z.int().min(0).max(MAX_RPD).nullable(),
  // Records from before there were queues have none of these.
  rateLimitRPM: z.int().min(0).max(MAX_LIMIT).nullable().default(null),
  concurrency: z.int().min(0).max(MAX_LIMIT).nullable().default(null),
  queue: queuePolicySchema.nullable().default(null),
  queueWeight: z.int().min(1).max(MAX_QUEUE_WEIGHT).default(1),
  zone: z.string().refine(isZone, 'this runtime does not know the time zone'),
});
export type LimitBody = z.infer<typeof limitBody>;

export interface LimitView extends LimitBody {
  /** Counted for the daily limit so far, and when the day ends; null without that limit. */
  readonly today: { readonly count: number; readonly endMs: number } | null;
}

export class Limits {
  readonly #deps: LimitsDeps;
  readonly #rates: RateLimits;
  readonly #tokens: TokenRates;
  readonly #days: DayCounts;
  readonly #known = new Map<string, LimitBody>();
  /** Days whose earlier calls are not counted yet. */
  readonly #open = new Map<string, OpenDay>();
  /** Provider keys that have a limit. */
  readonly #keys = new Set<string>();
  #freed: () => void = () => undefined;

  /** Throws `config.invalid` for a limit record that this version does not understand. */
  constructor(deps: LimitsDeps) {
    this.#deps = deps;
    this.#rates = new RateLimits(deps.clock);
    this.#tokens = new TokenRates(deps.clock);
    this.#days = new DayCounts(deps.clock);
    deps.records.subscribe('limit', (record) => this.#load(record));
  }

  /** Requests per minute and concurrency, from where they are kept. See `RateLimits.setSubjectLimits`. */
  setSubjectLimits(subject: string, limits: SubjectLimits): void {
    this.#rates.setSubjectLimits(subject, limits);
  }

  /** `listener` runs whenever a call gives back what another one may be waiting for. */
  onFreed(listener: () => void): void {
    this.#freed = listener;
  }

  /** The limits of a call that this key pays for: those of its path, and the key's own, which all its callers share. */
  withKey(subjects: readonly string[], slot: string): readonly string[] {
    if (this.#keys.size === 0) return subjects;
    const key = keySubject(slot);
    return this.#keys.has(key) ? [...subjects, key] : subjects;
  }

  /** Of the token, else of the team; null when its calls do not wait. */
  queueOf(
    tokenId: string,
    team: string,
  ): { readonly subject: 'token' | 'team'; readonly policy: QueuePolicy } | null {
    const own = this.#known.get(`token:${tokenId}`)?.queue;
    if (own) return own.length === 0 ? null : { subject: 'token', policy: own };
    const shared = this.#known.get(`team:${team}`)?.queue;
    return shared && shared.length > 0 ? { subject: 'team', policy: shared } : null;
  }

  queueWeightOf(team: string): number {
    return this.#known.get(`team:${team}`)?.queueWeight ?? 1;
  }

  /** The first limit that holds a call up, or null. */
  stoppedBy(subjects: readonly string[], tokens: number): string | null {
    return subjects.find((subject) => this.refusal([subject], tokens) !== null) ?? null;
  }

  /** What `admit` would throw for a call that may use so many tokens; null when it would let it in. */
  refusal(subjects: readonly string[], tokens: number): SallyportError | null {
    return (
      this.#days.refusal(subjects) ?? this.#tokens.refusal(subjects, tokens) ?? this.#rates.refusal(subjects)
    );
  }

  /**
   * Counts a call against every limit, or against none. Throws `limit.rate`, `limit.tokens`, `limit.too_large` or `limit.concurrency`, which
   * name the subject and, where waiting helps, the time. The caller must release the admission when the call is over.
   */
  admit(subjects: readonly string[], tokens: number): Admission {
    const refused = this.#days.refusal(subjects) ?? this.#tokens.refusal(subjects, tokens);
    if (refused) throw refused;
    const giveSlots = this.#rates.admit(subjects);
    const settle = this.#tokens.take(subjects, tokens);
    const uncount = this.#days.take(subjects);
    let started = false;
    let over = false;
    return {
      started: () => {
        started = true;
      },
      settle,
      release: () => {
        if (over) return;
        over = true;
        giveSlots();
        if (!started) {
          settle(0);
          uncount();
        }
        this.#freed();
      },
    };
  }

  states(subjects: readonly string[]): RateStates {
    return {
      requests: tighter(this.#rates.tightest(subjects), this.#days.tightest(subjects)),
      tokens: this.#tokens.tightest(subjects),
    };
  }

  /** Forgets what is idle. The caller ticks, every few seconds. */
  sweep(): void {
    this.#rates.sweep();
    this.#tokens.sweep();
  }

  /** Changes the given limits of a team or token; in force when this resolves. Throws `input.invalid`, or what RecordBook.change throws. */
  async set(principal: string, subject: string, change: LimitChange): Promise<LimitView> {
    const zone = change.zone === undefined ? undefined : checkZone(change.zone);
    await this.#deps.records.change('limit.set', principal, () => {
      const current = this.#known.get(subject) ?? noLimits(subject);
      const body = checkBody({ ...current, ...change, zone: zone ?? current.zone });
      return [{ kind: 'limit', id: subject, body }];
    });
    await this.countToday();
    return this.view(subject);
  }

  /**
   * Adds the earlier calls of this day to limits that are new. Call once after the replay, with no end: before the first call is admitted,
   * every call that the index has is an earlier one, also if its clock was ahead.
   */
  async countToday(untilMs?: number): Promise<void> {
    for (const [subject, day] of this.#open) {
      this.#open.delete(subject);
      try {
        day.add(await this.#deps.callsBetween(callsOf(subject), day.sinceMs, untilMs ?? day.untilMs));
      } catch (error) {
        this.#open.set(subject, day);
        throw error;
      }
    }
  }

  view(subject: string): LimitView {
    return { ...(this.#known.get(subject) ?? noLimits(subject)), today: this.#days.view(subject) };
  }

  #load(record: StoredRecord): void {
    const parsed = limitBody.safeParse(record.body);
    if (!parsed.success || parsed.data.subject !== record.id) {
      throw new SallyportError(
        'config.invalid',
        `The limit record "${record.id}" is not one that this version understands.`,
        {
          fix: 'Start the version of Sallyport that wrote it.',
          ...(parsed.error && { detail: z.prettifyError(parsed.error) }),
        },
      );
    }
    const { subject, rateLimitTPM, rateLimitRPD, rateLimitRPM, concurrency, zone } = parsed.data;
    this.#known.set(subject, parsed.data);
    if (subject.startsWith('key:')) {
      this.#rates.setSubjectLimits(subject, { rateLimitRpm: rateLimitRPM, concurrency });
      if ([rateLimitTPM, rateLimitRPM, concurrency].every((limit) => limit === null))
        this.#keys.delete(subject);
      else this.#keys.add(subject);
    }
    this.#tokens.setLimit(subject, rateLimitTPM);
    const day = this.#days.setLimit(subject, rateLimitRPD, zone);
    if (day) this.#open.set(subject, day);
  }
}

function noLimits(subject: string): LimitBody {
  return {
    subject,
    rateLimitTPM: null,
    rateLimitRPD: null,
    rateLimitRPM: null,
    concurrency: null,
    queue: null,
    queueWeight: 1,
    zone: UTC,
  };
}

/** What cannot be read back must never be stored: the next start would stop at it. */
function checkBody(body: LimitBody): LimitBody {
  const isKey = body.subject.startsWith('key:');
  if (isKey && (body.rateLimitRPD !== null || body.queue !== null || body.queueWeight !== 1)) {
    throw new SallyportError(
      'input.invalid',
      'A provider key has no daily limit of requests, and no queue.',
      {
        fix: 'Set them for a team or a token.',
      },
    );
  }
  if (!isKey && (body.rateLimitRPM !== null || body.concurrency !== null))
    throw new TypeError('Requests per minute and concurrency of teams and tokens are kept elsewhere.');
  if (!body.subject.startsWith('team:') && body.queueWeight !== 1) {
    throw new SallyportError('input.invalid', 'Only a team has a weight in the queue.', {
      fix: 'Set it with --team.',
    });
  }
  const parsed = limitBody.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new SallyportError('input.invalid', `The limits are not valid: ${z.prettifyError(parsed.error)}`, {
    fix: 'Limits are whole numbers, of a team or a token.',
  });
}
