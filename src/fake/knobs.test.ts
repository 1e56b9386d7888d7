import { expect, test } from 'bun:test';
import { afterError, DEFAULT_KNOBS, KnobError, mergeKnobs } from './knobs.ts';

test('a patch changes what it names and nothing else', () => {
  const knobs = mergeKnobs(DEFAULT_KNOBS, { ttftMs: 12.5, error: '429_daily' });
  expect(knobs).toEqual({ ...DEFAULT_KNOBS, ttftMs: 12.5, error: '429_daily' });
});

test.each([
  ['ttfMs', 'ttftMs'],
  ['chunksplit', 'chunkSplit'],
  ['resetAfter', 'resetAfterChunks'],
  ['token_per_second', 'tokensPerSecond'],
])('the unknown knob %s is answered with %s', (wrong, near) => {
  expect(() => mergeKnobs(DEFAULT_KNOBS, { [wrong]: 1 })).toThrow(`did you mean "${near}"?`);
});

test.each<[string, unknown]>([
  ['ttftMs', -1],
  ['ttftMs', Number.NaN],
  ['ttftMs', null],
  ['tokensPerSecond', '10'],
  ['completionTokens', 0],
  ['completionTokens', 1.5],
  ['crlf', 1],
  ['streamVariant', 'other'],
  ['stall', { afterChunks: 1 }],
  ['stall', { afterChunks: 1, ms: 1, extra: 1 }],
  ['error', '418'],
  ['keys', { short: 'dead' }],
  ['keys', { '0123456789abcdef': 'asleep' }],
])('knob %s refuses %p', (name, value) => {
  expect(() => mergeKnobs(DEFAULT_KNOBS, { [name]: value })).toThrow(KnobError);
});

test('a patch with one bad part changes nothing', () => {
  const before = mergeKnobs(DEFAULT_KNOBS, { ttftMs: 5 });
  expect(() => mergeKnobs(before, { ttftMs: 6, crlf: 'yes' })).toThrow(KnobError);
  expect(before.ttftMs).toBe(5);
});

test('a raw key given where a fingerprint belongs is refused and not quoted', () => {
  const key = ['gsk', 'x'.repeat(40)].join('_');
  expect(() => mergeKnobs(DEFAULT_KNOBS, { keys: { [key]: 'dead' } })).toThrow(KnobError);
  expect(() => mergeKnobs(DEFAULT_KNOBS, { keys: { [key]: 'dead' } })).not.toThrow(key);
  expect(() => mergeKnobs(DEFAULT_KNOBS, { [key]: 1 })).not.toThrow(key);
});

test('key states merge, and null forgets one', () => {
  const [a, b] = ['a'.repeat(16), 'b'.repeat(16)];
  const both = mergeKnobs(mergeKnobs(DEFAULT_KNOBS, { keys: { [a]: 'dead' } }), { keys: { [b]: 'valid' } });
  expect(both.keys).toEqual({ [a]: 'dead', [b]: 'valid' });
  expect(mergeKnobs(both, { keys: { [a]: null } }).keys).toEqual({ [b]: 'valid' });
});

test('errorCount counts down and turns the error off after the last', () => {
  const two = mergeKnobs(DEFAULT_KNOBS, { error: '503', errorCount: 2 });
  const one = afterError(two);
  expect(one).toMatchObject({ error: '503', errorCount: 1 });
  expect(afterError(one)).toMatchObject({ error: null, errorCount: null });
  const forever = mergeKnobs(DEFAULT_KNOBS, { error: '503' });
  expect(afterError(forever)).toBe(forever);
});
