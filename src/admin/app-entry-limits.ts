/**
 * How much an application may put on record: entries a minute and bytes a day, of each token by itself. Entries of applications are the
 * least important ones, and they must not fill the disk that calls need.
 */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** A year of it is 12 GB. */
export const MAX_BYTES_PER_DAY = 32 * 1024 * 1024;

interface Account {
  /** Entries that may be written now; grows back evenly. */
  tokens: number;
  atMs: number;
  bytes: number;
  dayFromMs: number;
}

export class AppEntryLimits {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #perMinute: number;
  /** By principal: as many as there are admin tokens. */
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, perMinute: number) {
    this.#clock = clock;
    this.#perMinute = perMinute;
  }

  /** Counts one entry of `bytes`. Throws `limit.rate` when the principal has written too much; then nothing is counted. */
  admit(principal: string, bytes: number): void {
    const nowMs = this.#clock.monotonicMs();
    const account = this.#accounts.get(principal) ?? this.#open(principal, nowMs);
    const grown = ((nowMs - account.atMs) * this.#perMinute) / MINUTE_MS;
    account.tokens = Math.min(this.#perMinute, account.tokens + grown);
    account.atMs = nowMs;
    if (nowMs - account.dayFromMs >= DAY_MS) Object.assign(account, { bytes: 0, dayFromMs: nowMs });
    if (account.tokens < 1) {
      const waitMs = ((1 - account.tokens) * MINUTE_MS) / this.#perMinute;
      throw tooMuch(`More than ${this.#perMinute} entries a minute of one token are not taken.`, waitMs);
    }
    if (account.bytes + bytes > MAX_BYTES_PER_DAY) {
      const waitMs = account.dayFromMs + DAY_MS - nowMs;
      throw tooMuch('More than 32 MB of entries a day of one token are not taken.', waitMs);
    }
    account.tokens -= 1;
    account.bytes += bytes;
  }

  #open(principal: string, nowMs: number): Account {
    const account = { tokens: this.#perMinute, atMs: nowMs, bytes: 0, dayFromMs: nowMs };
    this.#accounts.set(principal, account);
    return account;
  }
}

function tooMuch(message: string, waitMs: number): SallyportError {
  return new SallyportError('limit.rate', message, {
    fix: 'Write fewer and larger facts, or raise SALLYPORT_AUDIT_WRITES_PER_MINUTE.',
    retryable: true,
    retryAfterSeconds: Math.ceil(waitMs / 1000),
  });
}
