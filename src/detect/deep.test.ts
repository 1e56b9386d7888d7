import { describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { findDeep, type Found } from './deep.ts';
import { RULES } from './rules.ts';
import { sample } from './samples.ts';
import { randomText } from './test-values.ts';

const groq = (): string => `gsk_${randomText(52)}`;
const openAi = (): string => `sk-proj-${randomText(58)}T3BlbkFJ${randomText(58)}`;
const openRouter = (): string => `sk-or-v1-${randomText(64, '0123456789abcdef')}`;
const aws = (): string => `AKIA${randomText(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`;
const MAKERS = [groq, openAi, openRouter, aws];

function found(text: string | Uint8Array): string[] {
  return findDeep(typeof text === 'string' ? Buffer.from(text) : text).map(
    (one) => `${one.encodings.join('>')} ${one.value}`,
  );
}

/** The key is found, and nothing else, behind these encodings. */
function expectFound(text: string | Uint8Array, key: string, encodings: string): void {
  expect([String(text), found(text)]).toEqual([String(text), [`${encodings} ${key}`]]);
}

describe('base64', () => {
  test.each([0, 1, 2, 3, 4, 5])('is seen through with %d characters before the key', (before) => {
    for (const make of MAKERS) {
      for (const behind of ['', '"}', '\nB=1\n', ' and more text behind it']) {
        const key = make();
        const text = `${'{"=:"='.slice(0, before).padStart(before, ' ')}${key}${behind}`;
        const encoded = Buffer.from(text).toString('base64');
        expectFound(`data: ${encoded}`, key, 'base64');
        expectFound(`{"x":"${Buffer.from(text).toString('base64url')}"}`, key, 'base64');
        expectFound(`\\n${encoded}\\n`, key, 'base64');
      }
    }
  });

  test('glued to a name, behind text that is none, and between bytes', () => {
    const key = groq();
    expectFound(`abc${Buffer.from(`KEY=${key}\n`).toString('base64')}`, key, 'base64');
    expectFound(
      Buffer.from(Buffer.concat([Buffer.from('日本語é '), Buffer.from(key)]).toString('base64')),
      key,
      'base64',
    );
    expectFound(
      Buffer.concat([
        Buffer.alloc(3, 0xff),
        Buffer.from(Buffer.from(key).toString('base64')),
        Buffer.from([0xff]),
      ]),
      key,
      'base64',
    );
  });

  test.each(['\n', '\r\n', '\n    ', '\\n'])('over lines that are joined by %j', (joint) => {
    for (let shift = 0; shift < 60; shift += 7) {
      const key = openAi();
      const text = `${'some text before it. '.repeat(4)}${'.'.repeat(shift)}${key} ${'and behind. '.repeat(8)}`;
      for (const width of [64, 76]) {
        const lines = Buffer.from(text)
          .toString('base64')
          .match(new RegExp(`.{1,${width}}`, 'g'))!;
        expectFound(`value: |\n    ${lines.join(joint)}\n\nnext: 1\n`, key, 'base64');
      }
    }
  });

  test('a Kubernetes secret', () => {
    const key = groq();
    const text = `kind: Secret\ndata:\n  GROQ_API_KEY: ${Buffer.from(key).toString('base64')}\n`;
    const [one] = findDeep(Buffer.from(text));
    expect(one).toMatchObject({ value: key, sure: true, encodings: ['base64'] });
    expect(one!.start).toBe(text.indexOf(Buffer.from(key).toString('base64')));
  });

  test('the user of basic authentication', () => {
    const key = openRouter();
    expectFound(`Authorization: Basic ${Buffer.from(`${key}:`).toString('base64')}`, key, 'base64');
  });
});

test('hexadecimal, in both cases and behind 0x', () => {
  for (const make of MAKERS) {
    const key = make();
    const hex = Buffer.from(`k=${key};`).toString('hex');
    expectFound(`x = "${hex}"`, key, 'hex');
    expectFound(`x = 0x${hex.toUpperCase()}`, key, 'hex');
    expectFound(`a${hex}`, key, 'hex');
  }
});

describe('escapes', () => {
  const all =
    (format: (code: string) => string) =>
    (key: string): string =>
      Buffer.from(key).toString('hex').match(/../g)!.map(format).join('');

  test.each([
    ['percent', (key: string) => key.replaceAll('_', '%5F').replaceAll('-', '%2d')],
    ['every character in percent', all((code) => `%${code}`)],
    ['a unicode escape', (key: string) => key.replaceAll('_', '\\u005f').replaceAll('-', '\\u002D')],
    ['unicode escapes', all((code) => `\\u00${code}`)],
    ['byte escapes', all((code) => `\\x${code}`)],
    ['a mixture', (key: string) => `%${key.charCodeAt(0).toString(16)}${key.slice(1)}`],
  ])('%s', (_, escape) => {
    for (const make of [groq, openAi, openRouter]) {
      const key = make();
      expectFound(`?key=${escape(key)}&x=1`, key, 'escapes');
      expectFound(`{"key":"${escape(key)}"}`, key, 'escapes');
    }
  });

  test('of a value that begins before the first of them', () => {
    const bound = `AQ.Ab8RN6${randomText(20)}_${randomText(23)}`;
    expectFound(`"k":"${bound.replace('_', '\\u005f')}"`, bound, 'escapes');
    const bedrock = `ABSK${sample('base64', 130)}+/`;
    expectFound(`k=${encodeURIComponent(bedrock)}&x`, bedrock, 'escapes');
  });

  test('around a key are no reason to look twice', () => {
    const key = groq();
    expect(found(`%7B%22k%22%3A%22${key}%22%7D \\u0022${key}\\u0022 \\x27${key}\\x27`)).toEqual([
      ` ${key}`,
      ` ${key}`,
      ` ${key}`,
    ]);
  });
});

test.each(['utf-16le', 'utf-16be'])('%s, with and without its mark, also among other bytes', (encoding) => {
  for (const make of MAKERS) {
    const key = make();
    for (const text of [`API_KEY=${key}\r\nB=2\r\n`, key, `\ufeffkey: "${key}"`]) {
      const bytes = Buffer.from(text, 'utf16le');
      if (encoding === 'utf-16be') bytes.swap16();
      expectFound(bytes, key, 'utf-16');
      expectFound(
        Buffer.concat([Buffer.from([1, 2, 3, 0xff]), bytes, Buffer.from([0xff, 0xff])]),
        key,
        'utf-16',
      );
    }
  }
});

describe('cut into literals', () => {
  test.each([
    ['JavaScript', (a: string, b: string) => `const k = "${a}" + "${b}";`],
    ['over lines', (a: string, b: string) => `const k =\n  '${a}' +\n  '${b}';`],
    ['operator in front', (a: string, b: string) => `k = ("${a}"\n     + "${b}")`],
    ['Python', (a: string, b: string) => `k = ("${a}"\n     "${b}")`],
    ['Python with prefixes', (a: string, b: string) => `k = (f"${a}"\n     f"${b}")`],
    ['PHP', (a: string, b: string) => `$k = '${a}' . '${b}';`],
    ['Lua', (a: string, b: string) => `k = "${a}" .. "${b}"`],
    ['SQL', (a: string, b: string) => `SELECT '${a}' || '${b}'`],
    ['Visual Basic', (a: string, b: string) => `k = "${a}" & "${b}"`],
    ['C', (a: string, b: string) => `char *k = "${a}" "${b}";`],
    ['a line that goes on', (a: string, b: string) => `export KEY=${a}\\\n${b}\n`],
    ['a line that goes on, indented', (a: string, b: string) => `KEY=${a}\\\r\n    ${b}\n`],
    ['minified', (a: string, b: string) => `k="${a}"+"${b}",x=1`],
  ])('%s', (_, write) => {
    for (const cut of [4, 10, 28, 46]) {
      const key = groq();
      expect(found(write(key.slice(0, cut), key.slice(cut))).map((one) => one.split(' ').at(-1))).toContain(
        key,
      );
    }
  });

  test('in pieces of which none is long, in the languages that join by a plus', () => {
    for (const make of MAKERS) {
      for (const count of [2, 3, 5]) {
        const key = make();
        const size = Math.ceil(key.length / count);
        const pieces = key.match(new RegExp(`.{1,${size}}`, 'g'))!;
        expectFound(pieces.map((piece) => `"${piece}"`).join(' + '), key, 'joined literals');
        expectFound(pieces.map((piece) => `'${piece}'`).join(' +\n    '), key, 'joined literals');
      }
    }
  });

  test('behind a key that stands as it is, both are reported once, where they are', () => {
    const [one, two] = [groq(), groq()];
    const text = `a = "${one}"; b = "${two.slice(0, 30)}" + "${two.slice(30)}"; c = "${one}"`;
    expect(findDeep(Buffer.from(text)).map(({ value, start }) => [value, start])).toEqual([
      [one, 5],
      [two, text.indexOf(two.slice(0, 30))],
      [one, text.lastIndexOf(one)],
    ]);
  });

  test('of a provider that only the name before it tells', () => {
    const key = randomText(32);
    expect(found(`MISTRAL_API_KEY = "${key.slice(0, 16)}" + "${key.slice(16)}"`)).toEqual([
      `joined literals ${key}`,
    ]);
  });

  test('in several pieces, of which one is long enough to be noticed', () => {
    const key = groq();
    const pieces = [key.slice(0, 6), key.slice(6, 30), key.slice(30, 44), key.slice(44)];
    expectFound(pieces.map((piece) => `"${piece}"`).join(' + '), key, 'joined literals');
  });

  test('a list of strings is none', () => {
    const key = groq();
    expect(found(`["${key.slice(0, 15)}", "${key.slice(15)}"]`)).toEqual([]);
  });
});

test('one encoding inside another', () => {
  const key = groq();
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  expectFound(base64(`x ${base64(`y ${key} z`)} w`), key, 'base64>base64');
  expectFound(base64(JSON.stringify({ k: key }).replace('gsk', '\\u0067sk')), key, 'base64>escapes');
  expectFound(Buffer.from(base64(key)).toString('hex'), key, 'hex>base64');
  expectFound(Buffer.from(`"${base64(key)}"`, 'utf16le'), key, 'utf-16>base64');
  const half = base64(key);
  expectFound(`"${half.slice(0, 30)}" + "${half.slice(30)}"`, key, 'joined literals>base64');
});

test('a private key in base64, whole and wrapped', () => {
  const begin = ['-----BEGIN EC', 'PRIVATE KEY-----'].join(' ');
  const pem = `${begin}\n${sample('alnum', 64)}\n${sample('alnum', 64, 1)}\n${begin.replace('BEGIN', 'END')}\n`;
  const encoded = Buffer.from(pem).toString('base64');
  for (const text of [encoded, encoded.replaceAll(/.{76}/g, '$&\n')]) {
    expect(findDeep(Buffer.from(text)).map(({ rule, sure }) => [rule.id, sure])).toEqual([
      ['private-key', true],
    ]);
  }
});

test('what stands as it is is reported as that, once', () => {
  const key = groq();
  expect(found(`a ${key} b`)).toEqual([` ${key}`]);
  expect(found(`"${key.slice(0, 30)}" + "${key.slice(30)}" ${key}`)).toContain(` ${key}`);
});

test('random bytes in any encoding hold nothing', () => {
  const sure: Found[] = [];
  for (let run = 0; run < 30; run += 1) {
    // The same ones each time: of really random bytes one run of 30,000 in six thousand does hold what looks like a token of GitHub.
    const blocks = Array.from({ length: 938 }, (_, block) =>
      createHash('sha256').update(`${run}/${block}`).digest(),
    );
    const bytes = Buffer.concat(blocks);
    for (const text of [
      bytes,
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
    ]) {
      sure.push(...findDeep(Buffer.from(text)).filter((one) => one.sure));
    }
  }
  expect(sure).toEqual([]);
});

test('no input makes the search slower than its length', () => {
  const size = 1 << 17;
  const base64 = Buffer.from('sk-proj-').toString('base64url');
  const units = [
    ...RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? shape.prefixes.slice(0, 1) : [])),
    base64,
    Buffer.from('gsk_').toString('hex'),
    '%5F',
    '%67sk_',
    '\\u005f',
    '\\x67',
    `"${sample('alnum', 24)}" + `,
    `"${sample('alnum', 24)}"\n`,
    `${sample('alnum', 76)}\n`,
    `${sample('alnum', 30)}/`,
    `${sample('alnum', 30)}\\\n`,
    'a\0',
    'sk-\0',
    'eyJ',
    `eyJ${sample('alnum', 30)}.`,
    '://',
    'postgres://a:b',
    `mistral=${sample('hex', 32)} `,
    'QUFB',
    'UVVGQg',
  ];
  // Were anything quadratic, this would take minutes and more, which the timeout of the suite does not leave.
  for (const unit of units) findDeep(Buffer.from(unit.repeat(Math.ceil(size / unit.length)), 'latin1'));
  expect(units.length).toBeGreaterThan(50);
});
