/** Random identifiers in base62. None of these is a secret unless its caller says so. */
import { randomBytes } from 'node:crypto';
import { BASE62, toBase62 } from './base62.ts';

/** `length` characters of base62, uniform: bytes that would favour the low digits are thrown away. */
export function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes((length - text.length) * 2)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62];
    }
  }
  return text;
}

const BOOT = randomBase62(10);
let callCount = 0;

/** A call's id: unique across restarts (62^10 boots), and cheap enough for the hot path. */
export function newCallId(): string {
  callCount += 1;
  return `req_${BOOT}${toBase62(callCount, 7)}`;
}
