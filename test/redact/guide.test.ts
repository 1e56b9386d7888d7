/** The programs of docs/guide/redact.md run as they stand there, in plain Node, and print no key. */
import { afterAll, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sample } from '../../src/detect/samples.ts';

const ROOT = join(import.meta.dir, '..', '..');
const PROJECT = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
mkdirSync(join(PROJECT, 'node_modules'));
symlinkSync(ROOT, join(PROJECT, 'node_modules', 'sallyport'));
symlinkSync(join(ROOT, 'node_modules', 'pino'), join(PROJECT, 'node_modules', 'pino'));
afterAll(() => rmSync(PROJECT, { recursive: true }));

const GUIDE = readFileSync(join(ROOT, 'docs', 'guide', 'redact.md'), 'utf8');
const PROGRAMS = [...GUIDE.matchAll(/```js\n(.*?)```/gs)].map(([, program = '']) => program);
const MARK = '[redacted groq-api-key]';

test('the guide has four programs', () => {
  expect(PROGRAMS).toHaveLength(4);
});

test.each(PROGRAMS.map((program) => [/'(sallyport\/\w+)'/.exec(program)?.[1], program] as const))(
  'the program with %s does what the guide says',
  (_, program) => {
    const key = `${['g', 'sk_'].join('')}${sample('alnum', 52, 8)}`;
    const file = join(PROJECT, 'app.mjs');
    const log = join(PROJECT, 'app.log');
    writeFileSync(file, program);
    rmSync(log, { force: true });
    const child = Bun.spawnSync(['node', file, key], { cwd: PROJECT });
    expect(child.stderr.toString()).toBe('');
    const out = child.stdout.toString() || readFileSync(log, 'utf8');
    expect(out).toMatch(/redacted (?:groq-api-key|known-value)/);
    expect(out).not.toContain(key.slice(4, 16));
    if (program.includes('createRedactor')) {
      expect(out).toBe(`Authorization: Bearer ${MARK}\nthe key is [redacted known-value] indeed\n`);
    }
    if (program.includes('wrapConsole')) expect(out.split(MARK)).toHaveLength(3);
  },
);
