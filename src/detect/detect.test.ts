import { describe, expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { newToken, TOKEN_TYPES } from '../access/token-format.ts';
import { findSecrets, LONGEST_VALUE_BYTES, valueOf, withoutOverlaps } from './detect.ts';
import { examine, type Hit, matchersOf } from './examine.ts';
import type { PrefixShape, Rule } from './rule.ts';
import { RULES } from './rules.ts';
import { sample } from './samples.ts';
import { randomText } from './test-values.ts';

const UNRESERVED = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-';

const random = (length: number, characters = UNRESERVED): string => randomText(length, characters);
const alnum = (length: number): string => randomText(length);
const hex = (length: number): string => randomText(length, '0123456789abcdef');

function found(text: string): string[] {
  const bytes = Buffer.from(text);
  return findSecrets(bytes).map((hit) => `${hit.sure ? '' : 'maybe '}${hit.rule.id} ${valueOf(bytes, hit)}`);
}

/** Values as other tools describe them, written down apart from the table. */
const KEYS: readonly (readonly [id: string, make: () => string])[] = [
  ['groq-api-key', () => `gsk_${alnum(52)}`],
  ['groq-api-key', () => `gsk_${alnum(20)}WGdyb3FY${alnum(24)}`],
  ['openai-api-key', () => `sk-${alnum(20)}T3BlbkFJ${alnum(20)}`],
  ['openai-api-key', () => `sk-${alnum(48)}`],
  ['openai-project-key', () => `sk-proj-${random(74)}T3BlbkFJ${random(74)}`],
  ['openai-project-key', () => `sk-proj-${random(58)}T3BlbkFJ${random(58)}`],
  ['openai-project-key', () => `sk-svcacct-${random(51)}T3BlbkFJ${random(58)}`],
  ['openai-project-key', () => `sk-admin-${random(58)}T3BlbkFJ${random(58)}`],
  ['openai-project-key', () => `sk-proj-${random(20)}T3BlbkFJ${random(20)}`],
  ['openai-project-key', () => `sk-None-${random(110)}`],
  ['anthropic-api-key', () => `sk-ant-api03-${random(93)}AA`],
  ['anthropic-api-key', () => `sk-ant-admin01-${random(93)}AA`],
  ['google-api-key', () => `AIzaSy${random(33)}`],
  ['google-bound-key', () => `AQ.Ab8RN6${random(44)}`],
  ['openrouter-api-key', () => `sk-or-v1-${hex(64)}`],
  ['huggingface-token', () => `hf_${random(34, 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')}`],
  ['huggingface-token', () => `api_org_${alnum(34)}`],
  ['xai-api-key', () => `xai-${alnum(80)}`],
  ['replicate-api-token', () => `r8_${alnum(37)}`],
  ['perplexity-api-key', () => `pplx-${alnum(48)}`],
  ['cerebras-api-key', () => `csk-${random(48, '0123456789abcdefghijklmnopqrstuvwxyz')}`],
  ['nvidia-api-key', () => `nvapi-${random(64)}`],
  ['together-api-key', () => `tgp_v1_${random(43)}`],
  ['fireworks-api-key', () => `fw_aB1${alnum(21)}`],
  ['langsmith-api-key', () => `lsv2_pt_${hex(32)}_${hex(10)}`],
  ['langfuse-secret-key', () => `sk-lf-${[8, 4, 4, 4, 12].map(hex).join('-')}`],
  ['wandb-api-key', () => `wandb_v1_${random(77)}`],
  ['databricks-token', () => `dapi${hex(32)}`],
  ['aws-access-key-id', () => `AKIA${random(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`],
  [
    'aws-bedrock-api-key',
    () => `ABSK${random(132, 'ABCDEFGHIJabcdefghij0123456789+/KLMNOPQRSTUVWXYZklmnopqrstuvwxyz')}`,
  ],
  ['github-token', () => `ghp_${alnum(36)}`],
  ['github-fine-grained-token', () => `github_pat_${alnum(22)}_${alnum(59)}`],
  ['gitlab-token', () => `glpat-${random(20)}`],
  ['npm-token', () => `npm_${alnum(36)}`],
  ['sallyport-token', () => newToken('service').text],
];

/** Where keys stand in real files. */
const CARRIERS: readonly (readonly [string, (key: string) => string])[] = [
  ['alone', (key) => key],
  ['.env', (key) => `A=1\nAPI_KEY=${key}\nB=2\n`],
  ['JSON', (key) => `{"apiKey":"${key}","x":1}`],
  ['YAML', (key) => `key: ${key}\r\nother: 1\r\n`],
  ['quoted', (key) => `const key = '${key}';`],
  ['bearer', (key) => `-H "Authorization: Bearer ${key}"`],
  ['CSV', (key) => `1,${key},x`],
  ['parentheses', (key) => `client(${key})`],
  ['a table of Markdown', (key) => `| key | ${key} |`],
  ['code of Markdown', (key) => `use \`${key}\`.`],
  ['XML', (key) => `<key>${key}</key>`],
  ['a query', (key) => `https://x.example/?key=${key}&a=b`],
  ['a path', (key) => `https://x.example/${key}/v1`],
  ['brackets', (key) => `[x=${key}] {y=${key}}`],
  ['user information', (key) => `https://user:${key}@x.example`],
  ['the end of a sentence', (key) => `The key is ${key}.`],
  ['behind an escape', (key) => `"A=1\\n${key}\\nB=2"`],
  ['behind a tab escape', (key) => `"A\\t${key}\\tB"`],
  ['percent-encoded surroundings', (key) => `?q=key%3D${key}%26x`],
  ['unicode escapes around it', (key) => `"\\u0022${key}\\u0022"`],
  ['colours of a terminal', (key) => `\u001b[31m${key}\u001b[0m`],
  ['glued to a name', (key) => `token_${key}`],
  ['bytes that are no text', (key) => `\u0000\u0001${key}\u0000`],
];

describe.each(CARRIERS)('in %s', (_, carry) => {
  test('every kind of key is found', () => {
    for (const [id, make] of KEYS) {
      for (let run = 0; run < 5; run += 1) {
        const key = make();
        // The last character must not be one that the surroundings could go on with.
        if (/[-_]$/.test(key) || (id === 'aws-bedrock-api-key' && carry('').includes('/'))) continue;
        const results = found(carry(key));
        expect([carry(key), new Set(results)]).toEqual([carry(key), new Set([`${id} ${key}`])]);
      }
    }
  });
});

test.each(RULES.map((rule) => [rule.id, rule] as const))(
  'the examples of %s are found, its counter-examples not',
  (_, rule) => {
    const positive = examplesOf(rule);
    expect(positive.length).toBeGreaterThan(0);
    for (const text of positive) {
      const bytes = Buffer.from(`x = "${text}";`);
      const hits = findSecrets(bytes, 0, bytes.length, rule.onRequest);
      if (rule.onRequest) expect(findSecrets(bytes)).toEqual([]);
      expect([text, hits.map((hit) => [hit.rule.id, hit.sure])]).toEqual([text, [[rule.id, true]]]);
    }
    for (const text of rule.negative?.() ?? []) expect([text, found(`x = "${text}";`)]).toEqual([text, []]);
  },
);

function examplesOf({ shape, positive }: Rule): readonly string[] {
  if (positive) return positive();
  if (shape.by === 'pem') return [privateKey('ec', 'pkcs8')];
  if (shape.by !== 'prefix') throw new Error('this rule needs examples of its own');
  return shape.prefixes.flatMap((prefix, seed) =>
    shape.lengths.map(([least]) => `${shape.lead ?? ''}${prefix}${sample(shape.alphabet, least, seed)}`),
  );
}

test('ids are unique, and every rule says where to revoke', () => {
  expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
  expect(RULES.length).toBeGreaterThan(30);
  for (const { id, revoke } of RULES) {
    expect(id).toMatch(/^[a-z0-9-]+$/);
    expect(revoke).not.toBe('');
  }
});

describe('what the common check for Groq keys stops, is stopped', () => {
  const COMMON = /gsk_[a-zA-Z0-9]{20,}/g;
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constant(['gs', 'k_'].join('')) },
    { weight: 4, arbitrary: fc.nat(60).map((length) => alnum(length)) },
    { weight: 2, arbitrary: fc.nat(60).map((length) => 'x'.repeat(length)) },
    fc.constantFrom(
      ' ',
      '_',
      '-',
      '"',
      '\n',
      '=',
      '\\n',
      'sk-',
      'sk-proj-',
      'xai-',
      'AIza',
      'sallyp_s',
      'T3BlbkFJ',
      'é',
    ),
    fc.string({ maxLength: 4 }),
  );

  test('at every place where it matches there is a finding', () => {
    let matched = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const text = pieces.join('');
        const bytes = Buffer.from(text);
        const latin = bytes.toString('latin1');
        const hits = findSecrets(bytes);
        for (const match of latin.matchAll(COMMON)) {
          matched += 1;
          const end = match.index + match[0].length;
          expect(hits.some((hit) => hit.start < end && hit.end > match.index)).toBe(true);
        }
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(2000);
  });

  test('also where one value seems to hold it, and another is surely in that', () => {
    const text = `sk-proj-${alnum(20)}-gsk_${'x'.repeat(20)}-sk-${alnum(48)}`;
    const at = text.indexOf('gsk_');
    const hits = findSecrets(Buffer.from(text));
    expect(hits.some((hit) => hit.start <= at && hit.end > at)).toBe(true);
    expect(hits.some((hit) => hit.sure)).toBe(true);
  });

  test('nothing that was found is left without a finding at its place', () => {
    const span = fc.record({
      start: fc.nat(60),
      length: fc.integer({ min: 1, max: 30 }),
      sure: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 8 }), (spans) => {
        const rule = RULES[0]!;
        const all = spans.map(({ start, length, sure }): Hit => ({ rule, start, end: start + length, sure }));
        const kept = withoutOverlaps([...all]);
        for (const [index, hit] of kept.entries()) {
          expect(hit.start).toBeGreaterThanOrEqual(kept[index - 1]?.end ?? 0);
        }
        for (const hit of all) {
          const overlapping = kept.filter((one) => one.start < hit.end && hit.start < one.end);
          expect(overlapping.length).toBeGreaterThan(0);
          // What is sure gives way to what is sure only, and a key to a key.
          if (hit.sure) expect(overlapping.some(({ sure }) => sure)).toBe(true);
          if (hit.sure && hit.rule.guessable !== true)
            expect(overlapping.some(({ sure, rule }) => sure && rule.guessable !== true)).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('and no fewer characters are', () => {
    expect(found(`gsk_${alnum(19)}`)).toEqual([]);
    expect(found(`gsk_${alnum(20)}`)).toHaveLength(1);
  });
});

/** The same checks at every place, without runs, groups or searches. */
function slowly(bytes: Uint8Array): Hit[] {
  const matchers = RULES.flatMap(matchersOf).sort((a, b) => b.prefix.length - a.prefix.length);
  const hits: Hit[] = [];
  for (let at = 0; at < bytes.length; at += 1) {
    const here = matchers.flatMap((matcher) => examine(bytes, at, bytes.length, matcher) ?? []);
    const best = here.find(({ sure }) => sure) ?? here[0];
    if (!best) continue;
    hits.push(best);
    if (best.sure) at = best.end - 1;
  }
  return withoutOverlaps(hits);
}

const fragment = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(
        ...RULES.map(({ shape }) => shape).filter((shape): shape is PrefixShape => shape.by === 'prefix'),
      )
      .chain((shape) =>
        fc
          .tuple(
            fc.constantFrom(...shape.prefixes),
            fc.oneof(fc.nat(130), fc.constantFrom(...shape.lengths.flat())),
            fc.nat(9),
          )
          .map(
            ([prefix, length, seed]) => `${shape.lead ?? ''}${prefix}${sample(shape.alphabet, length, seed)}`,
          ),
      ),
  },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS).map(([, make]) => make()) },
  fc.constantFrom(' ', '\n', '"', '_', '-', '.', '\\n', '%3D', 'T3BlbkFJ', 'WGdyb3FY', 'x'.repeat(40)),
);

test('the search finds what trying every rule at every place finds', () => {
  let count = 0;
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 6 }), (fragments) => {
      const bytes = Buffer.from(fragments.join(''), 'latin1');
      // A value with a lead may begin in the one before; of those that overlap, one is kept.
      if (/[\w-]AQ\.Ab8RN6/.test(fragments.join(''))) return;
      const plain = (hits: readonly Hit[]): string[] =>
        hits.map(({ rule, start, end, sure }) => `${rule.id} ${start} ${end} ${sure}`);
      const slow = plain(slowly(bytes));
      count += slow.length;
      // Base64 values are searched for apart, and may overlap others in ways that a single walk does not meet.
      if (fragments.join('').includes('ABSK')) return;
      expect(plain(findSecrets(bytes))).toEqual(slow);
    }),
    { numRuns: 1500 },
  );
  expect(count).toBeGreaterThan(500);
});

test('what is searched in two pieces that overlap is found as in one', () => {
  const overlap = LONGEST_VALUE_BYTES;
  const around = random(20_000, 'abc \n');
  const text = `${around} ${KEYS.map(([, make]) => make()).join('\n')} ${around}`;
  const bytes = Buffer.from(text, 'latin1');
  const whole = findSecrets(bytes).map(({ rule, start }) => `${rule.id} ${start}`);
  expect(whole.length).toBe(KEYS.length);
  for (const cut of [20_010, 20_500, 21_111, 22_000]) {
    const first = findSecrets(bytes, 0, cut + overlap).filter(({ start }) => start < cut);
    const resumeAt = Math.max(cut, first.at(-1)?.end ?? 0);
    const second = findSecrets(bytes, resumeAt);
    expect([...first, ...second].map(({ rule, start }) => `${rule.id} ${start}`)).toEqual(whole);
  }
});

describe('private keys', () => {
  test.each([
    ['rsa', 'pkcs1'],
    ['rsa', 'pkcs8'],
    ['ec', 'sec1'],
    ['ec', 'pkcs8'],
    ['ed25519', 'pkcs8'],
  ] as const)('%s in %s, on lines, in JSON and indented, is one finding with one value', (kind, type) => {
    const key = privateKey(kind, type);
    const texts = [key, JSON.stringify({ key }), key.replaceAll('\n', '\r\n'), key.replaceAll(/^/gm, '    ')];
    const values = new Set(texts.flatMap((text) => found(text)));
    expect(values.size).toBe(1);
    expect([...values][0]).toMatch(/^private-key [A-Za-z0-9+/=]{60,}$/);
  });

  test('an encrypted one, and one of OpenPGP or OpenSSH, counts', () => {
    for (const name of ['ENCRYPTED', 'OPENSSH', 'DSA']) {
      const text = [`-----BEGIN ${name}`, `PRIVATE KEY-----\n${random(64)}\n${random(64)}`].join(' ');
      expect(found(text.replaceAll('_', '+').replaceAll(/(?<=[^-\n ])-(?=[^-])/g, '/'))).toHaveLength(1);
    }
    const block = ['-----BEGIN PGP', `PRIVATE KEY BLOCK-----\n\n${alnum(64)}\n${alnum(64)}\n`].join(' ');
    expect(found(block)[0]).toStartWith('private-key ');
  });

  test('the first line alone may be one; public keys and prose are none', () => {
    const begin = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
    expect(found(begin)).toEqual(['maybe private-key BEGINPRIVATEKEY']);
    expect(found(`${begin}\n...\n${begin.replace('BEGIN', 'END')}`)[0]).toStartWith('maybe private-key');
    expect(found(begin.replace('PRIVATE', 'PUBLIC'))).toEqual([]);
    expect(found('keep the PRIVATE KEY----- safe, and -----BEGIN nothing')).toEqual([]);
  });
});

function privateKey(kind: 'rsa' | 'ec' | 'ed25519', type: 'pkcs1' | 'pkcs8' | 'sec1'): string {
  const publicKeyEncoding = { type: 'spki', format: 'pem' } as const;
  const privateKeyEncoding = { type, format: 'pem' } as const;
  const encodings = { publicKeyEncoding, privateKeyEncoding } as never;
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 1024, ...(encodings as object) } as never)
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256', ...(encodings as object) } as never)
        : generateKeyPairSync('ed25519', encodings);
  return String((pair as { privateKey: unknown }).privateKey);
}

test('Sallyport tokens of every type are found by their checksum, look-alikes are not', () => {
  for (const type of Object.values(TOKEN_TYPES)) {
    const { text } = newToken(type);
    expect(found(`x ${text}`)).toEqual([`sallyport-token ${text}`]);
    const wrong = text.slice(0, -1) + (text.endsWith('0') ? '1' : '0');
    expect(found(`x ${wrong}`)).toEqual([]);
  }
});

test('what looks like a key from afar is none', () => {
  for (const text of [
    'task-queue-and-risk-assessment-with-a-long-name-of-its-own',
    'hf_hub_download_url_with_a_really_long_function_name_here',
    'https://example.com/desk-proj-9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c',
    'sha512-9f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a==',
    'sk-ant-api03-your-anthropic-api-key-goes-here-please-replace-it-with-the-real-one-of-yours',
    `sk-proj-${'x'.repeat(48)}T3BlbkFJ${'x'.repeat(48)}`,
    ['AKIA', 'IOSFODNN7EXAMPLE'].join(''),
    'f47ac10b-58cc-4372-a567-0e02b2c3d479',
    'gsk_your_api_key_here_please_replace_it_with_yours',
    'sallyp_s' + 'x'.repeat(12) + '_' + 'x'.repeat(38),
  ]) {
    expect([text, found(`key = "${text}"`)]).toEqual([text, []]);
  }
});

test('no input makes the search slower than its length', () => {
  const size = 1 << 18;
  const begin = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
  const units = [
    ...RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? shape.prefixes : [])),
    'T3BlbkFJ',
    'sk-T3BlbkFJ',
    'sk-proj-a1b2c3d4e5f6',
    'gsk_a1b2c3d4e5f6g7h8',
    'AQ.Ab8RN6',
    begin,
    `${begin}\n${sample('alnum', 60)}\n`,
    'PRIVATE KEY',
    '-----BEGIN ',
    'x',
    '-',
    'a'.repeat(19) + ' ',
    'ABSK',
    `ABSK${sample('base64', 100)}`,
  ];
  // Were anything quadratic, this would take hours, which the timeout of the suite does not leave.
  for (const unit of units) findSecrets(Buffer.from(unit.repeat(Math.ceil(size / unit.length)), 'latin1'));
  findSecrets(Buffer.from(`gsk_${'a'.repeat(size)}`, 'latin1'));
  findSecrets(Buffer.from(random(size), 'latin1'));
  expect(units.length).toBeGreaterThan(50);
});

describe('keys that only their surroundings tell', () => {
  const contexts: readonly (readonly [string, (name: string, key: string) => string])[] = [
    ['.env', (name, key) => `${name}=${key}\n`],
    ['quoted', (name, key) => `export ${name}="${key}"`],
    ['JSON', (name, key) => `{"${name}": "${key}"}`],
    ['YAML', (name, key) => `${name.toLowerCase()}: ${key}\n`],
    ['a typed constant', (name, key) => `const ${name}: string = '${key}';`],
    ['Python', (name, key) => `os.environ["${name}"] = "${key}"`],
    ['PHP', (name, key) => `'${name}' => '${key}',`],
    ['CSV', (name, key) => `${name},${key},x`],
    ['XML', (name, key) => `<${name}>${key}</${name}>`],
    ['a query', (name, key) => `?${name}=${key}&x=1`],
    ['a call', (name, key) => `${name.toLowerCase()}_client("${key}")`],
  ];
  const base64 = (length: number): string =>
    random(length, 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

  test.each([
    ['mistral-api-key', 'MISTRAL_API_KEY', () => alnum(32)],
    ['cohere-api-key', 'COHERE_API_KEY', () => alnum(40)],
    ['deepseek-api-key', 'DEEPSEEK_API_KEY', () => `sk-${hex(32)}`],
    ['azure-openai-key', 'AZURE_OPENAI_API_KEY', () => hex(32)],
    ['assemblyai-api-key', 'ASSEMBLYAI_API_KEY', () => hex(32)],
    ['deepgram-api-key', 'DEEPGRAM_API_KEY', () => hex(40)],
    ['wandb-legacy-key', 'WANDB_API_KEY', () => hex(40)],
    ['together-legacy-key', 'TOGETHER_API_KEY', () => hex(64)],
  ] as const)('%s', (id, name, make) => {
    for (const [, write] of contexts) {
      for (let run = 0; run < 5; run += 1) {
        const key = make();
        expect([write(name, key), found(write(name, key))]).toEqual([write(name, key), [`${id} ${key}`]]);
      }
      // Without the name it could be anything.
      expect(found(write('BUILD_HASH', make())).filter((hit) => !hit.startsWith('maybe'))).toEqual([]);
    }
  });

  test('an AWS secret, with a plus or a slash anywhere', () => {
    for (let run = 0; run < 200; run += 1) {
      const key = base64(40);
      expect([key, found(`AWS_SECRET_ACCESS_KEY=${key}\n`)]).toEqual([key, [`aws-secret-access-key ${key}`]]);
    }
  });

  test('hashes beside the name of a provider are none', () => {
    for (const text of [
      `mistral-7b.gguf ${hex(64)}`,
      `"deepgram-sdk": "https://github.com/x/y.git#${hex(40)}"`,
      `cohere@sha1:${hex(40)}`,
      `wandb/run-${hex(32)}`,
      `azure-pipelines commit ${hex(40)}`,
      `openai md5: ${hex(32)}`,
    ]) {
      expect([text, found(text)]).toEqual([text, []]);
    }
  });
});

test('addresses with a password are found, those that lead nowhere are not', () => {
  const password = alnum(20);
  for (const scheme of [
    'postgres',
    'postgresql',
    'mysql',
    'mongodb+srv',
    'redis',
    'rediss',
    'amqps',
    'https',
    'postgresql+asyncpg',
  ]) {
    const address = `${scheme}://app:${password}@db.acme.io`;
    expect(found(`DATABASE_URL=${address}:5432/app?x=1`)).toEqual([`connection-string ${address}`]);
  }
  expect(found(`redis://:${password}@cache.acme.io:6379`)).toHaveLength(1);
  for (const text of [
    `postgres://app:${password}@localhost/app`,
    `postgres://app:${password}@127.0.0.1/app`,
    `postgres://app:${password}@postgres:5432/app`,
    `postgres://app:${password}@db.example.com/app`,
    'postgres://user:password@db.acme.io/app',
    'mysql://root:changeme123@db.acme.io/app',
    'https://user:your-password-here@git.acme.io/x.git',
    'postgres://${USER}:${PASSWORD}@db.acme.io/app',
    'postgres://<user>:<password>@db.acme.io/app',
    'https://user:he%2F%2Fo@pypi.acme.io/simple',
    'https://cdn.acme.io/npm/@scope/name:latest@1.0.0',
    'http://a.acme.io:8080/path@x',
  ]) {
    expect([text, found(text)]).toEqual([text, []]);
  }
});

test('a key in the place of a password is told as the key that it is', () => {
  const key = `gsk_${alnum(52)}`;
  for (const text of [
    `https://oauth2:${key}@gitlab.com/a.git`,
    `https://x:${key}@host/`,
    `redis://:${key}@db.internal:6379`,
  ])
    expect(found(text)).toEqual([`groq-api-key ${key}`]);
});
