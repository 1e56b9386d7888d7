import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { redactCredentials, redactShapes, redactValue } from './redact.ts';
import { RULES } from './rules.ts';
import { randomText } from './test-values.ts';

/** Put together at run time, so that no scanner takes one for real. */
const BODY = 'aB3'.repeat(14);
const KEYS = [
  'gsk_',
  'sk-',
  'sk-proj-',
  'sk-ant-api03-',
  'sallyp_s',
  'AIza',
  'hf_',
  'xai-',
  'ghp_',
  'github_pat_',
  'glpat-',
  'xoxb-',
].map((prefix) => prefix + BODY);
const AROUND: readonly ((key: string) => string)[] = [
  (key) => key,
  (key) => `Invalid key: ${key}.`,
  (key) => `"${key}"`,
  (key) => `key=${key}&x=1`,
  (key) => `x${key}`,
  (key) => `line\n${key}\nline`,
  (key) => JSON.stringify({ detail: `\n${key}` }),
];

test.each(KEYS.map((key) => [key.slice(0, 6), key] as const))(
  'a key that begins with %s is taken out wherever it stands',
  (_, key) => {
    for (const around of AROUND) {
      for (const redact of [redactShapes, redactCredentials]) {
        const clean = redact(around(key));
        expect(clean).toContain('[redacted]');
        expect(clean).not.toContain(BODY.slice(0, 12));
      }
    }
  },
);

test.each(['Bearer abcdefgh12345', 'authorization: bearer  dXNlcjpwYXNz', 'BASIC dXNlcjpwYXNzd29yZA=='])(
  'the value in %p is taken out, the scheme stays',
  (text) => {
    expect(redactCredentials(text)).toMatch(/^(?:authorization: )?(?:bearer|basic) \[redacted\]$/i);
  },
);

test('every prefix that a rule of the scanner knows is taken out, and none is lost that ever was', () => {
  const old =
    'gsk_ sk- sallyp_ AIza hf_ r8_ xai- pplx- csk- nvapi- tgp_v1_ fw_ AKIA ASIA ghp_ github_pat_ glpat- xoxb- xoxp-';
  const known = RULES.flatMap(({ shape }) =>
    shape.by === 'prefix' ? shape.prefixes.map((prefix) => `${shape.lead ?? ''}${prefix}`) : [],
  );
  expect(known.length).toBeGreaterThan(40);
  for (const prefix of [...old.split(' '), ...known]) {
    // Twelve characters are enough, of whatever they are.
    expect(redactCredentials(`(${prefix}${'x1-'.repeat(4)})`)).toBe('([redacted])');
  }
});

test('a private key is taken out, whole or cut, on lines or escaped', () => {
  const begin = ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' ');
  const body = [randomText(64), randomText(64), randomText(20)];
  for (const end of ['\n', '\\n']) {
    const key = [begin, ...body, begin.replace('BEGIN', 'END')].join(end);
    expect(redactCredentials(`key: ${key}, more`)).toBe('key: [redacted], more');
    expect(redactCredentials(`key: ${[begin, ...body].join(end)}`)).toBe('key: [redacted]');
  }
});

test('for the log, a long run of mixed characters is taken for a key of unknown form', () => {
  const unknown = `Zz9${randomText(40)}`;
  expect(redactShapes(`token ${unknown} end`)).toBe('token [redacted] end');
  expect(redactCredentials(`token ${unknown} end`)).toContain(unknown);
});

test('what a reader needs stays: words, ids, hashes, models, addresses', () => {
  for (const text of [
    'req_0123456789ABCDEFG',
    'The model `openai/gpt-oss-120b` does not exist',
    'meta-llama/llama-4-maverick-17b-128e-instruct',
    'a'.repeat(64),
    'n1@000001/12',
    '2026-11-21T12:00:00.000Z',
    'Rate limit reached: Limit 8000, Used 7999',
    'https://console.groq.com/settings/billing',
  ]) {
    expect(redactShapes(text)).toBe(text);
    expect(redactCredentials(text)).toBe(text);
  }
});

test('redacting twice is redacting once', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...KEYS, 'Bearer ', ' ', '\n', '"'), fc.string()), { maxLength: 6 }),
      (pieces) => {
        const once = redactShapes(pieces.join(''));
        expect(redactShapes(once)).toBe(once);
      },
    ),
  );
});

test('no 16 characters in a row of a known value are left, however it is cut and glued', () => {
  const piece = fc.oneof(
    fc
      .tuple(fc.nat(55), fc.nat(55))
      .map(([from, to]) => ({ from: Math.min(from, to), to: Math.max(from, to) })),
    fc.string({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9_]{56}$/),
      fc.array(piece, { maxLength: 6 }),
      (secret, pieces) => {
        const text = pieces
          .map((one) => (typeof one === 'string' ? one : secret.slice(one.from, one.to)))
          .join('');
        const clean = redactValue(text, secret);
        for (let at = 0; at + 16 <= secret.length; at += 1)
          expect(clean).not.toContain(secret.slice(at, at + 16));
      },
    ),
    { numRuns: 300 },
  );
});

test('what does not come from the value stays as it is', () => {
  const secret = randomText(56);
  expect(redactValue(`before ${secret} after`, secret)).toBe('before [redacted] after');
  expect(redactValue(`${secret}${secret}`, secret)).toBe('[redacted][redacted]');
  expect(redactValue(`first ${secret.slice(0, 15)} only`, secret)).toBe(`first ${secret.slice(0, 15)} only`);
  expect(redactValue('nothing here', secret)).toBe('nothing here');
  expect(redactValue('', secret)).toBe('');
  expect(redactValue('text', '')).toBe('text');
  expect(redactValue('a short one', 'short')).toBe('a [redacted] one');
});
