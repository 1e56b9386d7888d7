import { describe, expect, test } from 'bun:test';
import { findSecrets } from '../detect/detect.ts';
import { RULES } from '../detect/rules.ts';
import { sample } from '../detect/samples.ts';
import {
  createByteRedactor,
  createRedactor,
  markOf,
  MOST_HELD,
  type RedactOptions,
  redactText,
} from './redact.ts';
import { CARRIERS, cut, examplesOf, fixtures, privateKeys, randomFrom } from './test-fixtures.ts';

const ALL: RedactOptions = { generic: true };
const encoder = new TextEncoder();

function inPieces(pieces: readonly string[], options: RedactOptions = {}): string {
  const redactor = createRedactor(options);
  const out = pieces.map((piece) => redactor.push(piece));
  return out.join('') + redactor.end();
}

function bytesInPieces(pieces: readonly Uint8Array[], options: RedactOptions = {}): Buffer {
  const redactor = createByteRedactor(options);
  const out = pieces.map((piece) => redactor.push(piece));
  return Buffer.concat([...out, redactor.end()]);
}

/** What the scanner finds in the text as a whole: the oracle that knows nothing of pieces. */
function valuesIn(text: string): string[] {
  const bytes = encoder.encode(text);
  return findSecrets(bytes, 0, bytes.length, true).map(({ rule, start, end }) => {
    const value = Buffer.from(bytes.subarray(start, end)).toString();
    return rule.shape.by === 'connection' ? (/:([^:@]+)@/.exec(value)?.[1] ?? value) : value;
  });
}

describe.each(RULES.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  test('its examples are taken out of every carrier, and all else stays as it was', () => {
    for (const example of examplesOf(rule)) {
      for (const [, before, behind] of CARRIERS) {
        const text = `${before}${example}${behind}`;
        const values = valuesIn(text);
        expect([text, values.length > 0]).toEqual([text, true]);
        const out = redactText(text, ALL);
        for (const value of values) expect(out).not.toContain(value);
        expect(out.startsWith(before) && out.endsWith(behind)).toBeTrue();
        expect(out.length).toBeLessThan(text.length + markOf(id).length);
        if (rule.shape.by === 'prefix' && values.length === 1 && values[0] === example) {
          expect(out).toBe(`${before}${markOf(id)}${behind}`);
        }
      }
    }
  });

  test('the output is the same wherever the text is cut in two, and in pieces of one character', () => {
    const random = randomFrom(7);
    for (const example of examplesOf(rule)) {
      const [, before, behind] = CARRIERS[random(CARRIERS.length)] ?? ['', '', ''];
      const text = `${before}${example}${behind}`;
      const whole = redactText(text, ALL);
      for (let at = 0; at <= text.length; at += 1) {
        const out = inPieces([text.slice(0, at), text.slice(at)], ALL);
        if (out !== whole) expect([at, text, out]).toEqual([at, text, whole]);
      }
      expect(inPieces(Array.from({ length: text.length }, (_, at) => text.charAt(at)), ALL)).toBe(whole);
    }
  });

  test('what looks like it and is none stays', () => {
    for (const text of rule.negative?.() ?? []) {
      expect(redactText(`x = "${text}";`)).toBe(`x = "${text}";`);
    }
  });
});

test('secrets of all rules in one text: the same for a thousand ways to cut it, as text and as bytes', () => {
  const text = fixtures()
    .map((fixture) => fixture.text)
    .join('\n');
  const random = randomFrom(11);
  const whole = redactText(text);
  for (const value of valuesIn(text).filter((value) => whole.includes(value))) {
    // Only what is looked for on request.
    expect(redactText(text, ALL)).not.toContain(value);
  }
  for (let run = 0; run < 40; run += 1) {
    const pieces = cut(text, [1, 3, 7, 40, 1000][run % 5] ?? 1, random);
    const out = inPieces(pieces);
    if (out !== whole) expect(firstDifference(out, whole)).toBe('');
  }
  const bytes = Buffer.from(text);
  const wholeBytes = bytesInPieces([bytes]).toString('latin1');
  for (const size of [1, 2, 5, 64, 4096]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    const out = bytesInPieces(pieces).toString('latin1');
    if (out !== wholeBytes) expect(firstDifference(out, wholeBytes)).toBe('');
  }
});

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return `at ${at}: ${JSON.stringify(a.slice(at - 60, at + 60))} is not ${JSON.stringify(b.slice(at - 60, at + 60))}`;
}

/** Whatever the parts of secrets are put together to, cut and broken off. */
function nonsense(random: (below: number) => number): string {
  const parts = [
    () => ` ${'word '.repeat(random(4))}`,
    () => '\n',
    () => {
      const prefixes = RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? shape.prefixes : []));
      return prefixes[random(prefixes.length)] ?? '';
    },
    () => sample((['alnum', 'key', 'hex', 'base64', 'base32'] as const)[random(5)] ?? 'key', random(90), random(50)),
    () => ['.', '=', '==', '/', '+', '-', '_', ':', '"', "'", '@', '://', '\\n', ', ', '{', '}', ' = ', '~'][random(18)] ?? '',
    () =>
      ['MISTRAL_API_KEY=', 'azure openai key: ', 'aws_secret_access_key = ', 'AccountKey=', 'password: ', 'Bearer ', 'basic '][
        random(7)
      ] ?? '',
    () => ['eyJhbGciOiJIUzI1NiJ9', '.eyJ', 'postgres://user:', '@db.acme.io', '-----BEGIN PRIVATE KEY-----', '-----END'][random(6)] ?? '',
    () => {
      const all = fixtures;
      const list = (FIXTURES ??= all().map(({ example }) => example));
      const example = list[random(list.length)] ?? '';
      return random(2) === 0 ? example : example.slice(random(example.length), random(example.length));
    },
    () => 'é🙂'.slice(random(3)),
  ];
  return Array.from({ length: 1 + random(14) }, () => (parts[random(parts.length)] ?? parts[0])?.() ?? '').join('');
}
let FIXTURES: string[] | undefined;

test('texts made of broken parts of secrets: the same however they are cut, and no value of the scanner is left', () => {
  const random = randomFrom(2026);
  for (let run = 0; run < 1500; run += 1) {
    const text = nonsense(random);
    const options: RedactOptions = { generic: run % 3 === 0, wide: run % 4 === 1 };
    const whole = redactText(text, options);
    for (const most of [1, 4, 30]) {
      const pieces = cut(text, most, random);
      const out = inPieces(pieces, options);
      if (out !== whole) expect([pieces, out]).toEqual([pieces, whole]);
    }
  }
});
