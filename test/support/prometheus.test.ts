/** A reader that takes anything would prove nothing. */
import { expect, test } from 'bun:test';
import { readExposition, valueOf } from './prometheus.ts';

const head = '# HELP a_total h\n# TYPE a_total counter\n';
const histogram = (lines: string): string => `# HELP h h\n# TYPE h histogram\n${lines}`;

test('what is right is read', () => {
  const text = `${head}a_total{x="q\\"u\\\\o\\nte",y=""} 1.5\na_total 2\n${histogram(
    'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 3\nh_sum 4.5\nh_count 3\n',
  )}`;
  const families = readExposition(text);
  expect([...families.keys()]).toEqual(['a_total', 'h']);
  expect(families.get('a_total')?.samples[0]?.labels).toEqual({ x: 'q"u\\o\nte', y: '' });
  expect(valueOf(families, 'a_total')).toBe(3.5);
  expect(valueOf(families, 'h_bucket', { le: '1' })).toBe(2);
});

test.each([
  ['no line feed at the end', `${head}a_total 1`],
  ['a sample before any family', 'a_total 1\n'],
  ['a TYPE without HELP', '# TYPE a_total counter\na_total 1\n'],
  ['a family twice', `${head}a_total 1\n${head}`],
  ['a series twice', `${head}a_total 1\na_total 1\n`],
  ['a sample of another family', `${head}b_total 1\n`],
  ['a counter that is not called one', '# HELP a h\n# TYPE a counter\na 1\n'],
  ['a counter below zero', `${head}a_total -1\n`],
  ['no number', `${head}a_total x\n`],
  ['a number with a suffix', `${head}a_total 1n\n`],
  ['a raw quote in a label', `${head}a_total{x="a"b"} 1\n`],
  ['an unknown escape', `${head}a_total{x="\\t"} 1\n`],
  ['a comma at the end', `${head}a_total{x="a",} 1\n`],
  ['a label twice', `${head}a_total{x="a",x="b"} 1\n`],
  ['empty braces', `${head}a_total{} 1\n`],
  ['an empty line', `${head}\na_total 1\n`],
  [
    'buckets that are not cumulative',
    histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n'),
  ],
  [
    'bounds out of order',
    histogram('h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n'),
  ],
  ['no infinite bucket', histogram('h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n')],
  ['another count', histogram('h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n')],
  ['no sum', histogram('h_bucket{le="+Inf"} 1\nh_count 1\n')],
  [
    'a sum below what the buckets hold',
    histogram('h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n'),
  ],
])('refused: %s', (_, text) => {
  expect(() => readExposition(text)).toThrow();
});
