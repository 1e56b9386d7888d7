import { describe, expect, test } from 'bun:test';
import { findSecrets, valueOf } from './detect.ts';
import { sample } from './samples.ts';

function found(text: string): string[] {
  const bytes = Buffer.from(text);
  return findSecrets(bytes).map((hit) => `${hit.rule.id} ${valueOf(bytes, hit)}`);
}

const MIXED = sample('alnum', 32);
const HASH = sample('hex', 40);

describe('the name of a provider tells its key', () => {
  test.each([
    ['in an attribute of XML', (key: string) => `<add key="MISTRAL_API_KEY" value="${key}" />`],
    ['behind the value', (key: string) => `<add value="${key}" key="MISTRAL_API_KEY" />`],
    ['in a scalar over lines', (key: string) => `mistral_api_key: |\n  ${key}\n`],
    ['as the name beside a value', (key: string) => `- name: MISTRAL_API_KEY\n  value: "${key}"\n`],
    ['in a head of a table', (key: string) => `id,mistral_api_key,owner\n7,${key},ann\n`],
    ['in a column of SQL', (key: string) => `INSERT INTO keys (key, provider) VALUES ('${key}', 'mistral');`],
    ['as the host of a request', (key: string) => `Host: api.mistral.ai\r\nAuthorization: Bearer ${key}\r\n`],
    ['as the user of an address', (key: string) => `https://mistral:${key}@x.example/`],
    ['in a comment', (key: string) => `const k = "${key}"; // mistral api key`],
    ['with a typed declaration', (key: string) => `val mistralApiKey: String = "${key}"`],
    ['added to', (key: string) => `mistral_key += "${key}"`],
    ['glued to the value', (key: string) => `mistral_key_${key}`],
  ])('%s', (_, write) => {
    expect(found(write(MIXED))).toEqual([`mistral-api-key ${MIXED}`]);
    const hash = write(HASH).replaceAll('mistral', 'deepgram').replaceAll('MISTRAL', 'DEEPGRAM');
    expect(found(hash)).toEqual([`deepgram-api-key ${HASH}`]);
  });

  test('of two names near it, the nearer one', () => {
    const text = `DEEPGRAM_API_KEY=${HASH}\nWANDB_API_KEY=${sample('hex', 40, 1)}\n`;
    expect(found(text).map((one) => one.split(' ')[0])).toEqual(['deepgram-api-key', 'wandb-legacy-key']);
    const escaped = JSON.stringify({ env: text });
    expect(found(escaped).map((one) => one.split(' ')[0])).toEqual(['deepgram-api-key', 'wandb-legacy-key']);
  });
});

test('a hash beside the name of a provider is none', () => {
  for (const text of [
    `deepgram commit: ${HASH}`,
    `"deepgram": { "resolved": "git+ssh://x#${HASH}" }`,
    `deepgram:\n  rev: ${HASH}\n`,
    `deepgram cache key: ${HASH}`,
    `DEEPGRAM_API_KEY=\nCACHE_ID=${HASH}\n`,
    `DEEPGRAM_API_KEY=\n\n${HASH}\n`,
    `${HASH}  deepgram-sdk-3.0.tar.gz`,
    `"deepgram-sdk": "sha1-${HASH}"`,
  ]) {
    expect([text, found(text)]).toEqual([text, []]);
  }
});

test('what is a piece of base64, or a name of a program, is no key', () => {
  for (const text of [
    `"mistral": "sha512-${sample('alnum', 20)}/${MIXED}+${sample('alnum', 20)}=="`,
    `mistral: MistralChatCompletionStreamItems`,
    `mistral/${sample('alnum', 31)}`,
    `MISTRAL_API_KEY=OTHER_VENDOR\nOTHER_CLIENT_ID=${MIXED}\n`,
  ]) {
    expect([text, found(text)]).toEqual([text, []]);
  }
});

describe('the secret half of an AWS key', () => {
  // No run of it is long enough to be noticed.
  const secret = [0, 1, 2, 3].map((part) => sample('alnum', part === 3 ? 10 : 9, part)).join('/');

  test.each([
    ['behind its name', `export AWS_SECRET_ACCESS_KEY="${secret}"`],
    ['behind its name in camel case', `secretAccessKey: '${secret}',`],
    ['beside its id', `key = "AKIA${sample('base32', 16)}"\nsecret = "${secret}"\n`],
    ['before its id', `${secret},AKIA${sample('base32', 16)}`],
  ])('%s', (_, text) => {
    expect(found(text)).toContain(`aws-secret-access-key ${secret}`);
  });

  test('is not any text of that length', () => {
    expect(found(`AKIA${sample('base32', 16)} ${sample('hex', 40)}`)).toHaveLength(1);
    expect(found(`secretAccessKey: ${'some/path/of/a/file/that/is/long'.padEnd(40, 'x')}`)).toEqual([]);
    expect(found(`secret = "${secret}"`)).toEqual([]);
  });
});

test('values end where a dash is glued to them, a comment closes or the next value begins', () => {
  const google = `AIza${sample('key', 34)}x`;
  for (const behind of ['-', '_', '-->', '-prod', '_old', '']) {
    expect(found(`<!--${google}${behind} `)).toEqual([`google-api-key ${google}`]);
  }
  const groq = (seed: number): string =>
    `gsk_${sample('alnum', 20, seed)}WGdyb3FY${sample('alnum', 24, seed)}`;
  expect(found(groq(1) + groq(2))).toEqual([`groq-api-key ${groq(1)}`, `groq-api-key ${groq(2)}`]);
  const openAi = `sk-proj-${sample('key', 58)}T3BlbkFJ${sample('key', 58)}`;
  expect(found(openAi + openAi)).toEqual([`openai-project-key ${openAi}`, `openai-project-key ${openAi}`]);
});

test('a token of JSON that has expired only may be a secret', () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = (exp?: number): string =>
    `${part({ alg: 'HS256' })}.${part({ sub: 'a', ...(exp === undefined ? {} : { exp }) })}.${sample('key', 43)}`;
  const sure = (text: string): boolean[] => findSecrets(Buffer.from(text)).map((hit) => hit.sure);
  expect(sure(token(1_000_000_000))).toEqual([false]);
  expect(sure(token(32_000_000_000))).toEqual([true]);
  expect(sure(token())).toEqual([true]);
});
