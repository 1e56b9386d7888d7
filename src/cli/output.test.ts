import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { plain } from '../core/plain.ts';
import { formatCsv, printError, printTable } from './output.ts';
import { testIo } from './test-io.ts';

describe('CSV', () => {
  test('cells that a spreadsheet would run are text', () => {
    expect(formatCsv([['=1+1', '+1', '-1', '@x', '\tx', 'x=1']])).toBe("'=1+1,'+1,'-1,'@x,'\tx,x=1\n");
    expect(formatCsv([['=cmd|"/c calc"!A1']])).toBe('"\'=cmd|""/c calc""!A1"\n');
  });

  test('no cell begins like a formula, whatever it holds, and rows stay whole', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (row) => {
        const cells = parseCsvRow(formatCsv([row]));
        expect(cells).toHaveLength(row.length);
        for (const [index, cell] of cells.entries()) {
          expect(cell).not.toMatch(/^[=+\-@\t\r]/);
          expect([row[index] ?? '', `'${row[index] ?? ''}`]).toContain(cell);
        }
      }),
    );
  });
});

test('tables keep control characters from the terminal', () => {
  const { io, printed } = testIo({});
  printTable(io, ['user'], [['\u001b[2Jevil\u0007\u202e\u2028'], ['b']], 'none');
  expect(printed().out).toBe('USER\n\uFFFD[2Jevil\uFFFD\uFFFD\uFFFD\nb\n');
  expect(plain('a\r\nb')).toBe('a\uFFFD\uFFFDb');
});

test('an empty table leaves standard output empty', () => {
  const { io, printed } = testIo({});
  printTable(io, ['user'], [], 'there is no user');
  expect(printed()).toEqual({ out: '', err: 'sallyport: there is no user\n' });
});

test('errors are one lower-case line each, without credentials', () => {
  const { io, printed } = testIo({});
  const key = ['g', 'sk_', 'Fixture0123456789', 'Fixture'].join('');
  printError(io, { message: `There is no team "${key}".`, fix: 'Add it: sallyport team add x' });
  expect(printed().err).toBe(
    'sallyport: error: there is no team "[redacted]"\nsallyport: hint: add it: sallyport team add x\n',
  );
});

/** RFC 4180, one row. */
function parseCsvRow(line: string): string[] {
  const cells: string[] = [];
  const text = line.slice(0, -1);
  for (let at = 0; at <= text.length; at += 1) {
    if (text[at] !== '"') {
      const end = text.indexOf(',', at);
      cells.push(text.slice(at, end < 0 ? text.length : end));
      at = end < 0 ? text.length : end;
      continue;
    }
    let cell = '';
    for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
      cell += text[at] ?? '';
      if (text[at] === '"') at += 1;
    }
    cells.push(cell);
    at += 1;
  }
  return cells;
}
