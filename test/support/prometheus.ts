/**
 * A strict reader of the text format 0.0.4, written from its description and knowing nothing of the writer: whatever is not exactly as it
 * should be throws.
 */

export interface Sample {
  /** With `_bucket`, `_sum` or `_count`, if it is one of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const PAIR = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;
const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;

/** By the family's name. Throws at the first line that breaks a rule. */
export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('The last line has no line feed.');
  const families = new Map<string, { type: Family['type']; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current = '';
  let help: { name: string; text: string } | undefined;
  for (const line of text.slice(0, -1).split('\n')) {
    const fail = (why: string): Error => new Error(`${why}: ${line}`);
    if (line.startsWith('# HELP ')) {
      const [, , name = '', ...words] = line.split(' ');
      if (!NAME.test(name) || words.length === 0 || help) throw fail('a bad HELP line');
      help = { name, text: words.join(' ') };
    } else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type, ...rest] = line.split(' ');
      if (help?.name !== name || rest.length > 0) throw fail('TYPE does not follow its HELP');
      if (type !== 'counter' && type !== 'gauge' && type !== 'histogram') throw fail('an unknown type');
      if (families.has(name)) throw fail('a family that was there before');
      families.set(name, { type, help: help.text, samples: [] });
      current = name;
      help = undefined;
    } else {
      const sample = readSample(line);
      const family = families.get(current);
      if (help || !family) throw fail('a sample without a family');
      if (!belongs(sample.name, current, family.type)) throw fail(`no sample of ${current}`);
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw fail('the same series twice');
      seen.add(key);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) check(name, family);
  return families;
}

function belongs(sample: string, family: string, type: Family['type']): boolean {
  if (type !== 'histogram') return sample === family;
  return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(sample);
}

function readSample(line: string): Sample {
  const [, name = '', pairs, number = ''] = LINE.exec(line) ?? [];
  if (name === '' || !NUMBER.test(number)) throw new Error(`This is no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = pairs ?? '';
  if (pairs === '') throw new Error(`Empty braces: ${line}`);
  while (rest !== '') {
    const [pair, label = '', value = '', end] = PAIR.exec(rest) ?? [];
    if (pair === undefined || (end === ',' && pair.length === rest.length) || label in labels)
      throw new Error(`Bad labels: ${line}`);
    labels[label] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
    rest = rest.slice(pair.length);
  }
  return { name, labels, value: number === '+Inf' ? Infinity : Number(number) };
}

function check(name: string, { type, samples }: Family): void {
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name}: a counter ends in _total`);
  for (const { value } of samples) {
    if (type !== 'gauge' && !(value >= 0)) throw new Error(`${name}: ${value} is below zero`);
  }
  if (type === 'histogram') checkHistogram(name, samples);
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  for (const [key, group] of groups) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const counts = group.filter((sample) => sample.name === `${name}_count`);
    const sums = group.filter((sample) => sample.name === `${name}_sum`);
    const bounds = buckets.map(({ labels }) => (labels['le'] === '+Inf' ? Infinity : Number(labels['le'])));
    const ascending = bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? NaN));
    const cumulative = buckets.every(
      ({ value }, index) => index === 0 || value >= (buckets[index - 1]?.value ?? NaN),
    );
    const last = buckets.at(-1);
    if (!ascending || bounds.at(-1) !== Infinity) throw new Error(`${name}${key}: bounds ${bounds.join()}`);
    if (!cumulative) throw new Error(`${name}${key}: the buckets are not cumulative`);
    if (counts.length !== 1 || sums.length !== 1 || counts[0]?.value !== last?.value)
      throw new Error(`${name}${key}: count and last bucket differ`);
    const [count = 0, sum = 0] = [counts[0]?.value, sums[0]?.value];
    // The mean lies within what the buckets say.
    const least = buckets.reduce(
      (total, { value }, index) =>
        total + (value - (buckets[index - 1]?.value ?? 0)) * (index === 0 ? 0 : (bounds[index - 1] ?? 0)),
      0,
    );
    if (sum < least * (1 - 1e-9) || (count === 0 && sum !== 0))
      throw new Error(`${name}${key}: sum ${sum} does not fit to its buckets`);
  }
}

/** The sum of the samples of a name whose labels are as given; 0 when there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
  const matching = (family?.samples ?? []).filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return matching.reduce((sum, { value }) => sum + value, 0);
}
