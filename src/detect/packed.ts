/** Text that is packed and then put in base64: gzip, as a release of Helm is kept, and zlib. What is cut is unpacked as far as it goes. */
import { ALPHABETS, isAt, latin1, standsAt } from './bytes.ts';
import type { OnText } from './encoded-runs.ts';
import { standsFree } from './examine.ts';
import type { Places } from './places.ts';

const BASE64 = ALPHABETS.base64.bit;
/** How each begins in base64; of zlib the second byte says how hard it tried. */
const GZIP = 'H4sI';
const ZLIB = /^e(?:J[wxyz]|N[opqr]|A[EFGH])/;
const LEAST = 40;
const CONTEXT_BYTES = 240;
const MOST_PACKED_BYTES = 4 * 1024 * 1024;

/** How much may be unpacked in all, from one text and what is inside. */
export interface UnpackBudget {
  bytes: number;
}

export const UNPACKED_BYTES = 32 * 1024 * 1024;

/** Visits what is packed, wherever in the text it begins. */
export function eachPacked(bytes: Uint8Array, places: Places, budget: UnpackBudget, visit: OnText): void {
  let next = places.from;
  for (const start of places.of('rare')) {
    if (start < next || budget.bytes <= 0) continue;
    const how = howPacked(bytes, start);
    if (how) next = visitPacked(bytes, start, places.to, how, budget, visit);
  }
}

type How = 'gunzipSync' | 'inflateSync';

function howPacked(bytes: Uint8Array, start: number): How | null {
  if (!standsFree(bytes, start) || bytes[start - 1] === PLUS || bytes[start - 1] === SLASH) return null;
  if (standsAt(bytes, start, GZIP)) return 'gunzipSync';
  return ZLIB.test(latin1(bytes, start, start + 3)) ? 'inflateSync' : null;
}

const PLUS = 0x2b;
const SLASH = 0x2f;

/** Returns where it ends. */
function visitPacked(
  bytes: Uint8Array,
  start: number,
  to: number,
  how: How,
  budget: UnpackBudget,
  visit: OnText,
): number {
  const end = endOfBase64(bytes, start, Math.min(to, start + MOST_PACKED_BYTES));
  if (end - start < LEAST) return start;
  const packed = Buffer.from(latin1(bytes, start, end).replaceAll(/[^A-Za-z0-9+/_-]/g, ''), 'base64');
  const text = unpack(how, packed, budget);
  if (text.length === 0) return start;
  const before = bytes.subarray(Math.max(0, start - CONTEXT_BYTES), start);
  visit(Buffer.concat([before, text]), start, end, () => start, before.length);
  return end;
}

/** Over line ends, with an indent, as it is written in files. */
function endOfBase64(bytes: Uint8Array, start: number, to: number): number {
  let end = start;
  for (;;) {
    while (end < to && (isAt(bytes, end, BASE64) || isAt(bytes, end, ALPHABETS.key.bit))) end += 1;
    const joint = /^(?:\r?\n[ \t]{0,32}|\\n)(?=[A-Za-z0-9+/]{20})/.exec(
      latin1(bytes, end, Math.min(to, end + 64)),
    );
    if (!joint) return end;
    end += joint[0].length;
  }
}

function unpack(how: How, packed: Buffer, budget: UnpackBudget): Buffer {
  const zlib = process.getBuiltinModule('node:zlib');
  try {
    const finishFlush = zlib.constants.Z_SYNC_FLUSH;
    const text = zlib[how](packed, { finishFlush, maxOutputLength: budget.bytes });
    budget.bytes -= text.length;
    return text;
  } catch (error) {
    // What is too large costs as much as there was.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') budget.bytes = 0;
    return Buffer.alloc(0);
  }
}
