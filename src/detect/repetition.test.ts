import { expect, test } from 'bun:test';
import { findSecrets } from './detect.ts';
import { Repetition } from './repetition.ts';
import { sample } from './samples.ts';

const PREFIX = 'sk-proj-';

test('in a prefix that is repeated ten thousand times few places are looked at, and each place where something changes', () => {
  const bytes = Buffer.from(`${PREFIX.repeat(10_000)}x${PREFIX.repeat(10_000)}`);
  const repetition = new Repetition();
  const looked: number[] = [];
  for (let at = bytes.indexOf(PREFIX); at >= 0; at = bytes.indexOf(PREFIX, at + 1)) {
    if (repetition.isAnother(bytes, at, bytes.length)) continue;
    looked.push(at);
    repetition.missed(at);
  }
  const change = 10_000 * PREFIX.length;
  expect(looked.length).toBeLessThan(1000);
  // Whatever has the start, the change or the end in sight.
  for (const [from, to] of [
    [0, 1016],
    [change - 1000, change + 1000],
    [bytes.length - 1000, bytes.length - PREFIX.length],
  ] as const) {
    const all = [...bytes.toString().matchAll(/sk-proj-/g)].map(({ index }) => index);
    expect(looked).toEqual(expect.arrayContaining(all.filter((at) => at >= from && at <= to)));
  }
});

test('a key is found wherever it is among repetitions', () => {
  const key = ['g', 'sk_', sample('alnum', 52)].join('');
  for (const unit of [PREFIX, 'xai-', `${PREFIX}pplx-`, 'AKIA-hf_']) {
    for (const [before, behind] of [
      [0, 300],
      [1, 300],
      [127, 129],
      [128, 128],
      [300, 0],
      [5000, 5000],
    ] as const) {
      const text = `${unit.repeat(before)} ${key} ${unit.repeat(behind)}`;
      const found = findSecrets(Buffer.from(text)).filter(({ rule }) => rule.id === 'groq-api-key');
      expect(found.map(({ start }) => start)).toEqual([unit.length * before + 1]);
    }
  }
});
