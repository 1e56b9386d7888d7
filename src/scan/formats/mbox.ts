/** Cuts a mailbox into its messages, which begin with a line `From ADDRESS DATE` behind an empty line or at the start. */

const START = Buffer.from('\nFrom ');
/** `From a@b Mon Jan  2 03:04:05 2026`, also `From - ...`. */
const FIRST_LINE = /^From \S+ .*\d{2}:\d{2}.*\d{4}/;
const LONGEST_FIRST_LINE = 300;

export function isMailbox(bytes: Uint8Array): boolean {
  return isStart(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0);
}

function isStart(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== 0x46 || bytes[at + 1] !== 0x72) return false;
  const line = bytes.toString('latin1', at, at + LONGEST_FIRST_LINE).split('\n', 1)[0] ?? '';
  return FIRST_LINE.test(line);
}

/** Each message without its first line, from the start of the bytes on. */
export function* messagesOf(bytes: Buffer): Generator<Buffer> {
  let start = 0;
  while (start < bytes.length) {
    const next = nextStart(bytes, start + 1);
    const lineEnd = bytes.indexOf(0x0a, start);
    yield bytes.subarray(lineEnd < 0 || lineEnd > next ? next : lineEnd + 1, next);
    start = next;
  }
}

function nextStart(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(START, from); at >= 0; at = bytes.indexOf(START, at + 1)) {
    const afterEmptyLine = bytes[at - 1] === 0x0a || (bytes[at - 1] === 0x0d && bytes[at - 2] === 0x0a);
    if (afterEmptyLine && isStart(bytes, at + 1)) return at + 1;
  }
  return bytes.length;
}
