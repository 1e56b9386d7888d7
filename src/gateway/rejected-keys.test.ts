import { expect, test } from 'bun:test';
import { RejectedKeys } from './rejected-keys.ts';

test('each key is reported at once, and again after a minute', () => {
  const keys = new RejectedKeys();
  expect(keys.isNew('groq@1', 1000)).toBe(true);
  expect(keys.isNew('groq@1', 1000)).toBe(false);
  expect(keys.isNew('groq@2', 1000)).toBe(true);
  expect(keys.isNew('groq@1', 60_999)).toBe(false);
  expect(keys.isNew('groq@1', 61_000)).toBe(true);
  expect(keys.isNew('groq@1', 61_001)).toBe(false);
});
