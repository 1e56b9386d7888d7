/** Everything that is checked without running the program: types, lint, format, dead code, architecture. */
import { join } from 'node:path';

const root = join(import.meta.dir, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ['types', [bin('tsc'), '--noEmit']],
  ['lint', [bin('oxlint'), '--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench', 'examples']],
  ['format', [bin('prettier'), '--check', '--log-level=warn', '.']],
  ['dead code', [bin('knip')]],
  [
    'architecture',
    [process.execPath, '--no-env-file', '--config=/dev/null', 'test', 'test/architecture.test.ts'],
  ],
];

let failed = 0;
for (const [name, command] of STEPS) {
  const run = Bun.spawnSync([...command], { cwd: root, stdout: 'pipe', stderr: 'pipe' });
  process.stdout.write(`${run.success ? 'ok    ' : 'FAILED'} ${name}\n`);
  if (run.success) continue;
  failed += 1;
  process.stdout.write(run.stdout.toString());
  process.stdout.write(run.stderr.toString());
}
process.exitCode = failed === 0 ? 0 : 1;
