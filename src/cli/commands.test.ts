import { describe, expect, test } from 'bun:test';
import { COMMANDS } from './commands.ts';
import { parseArgv } from './parse.ts';
import { run } from './test-io.ts';

const named = COMMANDS.map((command) => [command.name, command] as const);

test('the table holds every command once', () => {
  expect(COMMANDS.length).toBeGreaterThan(30);
  expect(new Set(COMMANDS.map(({ name }) => name)).size).toBe(COMMANDS.length);
});

describe.each(named)('%s', (name, command) => {
  test('has a help page with its usage, its options and an example', async () => {
    const words = name.split(' ');
    const page = await run([...words, '--help']);
    expect(page.code).toBe(0);
    expect(page.out).toStartWith(`usage: sallyport ${name}`);
    expect(page.out).toContain(command.summary);
    for (const option of Object.keys(command.options)) expect(page.out).toContain(`--${option}`);
    expect(page.out).toContain(`sallyport ${name}`);
    expect((await run(['help', ...words])).out).toBe(page.out);
    expect((await run([...words, '-h'])).out).toBe(page.out);
  });

  test('has examples that it takes', () => {
    expect(command.examples.length).toBeGreaterThan(0);
    for (const example of command.examples) {
      const words = shellWords(example.replace(/^.*\| /, ''));
      expect(words.slice(0, 1 + name.split(' ').length).join(' ')).toBe(`sallyport ${name}`);
      parseArgv(command, words.slice(1 + name.split(' ').length));
    }
  });

  test('prints JSON when asked, if it prints anything for programs', () => {
    expect(command.options).toHaveProperty('json');
  });

  test('refuses an unknown option with exit code 2', async () => {
    const { code, err, out } = await run([...name.split(' '), '--surely-not-there']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^sallyport: error: unknown option --surely-not-there\nsallyport: hint: /);
  });
});

/** Words of a shell line that has no other quoting than single quotes. */
function shellWords(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
}
