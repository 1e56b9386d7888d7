import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { findDeep } from '../detect/deep.ts';
import { RULES } from '../detect/rules.ts';
import { sample } from '../detect/samples.ts';
import { allowLine, parseAllowances, tidied, withLine } from './allow-file.ts';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const SALT = '0123456789abcdef';
const FINGERPRINT = 'f'.repeat(20);

function line(rule: string, { until = '2027-01-31', reason = 'a sample', salt = SALT } = {}): string {
  return allowLine({ rule, fingerprint: FINGERPRINT, until, reason }, salt);
}

const GOOD = line('groq-api-key');

test('a line says rule, salted hash, last day and reason, and neither a place nor the fingerprint', () => {
  expect(GOOD).toMatch(/^groq-api-key 0123456789abcdef:[0-9a-f]{28} 2027-01-31 a sample$/);
  expect(GOOD).not.toContain(FINGERPRINT);
  expect(parseAllowances(`# why\n\n${GOOD}\r\n`, NOW_MS)).toMatchObject([
    { number: 3, rule: 'groq-api-key', until: '2027-01-31', reason: 'a sample' },
  ]);
  // Another salt, or another rule, is another hash.
  const hashes = [GOOD, line('groq-api-key', { salt: 'f'.repeat(16) }), line('jwt')].map(
    (text) => text.split(/[ :]/)[2],
  );
  expect(new Set(hashes).size).toBe(3);
});

describe('a line that is none is an error that names it and repeats nothing of it', () => {
  test.each([
    ['no reason', GOOD.replace(' a sample', '')],
    ['a space for a reason', GOOD.replace('a sample', ' ')],
    ['no day', GOOD.replace(' 2027-01-31', '')],
    ['no hash', GOOD.replace(/:\S+/, '')],
    ['a short salt', GOOD.replace(SALT, 'abc')],
    ['a mark of a merge', '<<<<<<< HEAD'],
    ['a value', `canary${'x'.repeat(40)}`],
    ['a day that there is not', line('jwt', { until: '2027-02-30' })],
    ['a month that there is not', line('jwt', { until: '2027-13-01' })],
    ['more than a year', line('jwt', { until: '2027-11-28' })],
    ['for ever', line('jwt', { until: '9999-12-31' })],
  ])('%s', (_, bad) => {
    let message = '';
    try {
      parseAllowances(`${GOOD}\n${bad}\n`, NOW_MS);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('.sallyport-allow, line 2, ');
    expect(message).not.toContain('canary');
  });
});

test('a line goes to its place, and what is there stays as it is, also with the line ends of Windows', () => {
  const [a, b, c] = [line('a'), line('b'), line('c')];
  expect(withLine('', b)).toBe(`${b}\n`);
  expect(withLine(`# about\n${a}\n\n${c}`, b)).toBe(`# about\n${a}\n\n${b}\n${c}\n`);
  expect(withLine(`${a}\r\n${b}\r\n`, c)).toBe(`${a}\r\n${b}\r\n${c}\r\n`);
});

test('tidying sorts, and takes out what ended or is there twice; it changes nothing of what holds', () => {
  const [a, b, ended] = [line('a'), line('b'), line('a', { until: '2026-11-25' })];
  expect(tidied(`${b}\n# about b\n${ended}\n\n${a}\n${b}\n`, NOW_MS)).toBe(`# about b\n${a}\n${b}\n`);
  const anyLine = fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 20 }))
    .map(([rule, day]) =>
      line(rule, { until: `2026-12-${String(day + 10)}`, salt: String(day).padStart(16, '0') }),
    );
  fc.assert(
    fc.property(fc.array(anyLine, { maxLength: 20 }), (lines) => {
      const text = lines.map((one) => `${one}\n`).join('');
      const tidy = tidied(text, NOW_MS);
      expect(tidied(tidy, NOW_MS)).toBe(tidy);
      expect(new Set(tidy.split('\n'))).toEqual(new Set([...lines, '']));
      // Put in one by one, in any order, they are in order as well.
      expect([...new Set(lines)].reduce(withLine, '')).toBe(tidy);
    }),
  );
});

test('no line of such a file looks like a secret', () => {
  for (const { id } of RULES) {
    for (let seed = 0; seed < 20; seed += 1) {
      const fingerprint = sample('hex', 20, seed);
      const text = allowLine(
        { rule: id, fingerprint, until: '2027-01-31', reason: 'a test' },
        sample('hex', 16, seed + 100),
      );
      const bytes = Buffer.from(text);
      expect(
        findDeep(bytes, 0, bytes.length, { generic: true }).map(({ rule }) => `${id}: ${rule.id}`),
      ).toEqual([]);
    }
  }
});
