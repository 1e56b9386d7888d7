import { expect, test } from 'bun:test';
import { redactShapes } from '../detect/redact.ts';
import { RULES } from '../detect/rules.ts';
import { sample } from '../detect/samples.ts';
import { redactForLog, redactProviderText } from './for-log.ts';
import { examplesOf } from './test-fixtures.ts';

test('the log leaves out whatever the shapes of the scanner leave out, and what they do not know', () => {
  const texts = RULES.flatMap((rule) => examplesOf(rule)).map((example) => `a ${example}, and more`);
  for (const text of [
    ...texts,
    'Bearer abcdefgh',
    `x Zz9${sample('alnum', 40)} y`,
    `hf_${sample('hex', 14)}`,
  ]) {
    const values = redactShapes(text).split('[redacted]').join('\0');
    const out = redactForLog(text);
    // Each piece that the shapes took out is gone here too.
    for (const word of text.split(/[^A-Za-z0-9_-]+/)) {
      if (word.length >= 12 && !values.includes(word)) expect(out).not.toContain(word);
    }
  }
  const key = sample('alnum', 32);
  expect(redactShapes(`MISTRAL_API_KEY=${key.toLowerCase()}`)).toContain(key.toLowerCase());
  expect(redactForLog(`DEEPGRAM_API_KEY=${sample('hex', 40)}`)).toBe(
    'DEEPGRAM_API_KEY=[redacted deepgram-api-key]',
  );
});

test('what a reader needs stays in the log and in what a provider said', () => {
  for (const text of [
    'req_0123456789ABCDEFG',
    'The model `openai/gpt-oss-120b` does not exist',
    'meta-llama/llama-4-maverick-17b-128e-instruct',
    'a'.repeat(64),
    '2026-11-21T12:00:00.000Z',
    'Rate limit reached: Limit 8000, Used 7999',
  ]) {
    expect(redactForLog(text)).toBe(text);
    expect(redactProviderText(text)).toBe(text);
  }
  expect(redactProviderText(`AZURE_OPENAI_API_KEY=${sample('hex', 32)}`)).toBe(
    'AZURE_OPENAI_API_KEY=[redacted]',
  );
});
