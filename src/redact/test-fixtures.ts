/** Texts with secrets of every rule, put together at run time, and ways to cut a text. */
import { generateKeyPairSync } from 'node:crypto';
import type { Rule } from '../detect/rule.ts';
import { RULES } from '../detect/rules.ts';
import { sample } from '../detect/samples.ts';

/** The same for the same seed. */
export function randomFrom(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

let pems: string[] | undefined;

export function privateKeys(): string[] {
  pems ??= [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
  ].map((pem) => pem.trim());
  return pems;
}

export function examplesOf({ shape, positive }: Rule): readonly string[] {
  if (positive) return positive();
  if (shape.by === 'pem') return privateKeys();
  if (shape.by !== 'prefix') throw new Error('this rule needs examples of its own');
  return shape.prefixes.flatMap((prefix, seed) =>
    shape.lengths.map(([least]) => `${shape.lead ?? ''}${prefix}${sample(shape.alphabet, least, seed)}`),
  );
}

export const CARRIERS: readonly (readonly [name: string, before: string, behind: string])[] = [
  ['alone', '', ''],
  ['.env', 'A=1\nAPI_KEY=', '\nB=2\n'],
  ['JSON', '{"apiKey":"', '","x":1}\n'],
  ['parentheses', 'see (', '), and\n  more'],
  ['escapes', '"A=1\\n', '\\nB=2"'],
  ['the end of a sentence', 'The key is ', '. It is new.'],
  ['glued to a name', 'my-token_', ' and more'],
  ['text that is not ASCII', 'é🙂 ', ' 🙂é'],
  ['a shell', '$ curl -H "Authorization: Bearer ', '" https://x.example/v1\r\n'],
];

export interface Fixture {
  readonly rule: Rule;
  readonly example: string;
  readonly carrier: string;
  readonly text: string;
}

export function fixtures(): Fixture[] {
  return RULES.flatMap((rule) =>
    examplesOf(rule).flatMap((example) =>
      CARRIERS.map(([carrier, before, behind]) => ({
        rule,
        example,
        carrier,
        text: `${before}${example}${behind}`,
      })),
    ),
  );
}

/** The text in pieces of one to `most` characters. */
export function cut(text: string, most: number, random: (below: number) => number): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < text.length;) {
    const size = 1 + random(most);
    pieces.push(text.slice(at, at + size));
    at += size;
  }
  return pieces;
}
