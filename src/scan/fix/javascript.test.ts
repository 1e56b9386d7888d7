import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sample } from '../../detect/samples.ts';
import { javascriptEdit } from './javascript.ts';

const KEY = `gsk_${sample('alnum', 52)}`;

/** The text after the edit; null when there is none. */
function mended(path: string, text: string): string | null {
  const source = Buffer.from(text).toString('latin1');
  const start = source.indexOf(KEY);
  const edit = javascriptEdit(path, source, start, start + KEY.length, 'K_KEY');
  if (!edit) return null;
  return Buffer.from(source.slice(0, edit.start) + edit.text + source.slice(edit.end), 'latin1').toString();
}

test.each([
  ['a.js', `const a = { k: "${KEY}" };`, 'const a = { k: process.env.K_KEY };'],
  ['a.cjs', `module.exports = ['${KEY}', "ü"];`, 'module.exports = [process.env.K_KEY, "ü"];'],
  ['a.ts', `const a: string = \`${KEY}\` as string;`, 'const a: string = process.env.K_KEY as string;'],
  ['a.ts', `f(\`x \${y} ${KEY} z\`)`, 'f(`x ${y} ${process.env.K_KEY} z`)'],
  ['a.jsx', `<p>Don't <A k='${KEY}'/></p>`, "<p>Don't <A k={process.env.K_KEY}/></p>"],
  ['a.ts', `x = a / b; y = "${KEY}"; z = c / d`, 'x = a / b; y = process.env.K_KEY; z = c / d'],
  ['a.ts', `function f() { return 1; g("${KEY}") }`, 'function f() { return 1; g(process.env.K_KEY) }'],
])('%s: %#', (path, before, after) => {
  expect(mended(path, before)).toBe(after);
});

test.each([
  ['in a comment', 'a.ts', `/* "${KEY}" */`],
  ['in another string', 'a.ts', `const a = '{"k":"${KEY}"}'`],
  ['a part of a string', 'a.ts', `const a = "Bearer ${KEY}"`],
  ['in a pattern', 'a.ts', `const a = /"${KEY}"/`],
  ['in a template of another', 'a.ts', `const a = \`"${KEY}"\``],
  ['a name of a property', 'a.ts', `const a = { "${KEY}": 1 }`],
  ['what is imported', 'a.ts', `import a from "${KEY}"`],
  ['a type', 'a.ts', `type A = "${KEY}"`],
  ['in a file that does not parse', 'a.ts', `const a = "${KEY}"; }`],
])('there is no edit where it is %s', (_, path, text) => {
  expect(mended(path, text)).toBeNull();
});

test('no code of the file runs: not a macro that it imports, however that is written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-macro-'));
  try {
    const mark = join(folder, 'ran');
    const module = join(folder, 'm.ts');
    writeFileSync(
      module,
      `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(mark)}, '');\nexport const f = () => 1;\n`,
    );
    for (const from of [
      `'${module}' with { type: 'macro' }`,
      `'${module}' with { type: 'm\\u0061cro' }`,
      `'m\\u0061cro:${module}'`,
      `'macro:${module}'`,
    ])
      expect(mended('a.ts', `import { f } from ${from};\nconst k = "${KEY}"; f();\n`)).toBeNull();
    expect(existsSync(mark)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
