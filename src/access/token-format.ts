/**
 * The text of an access token: `sallyp_<type><id12>_<secret32><crc6>` (docs/spec/token.md). The checksum lets scanners and this gateway
 * tell a token from a look-alike offline; it proves nothing about validity.
 */
import { crc32 } from 'node:zlib';
import { toBase62 } from '../core/base62.ts';
import { randomBase62 } from '../core/ids.ts';

export const TOKEN_TYPES = { s: 'service', p: 'personal', c: 'ci', a: 'agent', m: 'admin' } as const;
export type TokenType = (typeof TOKEN_TYPES)[keyof typeof TOKEN_TYPES];

export interface TokenParts {
  readonly type: TokenType;
  /** The public handle: safe in logs, lists and the audit journal. */
  readonly id: string;
  readonly secret: string;
}

const SHAPE = /^sallyp_([spcam])([0-9A-Za-z]{12})_([0-9A-Za-z]{32})([0-9A-Za-z]{6})$/;

function checksum(text: string): string {
  return toBase62(crc32(text), 6);
}

function letterOf(type: TokenType): string {
  for (const [letter, name] of Object.entries(TOKEN_TYPES)) if (name === type) return letter;
  throw new TypeError('unknown token type');
}

/** A new token: 71 bits of id, 190 bits of secret. */
export function newToken(type: TokenType): TokenParts & { readonly text: string } {
  const id = randomBase62(12);
  const secret = randomBase62(32);
  const body = `sallyp_${letterOf(type)}${id}_${secret}`;
  return { type, id, secret, text: `${body}${checksum(body)}` };
}

/** The parts of a well-formed token with a right checksum; null for anything else. Looks nothing up. */
export function parseToken(text: string): TokenParts | null {
  const match = SHAPE.exec(text);
  if (!match) return null;
  const [, letter, id, secret, crc] = match;
  if (letter === undefined || id === undefined || secret === undefined) return null;
  if (checksum(text.slice(0, -6)) !== crc) return null;
  return { type: TOKEN_TYPES[letter as keyof typeof TOKEN_TYPES], id, secret };
}
