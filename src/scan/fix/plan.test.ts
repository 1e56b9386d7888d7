import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { RULES } from '../../detect/rules.ts';
import { sample } from '../../detect/samples.ts';
import { findingOf } from '../finding.ts';
import { applyEdits, planFile, type RawValue } from './plan.ts';

const rule = RULES.find(({ id }) => id === 'groq-api-key')!;
const KEY = `gsk_${sample('alnum', 52)}`;

function rawIn(text: string): RawValue[] {
  return [...text.matchAll(new RegExp(KEY, 'g'))].map(({ index }) => ({
    start: index,
    end: index + KEY.length,
    finding: findingOf(
      { rule, sure: true, encodings: [], value: KEY, start: index, end: index + KEY.length },
      { path: 'a', line: 1, column: 1 },
    ),
    provider: 'groq',
    usual: 'GROQ_API_KEY',
  }));
}

const PIECES = [
  '"',
  "'",
  '`',
  '\\',
  '\n',
  '#',
  '//',
  '/*',
  '*/',
  '"""',
  "'''",
  '@"',
  'r#"',
  'x = ',
  '(',
  ')',
  ' ',
  KEY,
];

test('whatever a program looks like, only what is around the value changes, and no value is left where an edit was made', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(
        'a.py',
        'a.go',
        'a.rb',
        'a.php',
        'A.java',
        'a.cs',
        'a.rs',
        'a.sh',
        'a.yaml',
        'a.ts',
        '.env',
      ),
      fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }),
      (path, pieces) => {
        const text = `${path === 'a.php' ? '<?php ' : ''}${pieces.join('')}`;
        const values = rawIn(text);
        const plan = planFile(path, text, values);
        expect(plan.mends.length + plan.left.length).toBe(values.length);
        const after = applyEdits(text, plan.mends, 'TOKEN');
        expect(rawIn(after)).toHaveLength(plan.left.length);
        if (plan.mends.length === 0) expect(after).toBe(text);
      },
    ),
    { numRuns: 2000, seed: 5 },
  );
});

test('two values in one program share what it needs besides', () => {
  const text = `a = "${KEY}"\nb = '${KEY}'\n`;
  const { mends } = planFile('a.py', text, rawIn(text));
  expect(applyEdits(text, mends, '')).toBe(
    'import os\na = os.environ["GROQ_API_KEY"]\nb = os.environ["GROQ_API_KEY"]\n',
  );
});

test.each([
  ['a string before it with the same quote inside', 'a.py', `a = 'it\\'s "'; b = "${KEY}"`],
  ['a comment with a quote', 'a.py', `# it's\nb = "${KEY}"`],
  ['a doubled quote', 'a.cs', `var a = @"x""\\"; var b = "${KEY}";`],
  ['a raw string', 'a.rs', `let a = r#"x " y"#; let b = "${KEY}";`],
  ['a character that is a quote', 'A.java', `char a = '"'; String b = "${KEY}";`],
  ['a comment in the middle', 'a.go', `package a\nimport "os"\nvar a = /* " */ "${KEY}"\n`],
])('%s does not keep a literal from being seen', (_, path, text) => {
  expect(planFile(path, text, rawIn(text)).mends).toHaveLength(1);
});
