/** The board in deploy/: that it is one that loads, and that every metric and label it asks for is there. */
import { beforeAll, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { balance } from '../support/calls.ts';
import { openGate } from '../support/harness.ts';
import type { Family } from '../support/prometheus.ts';
import { everyKindOfCall, scrape } from '../support/watched-gate.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
  }[];
}

interface Board {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const FILE = join(import.meta.dir, '../../deploy/grafana/sallyport.json');
const board = JSON.parse(readFileSync(FILE, 'utf8')) as Board;
/** Added by Prometheus itself, or by a histogram. */
const EVERYWHERE = ['instance', 'job', 'le'];
const METRIC = /\b((?:sallyport|process)_[a-z_]+)(?:\{([^}]*)\})?/g;

const variables = board.templating.list.filter(({ type }) => type === 'query');
const expressions = board.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
);
/** Labels by the name of a sample. */
const labels = new Map<string, Set<string>>();

beforeAll(async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  await everyKindOfCall(gate);
  await balance(gate);
  const families: ReadonlyMap<string, Family> = await scrape(gate);
  for (const [, { samples }] of families) {
    for (const sample of samples) {
      const known = labels.get(sample.name) ?? new Set<string>();
      for (const label of Object.keys(sample.labels)) known.add(label);
      labels.set(sample.name, known);
    }
  }
});

test('it is a dashboard: panels with ids of their own that do not lie on each other, and queries in each', () => {
  expect(board).toMatchObject({ uid: 'sallyport', title: 'Sallyport', schemaVersion: expect.any(Number) });
  expect(board.panels.length).toBeGreaterThan(20);
  expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length);
  const cells = new Set<string>();
  for (const { type, targets = [], gridPos } of board.panels) {
    expect(type === 'row' ? 0 : targets.length).toBe(targets.length);
    if (type !== 'row') expect(targets.length).toBeGreaterThan(0);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(x).toBeLessThan(24);
        expect(cells.has(`${x} ${y}`)).toBe(false);
        cells.add(`${x} ${y}`);
      }
    }
  }
});

test('every metric that a panel or a variable asks for is in /metrics', () => {
  const asked = [
    ...expressions.map(({ expr }) => expr),
    ...variables.map(({ definition = '' }) => definition),
  ];
  const names = new Set(asked.flatMap((expr) => [...expr.matchAll(METRIC)].map(([, name = '']) => name)));
  expect(names.size).toBeGreaterThan(20);
  expect([...names].filter((name) => !labels.has(name))).toEqual([]);
});

test.each(expressions)('$title: $expr', ({ expr, legendFormat }) => {
  const found = [...expr.matchAll(METRIC)];
  expect(found.length).toBeGreaterThan(0);
  for (const [, name = '', matchers = ''] of found) {
    for (const [, label = ''] of matchers.matchAll(/([a-z_]+)(?:=~?|!=|!~)"/g))
      expect([...(labels.get(name) ?? []), ...EVERYWHERE]).toContain(label);
  }
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '));
  const all = found.flatMap(([, name = '']) => Array.from(labels.get(name) ?? []));
  for (const label of grouped) expect([...all, ...EVERYWHERE]).toContain(label);
  // Of a sum only the labels it is made by are left.
  const left = /\b(?:sum|min)\b/.test(expr) ? grouped : [...all, ...EVERYWHERE];
  for (const [, label = ''] of legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g)) expect(left).toContain(label);
  for (const [, variable = ''] of expr.matchAll(/\$([a-z_]+)/g)) {
    if (!variable.startsWith('__')) expect(variables.map(({ name }) => name)).toContain(variable);
  }
  const count = (sign: string): number => expr.split(sign).length;
  expect([count('('), count('{'), count('[')]).toEqual([count(')'), count('}'), count(']')]);
});
