import { expect, test } from 'bun:test';
import { redactShapes } from '../detect/redact.ts';
import { createLog, type LogLevel, silentLog } from './log.ts';

const key = ['g', 'sk_', 'Abc123'.repeat(8)].join('');

function capture(level: LogLevel): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  return {
    lines,
    log: createLog({ level, redact: redactShapes, sink: { write: (line) => lines.push(line) } }),
  };
}

test('a key in a message or a field does not reach the line', () => {
  const { lines, log } = capture('debug');
  log.error(`refused ${key}`, { detail: `header was Bearer ${key}`, [`call`]: 'req_1', status: 401 });
  expect(lines.join('')).not.toContain(key.slice(4, 20));
  expect(JSON.parse(lines[0]!)).toMatchObject({ level: 'error', call: 'req_1', status: 401 });
});

test('a line is one line of JSON whatever is in it', () => {
  const { lines, log } = capture('info');
  log.warn('two\nlines "quoted"', { a: 'x\u2028\r\n', b: null, c: undefined, d: false });
  expect(lines).toHaveLength(1);
  expect(lines[0]!.split('\n')).toEqual([expect.any(String), '']);
  expect(JSON.parse(lines[0]!)).toEqual({
    at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    level: 'warn',
    message: 'two\nlines "quoted"',
    a: 'x\u2028\r\n',
    b: null,
    d: false,
  });
});

test.each([
  ['debug', 4],
  ['info', 3],
  ['warn', 2],
  ['error', 1],
] as const)('at level %s, %d of the four levels are written', (level, count) => {
  const { lines, log } = capture(level);
  for (const name of ['debug', 'info', 'warn', 'error'] as const) {
    log[name]('x');
    silentLog[name]('x');
  }
  expect(lines).toHaveLength(count);
});
