import { describe, expect, test } from 'bun:test';
import { sample } from '../../detect/samples.ts';
import { findInPicture } from './ocr-match.ts';
import { groqKey } from './test-content.ts';

const KEY = groqKey(4);
const found = (text: string): string[] => findInPicture(text).map(({ rule, sure }) => `${rule.id} ${sure}`);

describe('a key is found in spite of what reading does to it', () => {
  const wrong = (text: string): string =>
    text.replaceAll('0', 'O').replaceAll('l', '1').replaceAll('S', '5').replace('J', ']');
  test.each([
    ['as it is', KEY],
    ['letters and digits taken for one another', wrong(KEY)],
    ['the underscore lost', KEY.replace('_', ' ')],
    ['a character lost, one made up', `${KEY.slice(0, 20)}${KEY.slice(21)}x`],
    ['the prefix misread', KEY.replace('gsk_', '9sk_')],
    ['cut at the end of a line', `${KEY.slice(0, 30)}\n${KEY.slice(30)}`],
    ['cut at the end of a line of an editor', `${KEY.slice(0, 30)}\n12 ${KEY.slice(30)}`],
    ['a gap that is none', `${KEY.slice(0, 30)} ${KEY.slice(30)}`],
    ['all of it', wrong(`${KEY.slice(0, 30)}\n${KEY.slice(30)}`).replace('_', ' ')],
  ])('%s', (_, text) => {
    expect(found(`11 export KEY=${text}\n13 PORT=3000`)).toEqual(['groq-api-key false']);
  });
});

test('other prefixes: hyphens, a 1 that is read twice, underscores inside the value', () => {
  expect(found(`sk-or-vl1-${sample('hex', 64, 3)}`)).toEqual(['openrouter-api-key false']);
  const anthropic = `sk-ant-api03-${sample('key', 93, 3)}AA`;
  expect(found(anthropic.replaceAll('_', ' '))).toEqual(['anthropic-api-key false']);
});

test('words, hashes and placeholders of that length are none', () => {
  const texts = [
    `gsk_${'your_groq_api_key_goes_here_'.repeat(2)}`,
    'gsk the quick brown fox jumps over the lazy dog and runs away',
    `commit ${sample('hex', 40, 7)}`,
    `sha512-${sample('alnum', 86, 7)}`,
    'hf_internal_testing_tiny_random_bert_model_for_tests',
  ];
  for (const text of texts) expect(found(text)).toEqual([]);
});
