import { expect, test } from 'bun:test';
import { NO_PROGRESS, ProgressLine, progressOn } from './progress.ts';

function line(): { readonly progress: ProgressLine; readonly written: string[]; pass(ms: number): void } {
  const written: string[] = [];
  let now = 0;
  const progress = new ProgressLine(
    (text) => written.push(text),
    () => now,
  );
  return { progress, written, pass: (ms) => (now += ms) };
}

test('a scan that ends within a second writes nothing at all', () => {
  const { progress, written, pass } = line();
  progress.begin(1000, 'objects');
  for (let done = 0; done <= 1000; done += 1) progress.at(done);
  pass(999);
  progress.at(1000);
  progress.end();
  expect(written).toEqual([]);
});

test('a longer one shows share, rate and what is left on one line, seldom, and takes it away at the end', () => {
  const { progress, written, pass } = line();
  progress.begin(57_302, 'objects');
  pass(2000);
  for (let done = 0; done < 14_400; done += 1) progress.at(done);
  expect(written).toHaveLength(1);
  pass(2000);
  for (let done = 14_400; done < 28_651; done += 1) progress.at(done);
  expect(written).toHaveLength(2);
  expect(written[1]).toMatch(
    /^\r {1,3}\d+% \[#+-+\] 14,4\d\d of 57,302 objects {2}3,6\d\d\/s {2}12 s left *$/,
  );
  for (const text of written) expect(text).toHaveLength(79);
  progress.end();
  expect(written).toHaveLength(3);
  expect(written[2]?.trim()).toBe('');
  progress.end();
  expect(written).toHaveLength(3);
});

test('without a total it counts, and a long rest is told in hours', () => {
  const { progress, written, pass } = line();
  progress.begin(0, 'files');
  pass(10_000);
  progress.begin(0, 'files');
  pass(10_000);
  for (let done = 1; done <= 17; done += 1) progress.at(12_340 + done);
  progress.begin(1_000_000, 'objects');
  pass(1_000_000);
  for (let done = 1; done <= 17; done += 1) progress.at(100_000 + done);
  expect(written.map((text) => text.trim().replaceAll(/ +/g, ' '))).toEqual([
    '0 files',
    '12,341 files 1,234/s',
    '10% [#---------------] 100,001 of 1,000,000 objects 100/s 2 h 30 min left',
  ]);
});

test('what else is printed stands on a line of its own', () => {
  const { progress, written, pass } = line();
  progress.begin(10, 'objects');
  pass(2000);
  for (let done = 0; done < 17; done += 1) progress.at(1);
  progress.hide();
  expect(written.at(-1)).toMatch(/^\r +\r$/);
  progress.hide();
  expect(written).toHaveLength(2);
});

test('nothing is drawn where it would not be seen, could not be written over, or is not wanted', () => {
  const err = (): void => undefined;
  expect(progressOn({ stderrIsTerminal: false, err, env: {} }, true)).toBe(NO_PROGRESS);
  expect(progressOn({ stderrIsTerminal: true, err, env: { TERM: 'dumb' } }, true)).toBe(NO_PROGRESS);
  expect(progressOn({ stderrIsTerminal: true, err, env: {} }, false)).toBe(NO_PROGRESS);
  expect(progressOn({ stderrIsTerminal: true, err, env: { NO_COLOR: '1' } }, true)).not.toBe(NO_PROGRESS);
});
