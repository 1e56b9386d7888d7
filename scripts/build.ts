/**
 * Builds one-file programs: the runtime, our code and its Workers, reading no .env and no bunfig.toml. Without arguments for this machine;
 * `--target linux-arm64` (several are possible) for others, whose runtime must be there, because nothing is fetched:
 * `npm install --no-save --force @oven/bun-linux-aarch64@<version of bun>`. Beside the programs lies SHA256SUMS, for `sha256sum --check`.
 * A Worker is a file `*-worker.ts`; in a program it is found at `/$bunfs/root/<its path below src>.js`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { VERSION } from '../src/version.ts';

/** Our name for a platform: the runtime's, and the npm package that holds it. */
const TARGETS = {
  'linux-x64': ['bun-linux-x64', 'bun-linux-x64'],
  'linux-x64-baseline': ['bun-linux-x64-baseline', 'bun-linux-x64-baseline'],
  'linux-x64-musl': ['bun-linux-x64-musl', 'bun-linux-x64-musl'],
  'linux-arm64': ['bun-linux-arm64', 'bun-linux-aarch64'],
  'linux-arm64-musl': ['bun-linux-arm64-musl', 'bun-linux-aarch64-musl'],
  'darwin-x64': ['bun-darwin-x64', 'bun-darwin-x64'],
  'darwin-arm64': ['bun-darwin-arm64', 'bun-darwin-aarch64'],
} as const satisfies Record<string, readonly [Bun.Build.CompileTarget, string]>;

type Target = keyof typeof TARGETS;

const root = join(import.meta.dir, '..');
const source = join(root, 'src');

function isTarget(name: string): name is Target {
  return name in TARGETS;
}

function runtimeOf(target: Target): string | undefined {
  if (target === `${process.platform}-${process.arch}`) return process.execPath;
  const path = join(root, 'node_modules', '@oven', TARGETS[target][1], 'bin', 'bun');
  return existsSync(path) ? path : undefined;
}

async function build(target: Target, runtime: string, outfile: string): Promise<void> {
  const workers = (readdirSync(source, { recursive: true }) as string[])
    .filter((path) => path.endsWith('-worker.ts'))
    .map((path) => join(source, path));
  const built = await Bun.build({
    entrypoints: [join(source, 'main.ts'), ...workers],
    root: source,
    // Compiled beforehand, in parts that are loaded when they are wanted: a command starts in a quarter of the time.
    format: 'esm',
    splitting: true,
    bytecode: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    compile: {
      target: TARGETS[target][0],
      executablePath: runtime,
      outfile: `${outfile}.new`,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!built.success) throw new AggregateError(built.logs, `${target} could not be built`);
  renameSync(`${outfile}.new`, outfile);
}

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: [`${process.platform}-${process.arch}`] },
    out: { type: 'string', default: join(root, 'dist') },
  },
});
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const sums: string[] = [];
for (const target of values.target) {
  const runtime = isTarget(target) ? runtimeOf(target) : undefined;
  if (!isTarget(target) || runtime === undefined) {
    const why = isTarget(target)
      ? `its runtime is not here: npm install --no-save --force @oven/${TARGETS[target][1]}@${Bun.version}`
      : `the targets are ${Object.keys(TARGETS).join(', ')}`;
    process.stderr.write(`not built: ${target}; ${why}\n`);
    process.exitCode = 1;
    continue;
  }
  const name = `sallyport-${VERSION}-${target}`;
  await build(target, runtime, join(out, name));
  const digest = createHash('sha256')
    .update(readFileSync(join(out, name)))
    .digest('hex');
  sums.push(`${digest}  ${name}\n`);
  process.stdout.write(`${join(out, name)}\n`);
}
if (sums.length > 0) writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
else rmSync(join(out, 'SHA256SUMS'), { force: true });
