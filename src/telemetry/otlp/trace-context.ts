/**
 * The caller's trace, from the header `traceparent` (W3C Trace Context, level 1 and 2). What is not exactly of that form is no trace: the
 * call then begins one of its own. `tracestate` is free text of the caller's and is not read; neither header goes on to a provider.
 */

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const SHAPE = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const SAMPLED = 1;
/** A later version may say more behind its flags; so long a header is none. */
const MAX_CHARS = 512;

/** Null for no header, several of them, and one that is malformed. */
export function parseTraceparent(header: string | null): TraceParent | null {
  if (header === null || header.length > MAX_CHARS) return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = SHAPE.exec(header) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

export function newTraceId(): string {
  return randomHex(32);
}

export function newSpanId(): string {
  return randomHex(16);
}

/** Random digits in store: asking for a few at a time costs ten times as much. No secret is made of them. */
const STORE_BYTES = 4096;
let store = '';
let used = 0;

function randomHex(digits: number): string {
  if (used + digits > store.length) {
    store = Buffer.from(crypto.getRandomValues(new Uint8Array(STORE_BYTES))).toString('hex');
    used = 0;
  }
  used += digits;
  return store.slice(used - digits, used);
}
