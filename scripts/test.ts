/**
 * Runs the whole suite and ends with one line, `N passed, N failed`. A skipped test, or a run without tests, counts as failed: what was
 * not tested must not look tested. Arguments are passed on as file filters.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-test-'));
const report = join(folder, 'report.xml');
const filters = process.argv.slice(2);
const run = Bun.spawn(
  [
    process.execPath,
    '--no-env-file',
    '--config=/dev/null',
    'test',
    '--preload=./test/support/fixed-seed.ts',
    '--parallel=2',
    '--timeout=60000',
    '--only-failures',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    ...(filters.length > 0 ? filters : ['./src', './test']),
  ],
  {
    cwd: join(import.meta.dir, '..'),
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '20000' },
  },
);
const exitCode = await run.exited;

let root = '';
try {
  root = /<testsuites[^>]*>/.exec(readFileSync(report, 'utf8'))?.[0] ?? '';
} catch {
  process.stdout.write('The test runner wrote no report.\n');
}
rmSync(folder, { recursive: true, force: true });

const count = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
const tests = count('tests');
const skipped = count('skipped');
const failed = count('failures') + count('errors') + skipped;
if (skipped > 0) process.stdout.write(`${skipped} tests were skipped; that counts as failed.\n`);
if (tests === 0) process.stdout.write('No test ran.\n');
process.stdout.write(`${Math.max(0, tests - failed)} passed, ${failed} failed\n`);
process.exitCode = exitCode === 0 && failed === 0 && tests > 0 ? 0 : 1;
