import { expect, test } from 'bun:test';
import { isLifelike, leastDistinct } from './lifelike.ts';
import { randomText } from './test-values.ts';

const lifelike = (text: string, size = 62): boolean => isLifelike(Buffer.from(text), 0, text.length, size);

/** How likely `length` uniform characters out of `size` have fewer than `least` different ones. */
function chanceOfFewer(size: number, length: number, least: number): number {
  let chances = [1];
  for (let drawn = 0; drawn < length; drawn += 1) {
    const next = Array.from({ length: chances.length + 1 }, () => 0);
    for (const [different, chance] of chances.entries()) {
      next[different]! += (chance * different) / size;
      next[different + 1]! += (chance * (size - different)) / size;
    }
    chances = next;
  }
  return chances.slice(0, least).reduce((sum, chance) => sum + chance, 0);
}

test.each([16, 32, 36, 62, 64])(
  'less than one in ten million random values of an alphabet of %d is refused for its few characters',
  (size) => {
    for (const length of [...(size === 16 ? [] : [16]), 20, 22, 32, 34, 40, 48, 52, 64, 100, 200, 330]) {
      expect(chanceOfFewer(size, length, leastDistinct(size, length))).toBeLessThan(1e-7);
    }
  },
);

test.each([
  ['0123456789abcdef', 32],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16],
  ['0123456789abcdefghijklmnopqrstuvwxyz', 48],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 34],
  ['0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', 20],
  ['0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-', 35],
])('no random value of %s is taken for a placeholder', (characters, length) => {
  for (let run = 0; run < 5000; run += 1) {
    const text = randomText(length, characters);
    expect([text, lifelike(text, characters.length)]).toEqual([text, true]);
  }
});

test.each([
  'x'.repeat(52),
  'X'.repeat(20) + 'x'.repeat(32),
  '0'.repeat(48),
  'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOP',
  '0123456789abcdef'.repeat(4),
  '1234567890'.repeat(5),
  'aB3'.repeat(17),
  'deadbeefcafebabe'.repeat(3),
  'YourGroqApiKeyHere1234567890abcdefghij',
  'your-api-key-here-your-api-key-here',
  'this_is_not_a_real_key_but_an_example_value',
  'REPLACE_ME_WITH_YOUR_OPENAI_API_KEY_PLEASE',
  'test-test-test-test-test-test-1234',
  'xxxxxxxxxxxxxxxxxxxx-placeholder-xxxxxxxxxxxx',
  'zyxwvutsrqponmlkjihgfedcba9876543210',
])('the placeholder %p is told from a key', (text) => {
  expect(lifelike(text)).toBe(false);
});

test('a word inside a random value does not make it a placeholder', () => {
  for (const word of ['test', 'example', 'your', 'key', 'dummy', 'fake', 'xxxx', '1234']) {
    expect(lifelike(`q7Rz0Kd2${word}Wb4nLp9sHc6tVm1yJf8gXu3e`)).toBe(true);
  }
});
