import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { MAX_DEPTH, scanObject } from './json-scan.ts';

/** Writes a value with random whitespace, and letters escaped at random, as an unkind client might. */
function write(value: unknown, dice: () => number): string {
  const space = (): string => [' ', '\n', '\t', '\r', '', '', '', '  '][dice() % 8] ?? '';
  const text = (plain: string): string =>
    `"${Array.from(plain)
      .map((char) => (dice() % 5 === 0 ? escaped(char) : JSON.stringify(char).slice(1, -1)))
      .join('')}"`;
  const put = (one: unknown): string => {
    if (typeof one === 'string') return text(one);
    if (Array.isArray(one))
      return `[${one.map((item) => space() + put(item) + space()).join(',')}${space()}]`;
    if (typeof one === 'object' && one !== null) {
      const members = Object.entries(one).map(
        ([key, item]) => `${space()}${text(key)}${space()}:${space()}${put(item)}${space()}`,
      );
      return `{${members.join(',')}${space()}}`;
    }
    return JSON.stringify(one);
  };
  return space() + put(value) + space();
}

function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, index) => index)
    .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`)
    .join('');
}

/** The same sequence for the same seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state >>> 8;
  };
}

const key = fc.oneof(
  fc.constantFrom(
    'model',
    'messages',
    '',
    '"',
    '\\',
    '{',
    '}',
    '__proto__',
    'a:b',
    'a,b',
    '日本',
    '\u2028',
    '🛰',
  ),
  fc.string({ unit: 'grapheme', maxLength: 5 }),
);
const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, 0, -1.5, 1e21, 'x', '{"a":1}', '\\', '"', '}', ']\u0000'),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
}));
const objects = fc.dictionary(key, json, { maxKeys: 5 });

test('the spans of a random object are what JSON.parse reads there', () => {
  fc.assert(
    fc.property(objects, fc.nat(), (object, seed) => {
      const text = write(object, dice(seed));
      const bytes = Buffer.from(text);
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const { members, bodyStart } = scanObject(bytes);
      expect([...members.keys()].sort()).toEqual(Object.keys(parsed).sort());
      expect(bytes[bodyStart - 1]).toBe(0x7b);
      expect(bytes.subarray(0, bodyStart).toString().trim()).toBe('{');
      for (const [name, { start, end }] of members) {
        const value = bytes.toString('utf8', start, end);
        expect(value.trim()).toBe(value);
        expect(JSON.parse(value)).toEqual(Object.getOwnPropertyDescriptor(parsed, name)?.value as never);
      }
    }),
    { numRuns: 400 },
  );
});

test('a duplicate key is refused at any depth and however it is escaped', () => {
  fc.assert(
    fc.property(objects, key, fc.nat(), fc.nat({ max: 3 }), (object, name, seed, depth) => {
      const roll = dice(seed);
      const spell = (): string => write(name, roll).trim();
      const inner = Object.entries(object)
        .filter(([other]) => other !== name)
        .map(([other, value]) => `${JSON.stringify(other)}:${write(value, roll)}`);
      const twice = `{${[`${spell()}:1`, ...inner, `${spell()} : [2]`].join(',')}}`;
      const text = `${'{"in":['.repeat(depth)}${twice}${']}'.repeat(depth)}`;
      expect(JSON.parse(text)).toBeObject();
      const error = refusalOf(() => scanObject(Buffer.from(text)));
      expect(error.code).toBe('request.invalid');
      expect(error.message).toContain('twice');
    }),
    { numRuns: 300 },
  );
});

test.each([
  '{"model":"a","model":"b"}',
  String.raw`{"model":"a","\u006dodel":"b"}`,
  String.raw`{"\u006D\u006F\u0064\u0065\u006C":"a","model":"b"}`,
  String.raw`{"a/b":1,"a\/b":2}`,
  '{"x":{"y":[{"k":1,"k":1}]}}',
  '{"":1,"":2}',
  '{"__proto__":1,"__proto__":2}',
])('%s is refused', (text) => {
  expect(refusalOf(() => scanObject(Buffer.from(text))).message).toContain('twice');
});

test('the same key in different objects, and as a value, is no duplicate', () => {
  const text = '{"k":"k","a":[{"k":1},{"k":2}],"b":{"k":{"k":["k","k"]}}}';
  expect(scanObject(Buffer.from(text)).members.size).toBe(3);
});

test('nesting is bounded, whatever it is made of', () => {
  const nested = (depth: number, open: string, close: string): Buffer =>
    Buffer.from(`{"a":${open.repeat(depth)}1${close.repeat(depth)}}`);
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    expect(scanObject(nested(MAX_DEPTH - 1, open, close)).members.size).toBe(1);
    expect(refusalOf(() => scanObject(nested(MAX_DEPTH, open, close))).message).toContain('deeper than 64');
    expect(refusalOf(() => scanObject(nested(1_000_000, open, ''))).message).toContain('deeper than 64');
  }
  expect(scanObject(Buffer.from(`{"a":"${'['.repeat(1000)}"}`)).members.size).toBe(1);
});

test.each(['', ' ', '[]', '"x"', 'null', '1', '\ufeff{}', 'x{}', '\0{}'])('%p is no object', (text) => {
  expect(refusalOf(() => scanObject(Buffer.from(text)))).toMatchObject({
    code: 'request.invalid',
    fix: expect.any(String),
  });
});

test('bytes cut or changed anywhere are refused here or by JSON.parse, and never crash', () => {
  fc.assert(
    fc.property(objects, fc.nat(), fc.nat(255), (object, seed, byte) => {
      const bytes = Buffer.from(write(object, dice(seed)).trim());
      for (let cut = 0; cut < bytes.length; cut += 1) {
        expect(refusalOf(() => scanObject(bytes.subarray(0, cut))).code).toBe('request.invalid');
        const changed = Buffer.from(bytes);
        changed[cut] = byte;
        const parsed = parse(changed);
        const scanned = scan(changed);
        if (parsed === undefined || scanned === 'request.invalid') continue;
        expect([...scanned.keys()].sort()).toEqual(Object.keys(parsed).sort());
      }
    }),
    { numRuns: 60 },
  );
});

function parse(bytes: Buffer): object | undefined {
  try {
    return JSON.parse(bytes.toString('utf8')) as object;
  } catch {
    return undefined;
  }
}

function scan(bytes: Buffer): ReadonlyMap<string, unknown> | 'request.invalid' {
  try {
    return scanObject(bytes).members;
  } catch (error) {
    expect((error as { code?: string }).code).toBe('request.invalid');
    return 'request.invalid';
  }
}

test('scanning takes time in proportion to the bytes', () => {
  const time = (bytes: Buffer): number => {
    const from = performance.now();
    scanObject(bytes);
    return performance.now() - from;
  };
  const hostile = (n: number): Buffer[] => [
    Buffer.from(`{"a":"${'\\\\'.repeat(n)}"}`),
    Buffer.from(`{"a":"${'\\"'.repeat(n)}"}`),
    Buffer.from(`{"a":[${'{},'.repeat(n)}{}]}`),
    Buffer.from(`{${Array.from({ length: n / 8 }, (_, i) => `"k${i}":1`).join(',')}}`),
    Buffer.from(`{"a":${' '.repeat(n)}1${' '.repeat(n)}}`),
  ];
  for (const bytes of hostile(400_000)) expect(time(bytes)).toBeLessThan(1000);
});
