import { expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { sample } from '../detect/samples.ts';
import { findSecrets, valueOf } from '../detect/detect.ts';
import { type Finding, findingOf } from './finding.ts';
import { Collector, scanThrough, type Sink, type Stage } from './sink.ts';

function finding(): Finding {
  const bytes = Buffer.from(`gsk_${sample('alnum', 52)}`);
  const [hit] = findSecrets(bytes);
  if (!hit) throw new Error('the sample is no key');
  return findingOf({ ...hit, value: valueOf(bytes, hit), encodings: [] }, { path: 'a', line: 1, column: 1 });
}

/** Keeps what it gets, and adds its name at the end. */
function keeping(name: string, next: Sink): Stage {
  const kept: Finding[] = [];
  return {
    ...next,
    finding: (one) => void kept.push(one),
    problem: (text) => next.problem(`${name} ${text}`),
    skip: (kind, count) => next.skip(kind, count),
    looked: (files, bytes) => next.looked(files, bytes),
    end: () => {
      for (const one of kept) next.finding({ ...one, remark: `${one.remark ?? ''}${name}` });
      return Promise.resolve();
    },
  };
}

test('what a stage kept goes through the stages behind it, in their order, and none is lost', async () => {
  const result = new Collector();
  await scanThrough(
    (sink) => {
      sink.looked(1, 2);
      sink.problem('p');
      sink.skip('images', 3);
      sink.skip('images', 4);
      sink.finding(finding());
      return Promise.resolve();
    },
    [(next) => keeping('first', next), (next) => keeping('second', next)],
    result,
  );
  expect(result.findings.map(({ remark }) => remark)).toEqual(['firstsecond']);
  expect([...result.skipped]).toEqual([['images', 7]]);
  expect([result.problems, result.files, result.bytes]).toEqual([['second first p'], 1, 2]);
});

test('what is allowed is kept apart from what counts', () => {
  const result = new Collector();
  result.finding(finding());
  result.finding({ ...finding(), allowed: { by: 'line', reason: 'a sample' } });
  expect([result.findings.length, result.allowed.length]).toEqual([1, 1]);
});

test('what a source found before it failed is told, and the scan is not complete; wrong usage is thrown', async () => {
  const result = new Collector();
  const failing = (error: Error) => (sink: Sink) => {
    sink.finding(finding());
    return Promise.reject(error);
  };
  await scanThrough(failing(new Error('the disk is gone')), [(next) => keeping('', next)], result);
  expect([result.findings.length, result.problems]).toEqual([1, [' the disk is gone']]);
  const wrong = new SallyportError('input.invalid', 'no such path');
  // oxlint-disable-next-line typescript/await-thenable -- the matcher of a rejection is a promise
  await expect(scanThrough(failing(wrong), [], new Collector())).rejects.toThrow(wrong);
});
