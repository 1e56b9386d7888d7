import { expect, test } from 'bun:test';
import { isStreamError, isUsageOnly, readUsage } from './openai-answer.ts';

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const counts = { promptTokens: 11, completionTokens: 7, cachedTokens: 0 };
const chunk = 'chat.completion.chunk';

test.each<[string, unknown, object | null]>([
  ['at the top of an answer', { usage }, counts],
  [
    'with cached tokens',
    { usage: { ...usage, prompt_tokens_details: { cached_tokens: 4 } } },
    { ...counts, cachedTokens: 4 },
  ],
  ['with null details', { usage: { ...usage, prompt_tokens_details: null } }, counts],
  [
    'with null cached tokens',
    { usage: { ...usage, prompt_tokens_details: { cached_tokens: null } } },
    counts,
  ],
  ['in x_groq of a stream', { object: chunk, x_groq: { id: 'x', usage } }, counts],
  ['null at the top and stated in x_groq', { object: chunk, usage: null, x_groq: { usage } }, counts],
  [
    'at the top before x_groq',
    { object: chunk, usage, x_groq: { usage: { ...usage, prompt_tokens: 1 } } },
    counts,
  ],
  [
    'x_groq of a whole answer counts a hardware cache',
    { object: 'chat.completion', x_groq: { usage } },
    null,
  ],
  ['nowhere', { choices: [] }, null],
  ['null', { usage: null }, null],
  ['no object', null, null],
  ['a list', [usage], null],
  ['negative', { usage: { ...usage, completion_tokens: -1 } }, null],
  ['a fraction', { usage: { ...usage, prompt_tokens: 1.5 } }, null],
  ['a text', { usage: { ...usage, prompt_tokens: '11' } }, null],
  ['beyond safe integers', { usage: { ...usage, completion_tokens: 2 ** 53 } }, null],
  ['without completion', { usage: { prompt_tokens: 11 } }, null],
  ['more cached than there is', { usage: { ...usage, prompt_tokens_details: { cached_tokens: 12 } } }, null],
  ['negative cached', { usage: { ...usage, prompt_tokens_details: { cached_tokens: -4 } } }, null],
])('usage %s', (_, answer, expected) => {
  expect(readUsage(answer)).toEqual(expected as never);
});

test.each<[unknown, boolean]>([
  [{ error: { message: 'x' } }, true],
  [{ x_groq: { error: 'stopped early' } }, true],
  [{ error: null, x_groq: { error: null } }, false],
  [{ choices: [] }, false],
  [{ x_groq: 'x' }, false],
  [null, false],
  ['error', false],
])('%j says that the stream failed: %p', (event, failed) => {
  expect(isStreamError(event)).toBe(failed);
});

test.each<[unknown, boolean]>([
  [{ choices: [], usage }, true],
  [{ choices: [], usage: null }, false],
  [{ choices: [] }, false],
  [{ choices: [{ index: 0 }], usage }, false],
  [{ usage }, false],
  [null, false],
])('%j carries nothing but usage: %p', (event, only) => {
  expect(isUsageOnly(event)).toBe(only);
});
