import { expect, test } from 'bun:test';
import { readExposition, valueOf } from '../../test/support/prometheus.ts';
import { endOf, observed } from '../../test/support/observed-calls.ts';
import { CallMeters } from './call-meters.ts';
import { codeLabel, renderLabels } from './labels.ts';

test('however many teams, environments and models there are, the series are bounded and no call is lost', () => {
  const meters = new CallMeters();
  let calls = 0;
  for (let model = 0; model < 300; model += 1) {
    for (let team = 0; team < 20; team += 1) {
      meters.ended(observed({ team: `team-${team}`, environment: `e${model}` }), endOf({}), `model-${model}`);
      calls += 1;
    }
  }
  const series = [...meters.series];
  expect(series.length).toBeLessThanOrEqual(1001);
  expect(series.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(calls);
  expect([...meters.timings].length).toBeLessThanOrEqual(101);
  expect([...meters.timings].reduce((sum, { successSeconds }) => sum + successSeconds.count, 0)).toBe(calls);
  expect(meters.overflows).toBeGreaterThan(4000);
  expect(series.at(-1)?.labels).toBe(
    'provider="groq",endpoint="chat/completions",model="_other",team="_other",environment="_other"',
  );
});

test('names beyond their own bound share one, and those before keep theirs', () => {
  const meters = new CallMeters();
  for (let team = 0; team < 300; team += 1) meters.ended(observed({ team: `t${team}` }), endOf({}), 'm');
  for (let team = 0; team < 300; team += 1) meters.ended(observed({ team: `t${team}` }), endOf({}), 'm');
  const counts = [...meters.series].map(({ labels, succeeded }) => [labels.includes('_other'), succeeded]);
  expect(counts).toHaveLength(201);
  expect(counts.filter(([other]) => other)).toEqual([[true, 200]]);
  for (let team = 0; team < 300; team += 1) meters.refused(observed({ team: `t${team}` }), 'limit.rate');
  expect([...meters.refusals]).toHaveLength(201);
});

test('money is added up exactly, beyond what a float can hold', () => {
  const meters = new CallMeters();
  const costPicoUsd = '9007199254740993';
  for (let call = 0; call < 3; call += 1) meters.ended(observed({}), endOf({ costPicoUsd }), 'm');
  expect([...meters.series].map((series) => series.costPicoUsd)).toEqual([27_021_597_764_222_979n]);
});

test.each([
  ['upstream.429', 'upstream.429'],
  ['upstream.529', 'upstream.529'],
  ['upstream.418', 'upstream.4xx'],
  ['upstream.302', 'upstream.3xx'],
  ['upstream.999', 'upstream.9xx'],
  ['upstream.timeout', 'upstream.timeout'],
  ['client.aborted', 'client.aborted'],
])('a provider may answer with any status: %s is counted as %s', (code, label) => {
  expect(codeLabel(code)).toBe(label);
});

test('a name with quotes, backslashes and line feeds is one label', () => {
  const name = 'a"b\\c\nd"} 1';
  const text = `# HELP x_total h\n# TYPE x_total counter\nx_total{${renderLabels({ name })}} 1\n`;
  expect(valueOf(readExposition(text), 'x_total', { name })).toBe(1);
});
