import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { withCommand, withoutCommand } from './lefthook.ts';

const RUN = `'/a b/it'\\''s/pre-commit'`;

function parsed(text: string): unknown {
  return Bun.YAML.parse(text);
}

const ours = (commands: object = {}, rest: object = {}): object => ({
  'pre-commit': { ...rest, commands: { ...commands, sallyport: { run: RUN } } },
});

test.each([
  ['nothing', '', ours()],
  [
    'other hooks',
    'pre-push:\n  commands:\n    a:\n      run: b\n',
    { 'pre-push': { commands: { a: { run: 'b' } } }, ...ours() },
  ],
  ['the hook with commands', 'pre-commit:\n  commands:\n    a:\n      run: b\n', ours({ a: { run: 'b' } })],
  [
    'the hook with jobs',
    'pre-commit:\n  parallel: true\n  jobs:\n    - run: b\n',
    ours({}, { parallel: true, jobs: [{ run: 'b' }] }),
  ],
  [
    'another indent',
    'pre-commit: # mine\n    # more\n    commands:\n            a:\n                run: b\n',
    ours({ a: { run: 'b' } }),
  ],
  [
    'an empty hook',
    'pre-commit:\npre-push:\n  parallel: true\n',
    { 'pre-push': { parallel: true }, ...ours() },
  ],
  [
    'comments around',
    '# one\n\npre-commit:\n\n  # two\n  commands:\n    # three\n    a:\n      run: b\n# four\n',
    ours({ a: { run: 'b' } }),
  ],
])('settings with %s get the command, once, and lose it without a trace', (_, text, expected) => {
  const changed = withCommand(text, RUN, 'pre-commit');
  expect(parsed(changed!)).toEqual(expected);
  expect(withCommand(changed!, RUN, 'pre-commit')).toBe(changed);
  expect(parsed(withCommand(changed!, '/other', 'pre-commit')!)).not.toEqual(expected);
  expect(withoutCommand(changed!, 'pre-commit')).toBe(text);
});

test.each([
  ['in one line', 'pre-commit: { commands: {} }\n'],
  ['with a quoted name', '"pre-commit":\n  commands: {}\n'],
  ['with commands in one line', 'pre-commit:\n  commands: { a: { run: b } }\n'],
  ['with a command of our name', 'pre-commit:\n  commands:\n    sallyport:\n      run: mine\n'],
  ['with a text that only looks like settings', 'rc: |\n  x\npre-commit: !!str x\n'],
  ['that are no YAML', 'pre-commit:\n  commands:\n\t\ta: b\n'],
  ['without an end', 'pre-push:\n  parallel: true'],
  ['in JSON', '{"pre-commit":{}}\n'],
])('settings %s are left alone', (_, text) => {
  expect(withCommand(text, RUN, 'pre-commit')).toBeNull();
});

test('whatever the settings are, they are left alone or keep all that they said', () => {
  const line = fc.constantFrom(
    'pre-commit:',
    '  commands:',
    '    a:',
    '      run: b',
    '  jobs:',
    '    - run: c',
    'x: |',
    '  pre-commit:',
    '# c',
    '',
    '---',
    '  - d',
    'pre-push: {}',
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
      const text = lines.map((one) => `${one}\n`).join('');
      const changed = withCommand(text, RUN, 'pre-commit');
      if (changed === null) return;
      expect(withoutCommand(changed, 'pre-commit')).toBe(text);
      const before = (parsed(text) ?? {}) as Record<string, Record<string, object>>;
      const { 'pre-commit': hook, ...rest } = parsed(changed) as Record<string, Record<string, object>>;
      const { sallyport, ...commands } = hook!['commands'] as Record<string, object>;
      expect(sallyport).toEqual({ run: RUN });
      const { 'pre-commit': oldHook, ...oldRest } = before;
      expect(rest).toEqual(oldRest);
      expect(commands).toEqual({ ...(oldHook?.['commands'] as object) });
    }),
  );
});
