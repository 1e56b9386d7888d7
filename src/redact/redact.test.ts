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
import { planFor } from './plan.ts';
import { Sieve } from './sieve.ts';
import { CARRIERS, cut, examplesOf, fixtures, privateKeys, randomFrom } from './test-fixtures.ts';

/** Put together here, so that no scan of this repository has a reason to stop. */
const FIRST_LINE = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');

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
        // Not every rule finds its values behind the letter of an escape.
        if (/(?:\\n|_)$/.test(before) && values.length === 0) continue;
        expect([text, values.length > 0]).toEqual([text, true]);
        const out = redactText(text, ALL);
        for (const value of values) expect(out).not.toContain(value);
        expect(out.startsWith(before) && out.endsWith(behind)).toBeTrue();
        expect(out).toContain('[redacted ');
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
      expect(
        inPieces(
          Array.from({ length: text.length }, (_, at) => text.charAt(at)),
          ALL,
        ),
      ).toBe(whole);
    }
  });

  test('what looks like it and is none stays', () => {
    for (const text of rule.negative?.() ?? []) {
      expect(redactText(`x = "${text}";`)).toBe(`x = "${text}";`);
    }
  });
});

test('secrets of all rules in one text: the same however it is cut, as text and as bytes', () => {
  const text = fixtures()
    .map((fixture) => fixture.text)
    .join('\n');
  const random = randomFrom(11);
  const whole = redactText(text);
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

test('what the scanner is sure of in a text of broken parts is nowhere in the output', () => {
  const random = randomFrom(99);
  let seen = 0;
  for (let run = 0; run < 1500; run += 1) {
    const text = nonsense(random);
    const bytes = encoder.encode(text);
    const out = redactText(text);
    const hits = findSecrets(bytes);
    for (const hit of hits) {
      const { rule, start, sure } = hit;
      const value = valueAt(bytes, hit);
      // Of an address only the password is taken out, of a broken private key what looks like one.
      if (!sure || rule.shape.by === 'connection' || rule.shape.by === 'pem') continue;
      seen += 1;
      const times = hits.filter((one) => one.start === start || valueAt(bytes, one) === value).length;
      const left = occurrences(text, value) - times;
      if (occurrences(out, value) > left) expect([text, rule.id, out]).toEqual([text, rule.id, '']);
    }
  }
  expect(seen).toBeGreaterThan(300);
});

function valueAt(bytes: Uint8Array, { start, end }: { start: number; end: number }): string {
  return Buffer.from(bytes.subarray(start, end)).toString();
}

function occurrences(text: string, value: string): number {
  let count = 0;
  for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) count += 1;
  return count;
}

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return `at ${at}: ${JSON.stringify(a.slice(at - 60, at + 60))} is not ${JSON.stringify(b.slice(at - 60, at + 60))}`;
}

const EXAMPLES = RULES.flatMap(examplesOf);

/** Whatever the parts of secrets are put together to, cut and broken off. */
function nonsense(random: (below: number) => number): string {
  const parts = [
    () => ` ${'word '.repeat(random(4))}`,
    () => '\n',
    () => {
      const prefixes = RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? shape.prefixes : []));
      return prefixes[random(prefixes.length)] ?? '';
    },
    () =>
      sample(
        (['alnum', 'key', 'hex', 'base64', 'base32'] as const)[random(5)] ?? 'key',
        random(90),
        random(50),
      ),
    () =>
      ['.', '=', '==', '/', '+', '-', '_', ':', '"', "'", '@', '://', '\\n', ', ', '{', '}', ' = ', '~'][
        random(18)
      ] ?? '',
    () =>
      [
        'MISTRAL_API_KEY=',
        'azure openai key: ',
        'aws_secret_access_key = ',
        'AccountKey=',
        'password: ',
        'Bearer ',
        'basic ',
      ][random(7)] ?? '',
    () =>
      ['eyJhbGciOiJIUzI1NiJ9', '.eyJ', 'postgres://user:', '@db.acme.io', FIRST_LINE, '-----END'][
        random(6)
      ] ?? '',
    () => {
      const example = EXAMPLES[random(EXAMPLES.length)] ?? '';
      return random(2) === 0 ? example : example.slice(random(example.length), random(example.length));
    },
    () => 'é🙂'.slice(random(3)),
  ];
  return Array.from(
    { length: 1 + random(14) },
    () => (parts[random(parts.length)] ?? parts[0])?.() ?? '',
  ).join('');
}

test('texts made of broken parts of secrets: the same however they are cut', () => {
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

test('only the password of an address is taken out', () => {
  const password = sample('alnum', 16);
  expect(redactText(`url: postgres://app:${password}@db.acme.io:5432/app?x=1`)).toBe(
    'url: postgres://app:[redacted connection-string]@db.acme.io:5432/app?x=1',
  );
  const local = `postgres://app:${password}@localhost/app http://localhost:3000/a https://user@host.example/`;
  expect(redactText(local)).toBe(local);
});

test('what stands behind the name of an HTTP scheme is taken out, words are not', () => {
  const token = sample('lowerAlnum', 12);
  expect(redactText(`bEaRer  ${token}, and`)).toBe('bEaRer  [redacted http-credential], and');
  expect(redactText('Authorization: Basic dXNlcjpwYXNzd29yZA==')).toBe(
    'Authorization: Basic [redacted http-credential]',
  );
  expect(redactText('{"authorization":"Bearer abcdefghijkl"}')).toBe(
    '{"authorization":"Bearer [redacted http-credential]"}',
  );
  const words =
    'A basic understanding, bearer authentication. Basic Configuration-Options and BASIC SETTINGS';
  expect(redactText(words)).toBe(words);
  // A value that could be read in many ways is read in one: this would not end.
  const hostile = `Basic ${'A-'.repeat(31)}1`;
  for (let run = 0; run < 1000; run += 1)
    expect(redactText(hostile)).toBe(`Basic ${markOf('http-credential')}`);
});

describe('private keys', () => {
  const [, rsa = ''] = privateKeys();
  const body = rsa.split('\n').slice(1, -1);

  test('a whole key is one mark, on lines or escaped or indented, and what stands around it stays', () => {
    for (const pem of [
      rsa,
      rsa.replaceAll('\n', '\\n'),
      rsa.replaceAll('\n', '\r\n'),
      rsa.replaceAll('\n', '\n    '),
    ]) {
      expect(redactText(`key: ${pem}, more -----\nEND`)).toBe('key: [redacted private-key], more -----\nEND');
    }
  });

  test('no line of it is left when its end is missing, when it is twice, or when each line has something before it', () => {
    const texts = [
      rsa.slice(0, 800),
      `${rsa.slice(0, 300)}\n${rsa}`,
      rsa.replaceAll('\n', '\n2026-11-21T10:00:00Z app[7]: '),
      rsa.replaceAll('\n', '" +\n  "'),
      rsa.replaceAll('\n', '\n+'),
    ];
    for (const text of texts) {
      const out = redactText(`before ${text}\nafter it\n`);
      for (const line of body) expect(out).not.toContain(line.slice(0, 16));
      expect(out).toStartWith('before [redacted private-key]');
      expect(out).toEndWith('after it\n');
    }
  });

  test('behind a first line without a key everything else stays', () => {
    const text = `It begins with ${FIRST_LINE} and then:\nsome words\n`;
    expect(redactText(text)).toBe(text.replace(FIRST_LINE, markOf('private-key')));
  });

  test('an endless one is never held', () => {
    const redactor = createRedactor();
    let out = redactor.push(rsa.slice(0, 100));
    for (let line = 0; line < 3000; line += 1) {
      out += redactor.push(`${sample('base64', 63, line)}\n`);
      expect(redactor.held).toBeLessThan(100);
    }
    expect(out + redactor.end()).toBe('[redacted private-key]\n');
  });
});

describe('what is held', () => {
  test('is what could be a part of a secret: a complete line is out at once, and at most a word of the next', () => {
    const redactor = createRedactor();
    let out = '';
    for (const line of [
      'INFO started on port 8080\n',
      `key=${sample('key', 12)}\n`,
      '-----\n',
      'eyJ\n',
      'https://a:b\n',
    ]) {
      out += redactor.push(line);
      expect(redactor.held).toBe(0);
    }
    expect(redactor.push('The quick bro')).toBe('The quick ');
    expect(redactor.push('wn fo')).toBe('brown ');
    expect(redactor.end()).toBe('fo');
    expect(out).toStartWith('INFO started');
  });

  test('without values that are told by their surroundings it is the start of a prefix alone', () => {
    const redactor = createRedactor({ context: false });
    expect(redactor.push('The quick bro')).toBe('The quick bro');
    expect(redactor.push('wn gs')).toBe('wn ');
    expect(redactor.held).toBe(2);
    expect(redactor.push('q')).toBe('gsq');
  });

  test.each([
    ['key characters', () => 'aB3-'],
    ['one letter', () => 'a'],
    ['the prefix of a key', () => ['g', 'sk_'].join('')],
    ['prefixes side by side', () => `ABSK`],
    ['base64', (at: number) => sample('base64', 64, at)],
    ['starts of tokens', () => 'eyJhbGciOiJIUzI1NiJ9.'],
    ['a token that does not end', () => 'eyJhbGciOiJIUzI1NiJ9.eyJ'],
    ['dashes', () => '-----'],
    ['first lines of private keys', () => '-----BEGIN '],
    ['addresses', () => 'postgres://a:b'],
    ['spaces behind a scheme', () => 'bearer        '],
    ['equals signs', () => '='],
    ['no text at all', () => '\u0000\uffff'],
  ])('of an endless run of %s is bounded, and the output is the same however it is cut', (_, piece) => {
    const options = { wide: true, generic: true };
    const pieces = Array.from({ length: 40_000 / piece(0).length }, (_, at) => piece(at));
    const redactor = createRedactor(options);
    let out = '';
    for (const one of pieces) {
      out += redactor.push(one);
      if (redactor.held > MOST_HELD) expect(redactor.held).toBeLessThanOrEqual(MOST_HELD);
    }
    out += redactor.end();
    expect(redactText(pieces.join(''), options)).toBe(out);
    expect(inPieces(cut(pieces.join(''), 5000, randomFrom(3)), options)).toBe(out);
  });

  test('what is still undecided at the bound is taken out, with all that goes on from it', () => {
    const value = Array.from({ length: 500 }, (_, seed) => sample('alnum', 40, seed)).join('');
    const text = `before ${value.slice(0, MOST_HELD + 100)} behind`;
    const out = redactText(text, { known: [value] });
    expect(out).toBe('before [redacted undecided] behind');
    expect(inPieces(cut(text, 4000, randomFrom(1)), { known: [value] })).toBe(out);
    expect(redactText(`before ${value} behind`, { known: [value] })).toBe(out);
  });
});

test('what a redactor keeps is bounded, whatever comes and however large the pieces are', () => {
  const random = randomFrom(4);
  const sieve = new Sieve(planFor({ wide: true }));
  const visitor = { keep: () => {}, replace: () => {} };
  for (let run = 0; run < 400; run += 1) {
    const text = nonsense(random)
      .repeat(1 + random(20))
      .repeat(1 + random(run % 50 === 0 ? 200 : 2));
    for (let from = 0; from < text.length;) {
      from += sieve.readText(text, from);
      sieve.tell(sieve.settle(), visitor);
      expect(sieve.length - sieve.done).toBeLessThan(MOST_HELD);
    }
  }
  expect(sieve.codes.length).toBeLessThanOrEqual(64 * 1024);
});

test('the first characters of a client secret of Azure, which come before its mark, are taken out with it', () => {
  const rule = RULES.find(({ id }) => id === 'azure-client-secret');
  const [secret = ''] = rule?.positive?.() ?? [];
  expect(secret).toMatch(/^.{3}\dQ~/);
  for (let at = 0; at <= secret.length; at += 1) {
    expect(inPieces([`x="${secret.slice(0, at)}`, `${secret.slice(at)}";`])).toBe(
      `x="${markOf('azure-client-secret')}";`,
    );
  }
  // Where no word is held they are gone before the mark comes.
  expect(inPieces([`x="${secret}";`], { context: false })).toBe(
    `x="${secret.slice(0, 4)}${markOf('azure-client-secret')}";`,
  );
});

describe('values that are known', () => {
  const value = `${sample('key', 20, 5)}/+ä${sample('alnum', 9, 6)}`;
  const known: RedactOptions = { known: [value] };

  test('are taken out as they stand, in base64 wherever they begin, percent-encoded and in JSON', () => {
    const mark = markOf('known-value');
    expect(redactText(`a ${value} b`, known)).toBe(`a ${mark} b`);
    expect(redactText(`a ${encodeURIComponent(value)} b`, known)).toBe(`a ${mark} b`);
    expect(redactText(JSON.stringify({ value: `${value}"` }), known)).toBe(`{"value":"${mark}\\""}`);
    for (const before of ['', 'x', 'xy', 'xyz']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const out = redactText(`(${Buffer.from(`${before}${value}end`).toString(encoding)})`, known);
        // Only what depends on what stands around is left.
        expect(out).toMatch(/^\([\w+/-]{0,6}\[redacted known-value\][\w+/=-]{0,8}\)$/);
      }
    }
    expect(bytesInPieces([Buffer.from(`a ${value} b`)], known).toString()).toBe(`a ${mark} b`);
  });

  test('are found wherever the text is cut, and a start of one that does not go on stays', () => {
    const text = `x ${value} ${value.slice(0, 12)} ${value.slice(0, 9)}${value}`;
    const whole = redactText(text, known);
    expect(whole.match(/known-value/g)).toHaveLength(2);
    for (let at = 0; at <= text.length; at += 1) {
      expect(inPieces([text.slice(0, at), text.slice(at)], known)).toBe(whole);
    }
  });

  test('that are too short are refused, without being shown', () => {
    expect(() => createRedactor({ known: ['short'] })).toThrow(/at least 8 characters/);
    expect(() => createRedactor({ known: ['hunter2'] })).not.toThrow(/hunter2/);
  });
});

test('marks are left alone when a text is redacted again, whichever rule they name', () => {
  for (const { id } of RULES) {
    for (const text of [markOf(id), `Bearer ${markOf(id)}`, `MISTRAL_API_KEY=${markOf(id)}`]) {
      expect(redactText(text, { generic: true, wide: true })).toBe(text);
    }
  }
});

test('bytes that are no text, and characters cut in two, pass as they are', () => {
  const random = randomFrom(5);
  const noise = Buffer.from(Array.from({ length: 4000 }, () => 128 + random(128)));
  const text = Buffer.concat([noise, Buffer.from('é🙂漢字 and\0zeros\0'), noise]);
  const pieces = Array.from(text, (_, at) => text.subarray(at, at + 1));
  expect(bytesInPieces(pieces).equals(text)).toBeTrue();
  const key = examplesOf(RULES.find(({ id }) => id === 'groq-api-key') ?? RULES[0]!)[0] ?? '';
  const withKey = Buffer.concat([noise, Buffer.from(`\0${key}\0`), noise]);
  const clean = Buffer.concat([noise, Buffer.from(`\0${markOf('groq-api-key')}\0`), noise]);
  expect(bytesInPieces([withKey.subarray(0, 4020), withKey.subarray(4020)]).equals(clean)).toBeTrue();
});

test('after its end a redactor begins a text of its own, and has counted what it took out of all', () => {
  const key = sample('alnum', 52);
  const redactor = createRedactor({ mark: (rule) => `<${rule}>` });
  const start = ['g', 'sk_'].join('');
  expect(redactor.push(`${start}${key.slice(0, 20)}`)).toBe('');
  expect(redactor.end()).toBe('<groq-api-key>');
  expect(redactor.push(`${key.slice(20)}\n${start}${key} `)).toBe(`${key.slice(20)}\n<groq-api-key> `);
  expect([...redactor.found]).toEqual([['groq-api-key', 2]]);
});

test('an id that no rule has is refused; a rule that is left out finds nothing', () => {
  expect(() => createRedactor({ except: ['groq'] })).toThrow('No rule has the id "groq".');
  const key = `${['g', 'sk_'].join('')}${sample('alnum', 52)}`;
  expect(redactText(key, { except: ['groq-api-key'] })).toBe(key);
});
