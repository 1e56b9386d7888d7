/**
 * What the provider saw, call by call, for tests to compare with what the gateway says it sent.
 * Holds the last 50,000 provider calls (control calls under `/__fake` are not calls). Never holds a key.
 */
const KEEP = 50_000;
/** Dropping the head of a long array costs its length, so it is done in batches. */
const SLACK = 5_000;

/** One call. Times are Unix milliseconds with fractions; token counts and money are zero unless it was accepted. */
export interface CallRecord {
  readonly seq: number;
  readonly atMs: number;
  readonly method: string;
  /** Without the query string. */
  readonly path: string;
  /** Fingerprint, or null when no well-formed bearer came. */
  readonly key: string | null;
  /** The `x-request-id` the caller sent. */
  readonly requestId: string | null;
  /** Credential headers are listed with the value `[hidden]`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  readonly bodySha256: string;
  readonly model: string | null;
  readonly promptTokens: number;
  /** Billed completion tokens; while the call runs, those generated so far. */
  readonly completionTokens: number;
  /** Decimal string; "0" until the call settles. */
  readonly picoUsd: string;
  /** 0 until a response is returned. */
  readonly status: number;
  /** The client left before generation ended. */
  readonly aborted: boolean;
  /** Generation ran to its end. */
  readonly finished: boolean;
  readonly abortedAtMs: number | null;
}

/** The record while the call runs. */
export type OpenRecord = { -readonly [K in keyof CallRecord]: CallRecord[K] };

/** What is known when a call arrives. */
export type Arrival = Pick<
  CallRecord,
  'method' | 'path' | 'key' | 'requestId' | 'headers' | 'bodyBytes' | 'bodySha256'
>;

export class CallLog {
  #records: OpenRecord[] = [];
  #seq = 0;

  open(arrival: Arrival): OpenRecord {
    const record: OpenRecord = {
      seq: (this.#seq += 1),
      atMs: nowMs(),
      ...arrival,
      model: null,
      promptTokens: 0,
      completionTokens: 0,
      picoUsd: '0',
      status: 0,
      aborted: false,
      finished: false,
      abortedAtMs: null,
    };
    if (this.#records.push(record) >= KEEP + SLACK) this.#records = this.#records.slice(-KEEP);
    return record;
  }

  /** Copies, oldest first, of the calls after sequence number `after`. */
  list(after = 0): CallRecord[] {
    return this.#records
      .slice(-KEEP)
      .filter((record) => record.seq > after)
      .map(copy);
  }
}

function copy(record: CallRecord): CallRecord {
  return { ...record };
}

/** Unix time in milliseconds, finer than `Date.now()`, so that reaction times can be measured. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
