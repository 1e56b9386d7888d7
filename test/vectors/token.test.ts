/** The vectors of docs/spec/token.md: what src/access reads and refuses, and that another implementation agrees. */
import { expect, test } from 'bun:test';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseToken, TOKEN_TYPES, newToken } from '../../src/access/token-format.ts';
import { Tokens } from '../../src/access/tokens.ts';
import { Teams } from '../../src/access/teams.ts';
import type { Authenticator } from '../../src/core/authenticator.ts';
import { tokenLeakHash } from '../../src/core/leak-hash.ts';
import { encodeTuple, type TupleField } from '../../src/core/tuple.ts';
import { MemoryStore, openMemoryBook } from '../support/memory-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { refusalOf } from '../support/refusal.ts';
import { testKeyring } from '../support/test-keyring.ts';
import { checksumOf, makeTokenVectors, textOf, type TokenVectors, verifierOf } from './token-vectors.ts';

const vectors = JSON.parse(readFileSync(new URL('token.json', import.meta.url), 'utf8')) as TokenVectors;
const spec = readFileSync(new URL('../../docs/spec/token.md', import.meta.url), 'utf8');

test('the vector file is what its generator makes', () => {
  expect(makeTokenVectors()).toEqual(vectors);
});

test.each(vectors.valid.map((one) => [one.name, one] as const))('reads: %s', (_, vector) => {
  expect(parseToken(textOf(vector))).toEqual({
    type: vector.type,
    id: vector.id,
    secret: vector.secretParts.join(''),
  });
});

test.each(vectors.refused.map((one) => [one.class, one.name, one] as const))(
  'refuses: %s, %s',
  (_, __, { parts }) => {
    expect(parseToken(parts.join(''))).toBeNull();
  },
);

test('every failure class of the specification has a vector', () => {
  const named = /The class of a refused vector[^.]*\./.exec(spec)![0];
  const classes = [...named.matchAll(/`([a-z]+)`/g)].map(([, name]) => name!);
  expect([...new Set(vectors.refused.map((one) => one.class))].sort()).toEqual(classes.sort());
});

test('the expression of the specification takes what the code takes', () => {
  const [, text = ''] = /```\n(sallyp_.*)\n```/.exec(spec)!;
  const expression = new RegExp(`^${text}$`);
  for (const vector of vectors.valid) expect(expression.test(textOf(vector))).toBe(true);
  for (const { class: kind, parts } of vectors.refused) {
    expect(expression.test(parts.join(''))).toBe(kind === 'checksum');
  }
  for (const type of Object.values(TOKEN_TYPES)) expect(expression.test(newToken(type).text)).toBe(true);
});

test('new tokens have the checksum that the other implementation computes', () => {
  for (let n = 0; n < 200; n += 1) {
    const { text } = newToken('service');
    expect(checksumOf(text.slice(0, -6))).toBe(text.slice(-6));
  }
});

/** The keyring's own tags have vectors in envelope.json; here the key is the one of the vectors. */
const pepper: Authenticator = {
  terms: [vectors.term],
  tag: (fields: readonly TupleField[]) => {
    const term = Buffer.alloc(4);
    term.writeUInt32BE(vectors.term);
    const mac = createHmac('sha256', Buffer.from(vectors.pepperHex, 'hex'))
      .update(encodeTuple(fields))
      .digest();
    return Buffer.concat([term, mac]);
  },
  verify: (fields, tag) => timingSafeEqual(pepper.tag(fields), tag),
};

test.each(vectors.valid.map((one) => [one.name, one] as const))(
  'what is stored opens for this token and no other: %s',
  async (_, vector) => {
    const { pepperHex, term } = vectors;
    expect(verifierOf(pepperHex, term, vector.id, vector.secretParts.join(''))).toBe(vector.verifierHex);
    const { book } = await openMemoryBook(new MemoryStore(), await testKeyring());
    const clock = new ManualClock();
    const tokens = new Tokens({ book, clock, pepper, teams: new Teams({ book, clock }) });
    const body = {
      id: vector.id,
      type: vector.type,
      name: null,
      team: 'acme',
      project: null,
      environment: 'dev',
      scopes: ['call:*'],
      defaultProvider: null,
      cidrs: [],
      browserSafe: false,
      rateLimitRPM: null,
      concurrency: null,
      issuedBy: 'local',
      createdAt: '2026-11-21T00:00:00.000Z',
      expiresAtMs: clock.wallMs() + 1,
      state: 'active',
      revokedAt: null,
      revokedReason: null,
    };
    await book.change('token.issue', 'local', () => [
      { kind: 'token', id: vector.id, body, sealed: Buffer.from(vector.verifierHex, 'hex') },
    ]);
    const hash = tokenLeakHash(Buffer.from(textOf(vector)));
    expect(tokens.sighted(vector.id, hash)?.proof).toBe('unknown');
    const sealed = Buffer.from(vector.verifierHex + vector.sightingHex, 'hex');
    await book.change('token.issue', 'local', () => [{ kind: 'token', id: vector.id, body, sealed }]);
    expect(tokens.sighted(vector.id, hash)?.proof).toBe('right');
    expect(tokens.sighted(vector.id, Buffer.alloc(32))?.proof).toBe('wrong');
    expect(tokens.authenticate(textOf(vector)).id).toBe(vector.id);
    const other = [...vector.secretParts].toReversed().join('');
    const forged = textOf(vector).slice(0, 21) + other;
    expect(refusalOf(() => tokens.authenticate(forged + checksumOf(forged))).code).toBe('token.invalid');
  },
);

test('no file of this repository has the form of a token', () => {
  const raw = readFileSync(new URL('token.json', import.meta.url), 'utf8') + spec;
  expect(/sallyp_[spcam][0-9A-Za-z]{12}_/.test(raw)).toBe(false);
});
