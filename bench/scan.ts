/**
 * The scanner beside what could take its place: the engine in memory, whole processes on a tree of files, and the hook. `npm run bench:scan`, or with one of
 * `engine`, `tree`, `hook` behind it. The tree has 13,000 files and 200 MB, in the page cache.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareSkimming } from '../src/detect/skim.ts';
import { BUN } from './process.ts';
import { compareEngines } from './scan/engine.ts';
import { measureHook } from './scan/hook.ts';
import { type Contestant, measure, print } from './scan/measure.ts';
import { installPeers } from './scan/peers.ts';
import { makeTree } from './scan/tree.ts';

const FILES = 13_000;
const BYTES = 200_000_000;
const ROUNDS = 7;
/** Of what takes seconds. */
const SLOW_ROUNDS = 2;
const ROOT = join(import.meta.dir, '..');
const CLONE = join(ROOT, 'sallyport');

const parts = process.argv.slice(2);
const wants = (part: string): boolean => parts.length === 0 || parts.includes(part);

function measureTree(program: string | null): void {
  using tree = makeTree(FILES, BYTES);
  using peers = installPeers();
  const contestants: Contestant[] = [
    { name: 'sallyport, from a clone', command: [CLONE, 'scan', '--no-cache'], codes: [0] },
    { name: 'sallyport, from the cache', command: [CLONE, 'scan'], codes: [0] },
  ];
  if (program !== null)
    contestants.push({
      name: 'sallyport, one-file program',
      command: [program, 'scan', '--no-cache'],
      codes: [0],
    });
  for (const [name, command] of peers.commands) {
    // Some find what they take for a secret.
    const slow = name.startsWith('secretlint') ? { rounds: SLOW_ROUNDS } : {};
    contestants.push({ name, command, codes: [0, 1], ...slow });
  }
  print(
    `tree: ${tree.files} files, ${(tree.bytes / 1e6).toFixed(0)} MB`,
    measure(contestants, tree.path, ROUNDS),
  );
}

/** Null when it cannot be built. */
function buildProgram(out: string): string | null {
  const build = Bun.spawnSync([...BUN, join(ROOT, 'scripts', 'build.ts'), '--out', out], {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  const name =
    build.exitCode === 0 ? readdirSync(out).find((file) => file.startsWith('sallyport-')) : undefined;
  return name === undefined ? null : join(out, name);
}

// As every scan but a hook's does.
await prepareSkimming();
if (wants('engine')) compareEngines();
if (wants('tree') || wants('hook')) {
  const out = mkdtempSync(join(tmpdir(), 'sallyport-bench-program-'));
  try {
    const program = buildProgram(out);
    if (wants('tree')) measureTree(program);
    if (wants('hook')) measureHook(program, CLONE);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}
