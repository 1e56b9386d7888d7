/**
 * A second implementation of docs/spec/token.md, written from the page alone, and the maker of token.json. Tokens are kept in parts, so
 * that no text in this repository has the form of one.
 * Rewrite the file: `bun test/vectors/token-vectors.ts`, then format it.
 */
import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LETTERS = { service: 's', personal: 'p', ci: 'c', agent: 'a', admin: 'm' } as const;

export interface ValidToken {
  readonly name: string;
  readonly type: keyof typeof LETTERS;
  readonly id: string;
  /** Joined: the secret. */
  readonly secretParts: readonly string[];
  readonly checksum: string;
  /** What is stored: term (4 bytes) and HMAC, under the pepper below. */
  readonly verifierHex: string;
  /** What is stored behind it: recognises the text by its hash. */
  readonly sightingHex: string;
}

export interface RefusedToken {
  readonly class: string;
  readonly name: string;
  /** Joined: the text that is refused. */
  readonly parts: readonly string[];
}

export interface TokenVectors {
  readonly pepperHex: string;
  readonly term: number;
  readonly valid: readonly ValidToken[];
  readonly refused: readonly RefusedToken[];
}

/** The text of a valid vector. */
export function textOf(token: ValidToken): string {
  return `sallyp_${LETTERS[token.type]}${token.id}_${token.secretParts.join('')}${token.checksum}`;
}

/** CRC-32 (reflected, polynomial 0xEDB88320), bit by bit. */
function crc32(text: string): number {
  let crc = 0xffff_ffff;
  for (const byte of Buffer.from(text, 'ascii')) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

export function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < 6; place += 1) {
    text = (ALPHABET[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

export function verifierOf(pepperHex: string, term: number, id: string, secret: string): string {
  return tagOf(pepperHex, term, ['token.v1', id, secret]);
}

export function sightingOf(pepperHex: string, term: number, id: string, text: string): string {
  const hash = createHash('sha256').update('sallyport.leak.token.v1').update('\n').update(text).digest();
  return tagOf(pepperHex, term, ['token.sighting.v1', id, hash]);
}

function tagOf(pepperHex: string, term: number, texts: readonly (string | Buffer)[]): string {
  const fields = texts.map((field) => (typeof field === 'string' ? Buffer.from(field, 'utf8') : field));
  const encoded = fields.flatMap((field) => [Buffer.from([0, 0, 0, field.length]), field]);
  const prefix = term.toString(16).padStart(8, '0');
  const mac = createHmac('sha256', Buffer.from(pepperHex, 'hex')).update(Buffer.concat(encoded));
  return prefix + mac.digest('hex');
}

const PEPPER = Buffer.from(Array.from({ length: 32 }, (_, index) => (index * 7 + 3) & 0xff)).toString('hex');
const TERM = 3;

/** `text` in pieces that are too short for a scanner to take them for a secret. */
function pieces(text: string): string[] {
  return text.match(/[\s\S]{1,8}/g) ?? [];
}

function valid(name: string, type: keyof typeof LETTERS, id: string, secret: string): ValidToken {
  const checksum = checksumOf(`sallyp_${LETTERS[type]}${id}_${secret}`);
  const verifierHex = verifierOf(PEPPER, TERM, id, secret);
  const token = { name, type, id, secretParts: pieces(secret), checksum, verifierHex, sightingHex: '' };
  return { ...token, sightingHex: sightingOf(PEPPER, TERM, id, textOf(token)) };
}

function refused(kind: string, name: string, text: string): RefusedToken {
  return { class: kind, name, parts: pieces(text) };
}

/** Every class of the specification, made from the valid vectors. */
export function makeTokenVectors(): TokenVectors {
  const ids = ['Ab3dEf6hIj9k', '000000000000', 'zzzzzzzzzzzz', 'ci0ci0ci0ci0', 'Q7w8E9r0T1y2'];
  const secret = (step: number): string =>
    Array.from({ length: 32 }, (_, index) => ALPHABET[(index * step + step) % 62]).join('');
  const types = Object.keys(LETTERS) as (keyof typeof LETTERS)[];
  const list = types.map((type, index) =>
    valid(`type ${type}`, type, ids[index] ?? '', secret(2 * index + 5)),
  );
  // A checksum below 62^5 begins with a zero, which has to be there.
  for (let step = 1; ; step += 1) {
    const padded = valid('a checksum that begins with a zero', 'service', 'PaddedPadded', secret(step));
    if (padded.checksum.startsWith('0')) {
      list.push(padded);
      break;
    }
  }
  const [first, other] = list;
  const padded = list.at(-1);
  if (!first || !other || !padded) throw new Error('no vectors');
  const text = textOf(first);
  const body = text.slice(0, -6);
  const resealed = (changed: string): string => changed + checksumOf(changed);
  return {
    pepperHex: PEPPER,
    term: TERM,
    valid: list,
    refused: [
      refused('checksum', 'last character changed', text.slice(0, -1) + (text.endsWith('0') ? '1' : '0')),
      refused('checksum', 'secret changed', text.replace('_5A', '_5B')),
      refused('checksum', 'id changed', text.replace(first.id, other.id)),
      refused('checksum', 'type changed', text.replace('_s', '_a')),
      refused('checksum', 'two characters swapped', text.slice(0, 30) + text[31] + text[30] + text.slice(32)),
      refused('checksum', 'over the secret alone', body + checksumOf(first.secretParts.join(''))),
      refused('checksum', 'over everything but the prefix', body + checksumOf(body.slice('sallyp_'.length))),
      refused(
        'checksum',
        'in another order of digits',
        body + Array.from(first.checksum).toReversed().join(''),
      ),
      refused('prefix', 'another prefix', resealed(body.replace('sallyp', 'sallyq'))),
      refused('prefix', 'upper case', resealed(body.replace('sallyp', 'SALLYP'))),
      refused('prefix', 'none', resealed(body.slice('sallyp_'.length))),
      refused('type', 'unknown letter', resealed(body.replace('_s', '_x'))),
      refused('type', 'upper-case letter', resealed(body.replace('_s', '_S'))),
      refused('length', 'one character of the secret less', resealed(body.slice(0, -1))),
      refused('length', 'one character of the secret more', resealed(`${body}A`)),
      refused('length', 'one character of the id less', resealed(body.replace(first.id, first.id.slice(1)))),
      refused('length', 'one character of the id more', resealed(body.replace(first.id, `${first.id}A`))),
      refused('length', 'cut', text.slice(0, -1)),
      refused(
        'length',
        'leading zero of the checksum left out',
        textOf(padded).slice(0, -6) + padded.checksum.slice(1),
      ),
      refused('length', 'no checksum', body),
      refused('length', 'empty', ''),
      refused('alphabet', 'a hyphen', resealed(`${body.slice(0, -1)}-`)),
      refused('alphabet', 'an underscore', resealed(`${body.slice(0, -1)}_`)),
      refused('alphabet', 'a letter of another script', `${text.slice(0, -1)}А`),
      refused(
        'separator',
        'a hyphen for the second underscore',
        resealed(body.replace(`${first.id}_`, `${first.id}-`)),
      ),
      refused('surroundings', 'a line feed behind', `${text}\n`),
      refused('surroundings', 'a space before', ` ${text}`),
      refused('surroundings', 'quotes', `"${text}"`),
      refused('surroundings', 'two tokens', `${text},${text}`),
    ],
  };
}

if (import.meta.main) {
  writeFileSync(new URL('token.json', import.meta.url), `${JSON.stringify(makeTokenVectors(), null, 2)}\n`);
}
