/**
 * `sallyport:allow REASON` behind a value, on the line on which the value ends, in a comment of any syntax: that value is allowed there. Without a
 * reason it allows nothing. It reaches only so far back, for that one mark cannot cover a whole file that is one line.
 */

const MARK = 'sallyport:allow';
/** From the end of the value to the mark. */
const MOST_AWAY_BYTES = 200;
const MOST_REASON_BYTES = 200;
/** What has to be there behind a value, for that its mark is seen whole; in UTF-16 it takes twice the room. */
export const MARK_REACH_BYTES = 2 * (MOST_AWAY_BYTES + MARK.length + MOST_REASON_BYTES);

const NEWLINE = 0x0a;
/** Where a comment ends, or the string that it is in. */
const ENDS = /\*\/|--!?>|--?%>|[#%]\}|%>|\\|\r|"""|'''/;

/** The reason that is given behind `end`: empty where there is a mark and no reason, null where there is no mark. */
export function markBehind(bytes: Uint8Array, end: number): string | null {
  const window = Buffer.from(
    bytes.buffer,
    bytes.byteOffset + end,
    Math.min(MARK_REACH_BYTES, bytes.length - end),
  );
  const newline = window.indexOf(NEWLINE);
  const rest = newline < 0 ? window : window.subarray(0, newline);
  // Of UTF-16, the half that says something.
  const line = rest.includes(0) ? rest.filter((byte) => byte !== 0) : rest;
  const at = Buffer.from(line).indexOf(MARK);
  if (at < 0 || at > MOST_AWAY_BYTES) return null;
  const behind = Buffer.from(
    line.subarray(at + MARK.length, at + MARK.length + MOST_REASON_BYTES),
  ).toString();
  // Part of a longer word, it is another.
  if (/^[\w-]/.test(behind)) return null;
  const reason = (behind.split(ENDS)[0] ?? '').replace(/^[\s:]+/, '').replace(/[\s"'`,;)\]}]+$/, '');
  return /[\p{L}\p{N}]{2}/u.test(reason) ? reason : '';
}
