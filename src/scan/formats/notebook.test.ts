import { expect, test } from 'bun:test';
import { groqKey, scanContent } from './test-content.ts';

interface Cell {
  readonly source?: string | readonly string[];
  readonly outputs?: readonly object[];
  readonly attachments?: object;
}

function notebook(cells: readonly Cell[], metadata: object = {}): string {
  return JSON.stringify(
    {
      cells: cells.map((cell) => ({ cell_type: 'code', ...cell })),
      metadata,
      nbformat: 4,
      nbformat_minor: 5,
    },
    null,
    1,
  );
}

test('a key in a source and one in each kind of output are found, each once, with line, column and cell', async () => {
  const keys = Array.from({ length: 5 }, (_, index) => groqKey(index + 1));
  const text = notebook([
    { source: ['import os\n', `client = Groq(api_key="${keys[0]}")\n`] },
    {
      source: 'print(1)',
      outputs: [
        { output_type: 'stream', name: 'stdout', text: ['one\n', `two ${keys[1]}\n`] },
        { output_type: 'display_data', data: { 'text/html': [`<b>${keys[2]}</b>`], 'text/plain': 'x' } },
        { output_type: 'error', traceback: [`\u001b[0;31mValueError\u001b[0m: ${keys[3]}`] },
      ],
    },
    { source: `a\\nb "${keys[4]}"` },
  ]);
  const { places, problems, findings } = await scanContent('a.ipynb', text);
  expect(problems).toEqual([]);
  const expected = keys.map((key, at) => {
    const where = [
      'cell 1, source',
      'cell 2, output',
      'cell 2, output 2',
      'cell 2, output 3',
      'cell 3, source',
    ][at];
    const before = text.slice(0, text.indexOf(key));
    const line = before.split('\n').length;
    return `a.ipynb:${line}:${before.length - before.lastIndexOf('\n')} (${where})`;
  });
  expect(places).toEqual(expected);
  expect(new Set(findings.map(({ fingerprint }) => fingerprint)).size).toBe(5);
});

test('a value that is cut between two lines of a source is found, and not as a piece beside it', async () => {
  const key = groqKey();
  for (const cut of [4, 20, 30, 50]) {
    const text = notebook([{ source: [`key = "${key.slice(0, cut)}`, `${key.slice(cut)}"\n`] }]);
    for (const possible of [false, true]) {
      const { places, findings } = await scanContent('a.ipynb', text, { possible });
      expect(places).toEqual([expect.stringMatching(/^a\.ipynb:\d+:\d+ \(cell 1, source\)$/)]);
      expect(findings[0]?.value.revealText((value) => value)).toBe(key);
    }
  }
});

test('what is in no cell, in a name, or in a file that is no JSON any more is found all the same', async () => {
  const key = groqKey();
  expect((await scanContent('a.ipynb', notebook([], { note: `x ${key}` }))).places).toHaveLength(1);
  expect((await scanContent('a.ipynb', notebook([], { [`x ${key}`]: 1 }))).places).toHaveLength(1);
  for (const text of [
    '',
    '{',
    `]]]] ${key}`,
    `{"cells": [{"source": "${key}"`,
    `<<<<<<< HEAD\n${key}`,
    `"${key}`,
  ])
    expect((await scanContent('a.ipynb', text)).places).toHaveLength(text.includes(key) ? 1 : 0);
});

test('nesting that is too deep is said', async () => {
  const { problems } = await scanContent('a.ipynb', '['.repeat(5000));
  expect(problems).toEqual(['the notebook a.ipynb was not opened: it is nested too deeply']);
});

test('a file in an output, in base64, is opened', async () => {
  const key = groqKey();
  const inner = Buffer.from(`%PDF-1.4 not really\n${key}\n`).toString('base64');
  const lines = inner.match(/.{1,20}/g)?.map((line) => `${line}\n`) ?? [];
  const text = notebook([{ outputs: [{ data: { 'application/pdf': lines } }] }]);
  const { places } = await scanContent('a.ipynb', text);
  expect(places[0]).toStartWith('a.ipynb!cell-1-output.pdf:2:1');
});
