import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { BASE62 } from '../core/base62.ts';
import { newToken, parseToken, TOKEN_TYPES, type TokenType } from './token-format.ts';

const types = Object.values(TOKEN_TYPES);

test.each(types)('a new %s token reads back to its parts', (type: TokenType) => {
  const { text, ...parts } = newToken(type);
  expect(text).toMatch(/^sallyp_[spcam][0-9A-Za-z]{12}_[0-9A-Za-z]{38}$/);
  expect(parseToken(text)).toEqual(parts);
  expect(parts.type).toBe(type);
});

test('no two tokens share an id or a secret', () => {
  const tokens = Array.from({ length: 500 }, () => newToken('service'));
  expect(new Set(tokens.map(({ id }) => id)).size).toBe(500);
  expect(new Set(tokens.map(({ secret }) => secret)).size).toBe(500);
});

test('a change of any one character is noticed without asking the server', () => {
  const { text } = newToken('agent');
  const unnoticed: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    for (const char of `${BASE62}_- .\n`) {
      if (char === text[at]) continue;
      const changed = text.slice(0, at) + char + text.slice(at + 1);
      if (parseToken(changed) !== null) unnoticed.push(changed);
    }
  }
  expect(unnoticed).toEqual([]);
});

test('a cut, longer, swapped or wrapped token is noticed', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...types),
      fc.nat(),
      fc.string({ minLength: 1, maxLength: 3 }),
      (type, seed, extra) => {
        const { text } = newToken(type);
        const at = seed % (text.length - 1);
        const turned = `${text.slice(0, at)}${text[at + 1]}${text[at]}${text.slice(at + 2)}`;
        const others = [
          text.slice(0, at),
          text.slice(at + 1),
          text + extra,
          extra + text,
          `${text}\n`,
          ` ${text}`,
        ];
        if (turned !== text) others.push(turned);
        expect(others.filter((other) => parseToken(other) !== null)).toEqual([]);
      },
    ),
  );
});

test('what was never a token is none', () => {
  fc.assert(fc.property(fc.string({ maxLength: 80 }), (text) => expect(parseToken(text)).toBeNull()));
  const { text } = newToken('service');
  for (const other of [
    '',
    'sallyp_',
    text.toUpperCase(),
    text.replace('sallyp', 'sallyq'),
    text.replace('_', '-'),
  ]) {
    expect(parseToken(other)).toBeNull();
  }
});
