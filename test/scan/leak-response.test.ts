/** The commands of the guide for leaks exist, with these options. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseArgv } from '../../src/cli/parse.ts';

const guide = readFileSync(new URL('../../docs/guide/leak-response.md', import.meta.url), 'utf8');
const lines = [...guide.matchAll(/^\.\/sallyport (.*?)(?:\s+#.*)?$/gm)].map(([, line = '']) => line);

test('there are lines to try', () => {
  expect(lines.length).toBeGreaterThan(10);
});

test.each(lines.map((line) => [line] as const))('%s', (line) => {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const command =
    COMMANDS.find(({ name }) => name === words.slice(0, 2).join(' ')) ??
    COMMANDS.find(({ name }) => name === words[0]);
  if (!command) throw new Error(`there is no command for: ${line}`);
  expect(parseArgv(command, words.slice(command.name.split(' ').length)).help).toBe(false);
});
