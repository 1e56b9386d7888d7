import { describe, expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { type Command, defineCommand } from './command.ts';
import { parseArgv } from './parse.ts';

const command: Command = defineCommand({
  name: 'thing do',
  summary: '',
  args: ['THING', '[OTHER]'],
  options: {
    team: { type: 'string', help: '' },
    scope: { type: 'string', multiple: true, help: '' },
    delta: { type: 'string', help: '' },
    json: { type: 'boolean', help: '' },
    lines: { type: 'string', short: 'n', help: '' },
  },
  examples: [],
  run: () => Promise.resolve(0),
});

const parse = (...argv: string[]) => parseArgv(command, argv);

function refusal(...argv: string[]): SallyportError {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('parseArgv', () => {
  test('gives every option a value of its type', () => {
    expect(parse('x')).toEqual({ help: false, values: { json: false, scope: [] }, args: ['x'] });
    const { values, args } = parse('x', '--scope', 'a', '--scope=b', '--json', '-n', '5', 'y', '--team=t');
    expect(values).toEqual({ json: true, scope: ['a', 'b'], lines: '5', team: 't' });
    expect(args).toEqual(['x', 'y']);
  });

  test('takes a negative amount as a value', () => {
    expect(parse('x', '--delta', '-1.25').values['delta']).toBe('-1.25');
  });

  test('takes what stands behind -- as it is', () => {
    expect(parse('--', '--json').args).toEqual(['--json']);
  });

  test.each([
    ['an unknown option', ['x', '--taem', 't'], 'unknown option --taem', 'Did you mean "--team"?'],
    ['a missing value', ['x', '--team'], '--team needs a value', null],
    ['a forgotten value', ['x', '--team', '--json'], '--team needs a value', null],
    ['an empty value', ['x', '--team='], '--team needs a value', null],
    ['a repeated option', ['x', '--team', 'a', '--team', 'b'], '--team is given twice', null],
    ['a flag with a value', ['x', '--json=no'], '--json takes no value', null],
    ['a missing argument', ['--json'], 'THING is missing', null],
    ['an empty argument', [''], 'an argument is empty', null],
    ['one argument too many', ['x', 'y', 'z'], 'there is an argument too many', null],
  ] as const)('refuses %s', (_, argv, message, fix) => {
    const error = refusal(...argv);
    expect(error.message).toBe(message);
    expect(error.fix).toBe(fix ?? 'see: sallyport thing do --help');
  });

  test('repeats nothing that may be a key', () => {
    const key = ['g', 'sk_', 'Fixture0123456789', 'Fixture'].join('');
    for (const argv of [
      ['x', 'y', key],
      ['x', `--${key}`],
      ['x', `--json=${key}`],
      ['x', '--team', 'a', '--team', key],
    ]) {
      const { message, fix } = refusal(...argv);
      expect(`${message} ${fix}`).not.toContain(key.slice(0, 12));
    }
  });

  test('with --help, checks nothing else', () => {
    expect(parse('--help', '--nonsense').help).toBe(true);
  });
});
