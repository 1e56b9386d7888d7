/**
 * The scanner's engine beside what could take its place, on the text of the installed packages and on text that is worst for it: one
 * expression of all rules, and one expression a rule. In memory, one core, best of several rounds; expressions get text that is decoded already.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDeep } from '../../src/detect/deep.ts';
import { findSecrets } from '../../src/detect/detect.ts';
import { patternOf } from '../../src/detect/rule.ts';
import { RULES } from '../../src/detect/rules.ts';
import { sample } from '../../src/detect/samples.ts';

const MOST_BYTES = 100_000_000;
const ROUNDS = 5;
const WORST_BYTES = 4_000_000;
const TEXT = /\.(?:[cm]?[jt]sx?|map|json|md|txt|html|css|ya?ml)$/;

const PATTERNS = RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? [patternOf(shape)] : []));
const TOGETHER = new RegExp(PATTERNS.join('|'), 'g');
const APART = PATTERNS.map((pattern) => new RegExp(pattern, 'g'));

interface Corpus {
  readonly name: string;
  readonly files: readonly Buffer[];
  readonly bytes: number;
}

function corpus(name: string, files: readonly Buffer[]): Corpus {
  return { name, files, bytes: files.reduce((sum, file) => sum + file.length, 0) };
}

function packages(): Corpus {
  const root = join(import.meta.dir, '..', '..', 'node_modules');
  const files: Buffer[] = [];
  let bytes = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !TEXT.test(entry.name)) continue;
    const file = readFileSync(join(entry.parentPath, entry.name));
    files.push(file);
    bytes += file.length;
    if (bytes >= MOST_BYTES) break;
  }
  return corpus('packages', files);
}

/** Milliseconds of the fastest round, and how much was found. */
function time(work: () => number): { readonly ms: number; readonly found: number } {
  let ms = Infinity;
  let found = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    found = work();
    ms = Math.min(ms, performance.now() - start);
  }
  return { ms, found };
}

function count(text: string, pattern: RegExp): number {
  let found = 0;
  pattern.lastIndex = 0;
  while (pattern.exec(text) !== null) found += 1;
  return found;
}

function compare({ name, files, bytes }: Corpus): void {
  const texts = files.map((file) => file.toString('latin1'));
  const engine = time(() => files.reduce((sum, file) => sum + findSecrets(file).length, 0));
  const deep = time(() => files.reduce((sum, file) => sum + findDeep(file).length, 0));
  const together = time(() => texts.reduce((sum, text) => sum + count(text, TOGETHER), 0));
  const apart = time(() =>
    texts.reduce((sum, text) => sum + APART.reduce((own, pattern) => own + count(text, pattern), 0), 0),
  );
  process.stdout.write(`${name}: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB\n`);
  for (const [what, { ms, found }] of [
    ['engine', engine],
    ['with decoders', deep],
    ['one expression', together],
    [`${APART.length} expressions`, apart],
  ] as const) {
    const speed = `${(bytes / 1e3 / ms).toFixed(0)} MB/s`.padStart(10);
    const ratio = `${(ms / engine.ms).toFixed(1)}x`.padStart(7);
    process.stdout.write(`  ${what.padEnd(16)}${speed}${ratio}  ${found} found\n`);
  }
}

export function compareEngines(): void {
  compare(packages());
  compare(corpus('one letter', [Buffer.alloc(WORST_BYTES, 'a')]));
  compare(corpus('random base64', [Buffer.from(sample('base64', WORST_BYTES))]));
  compare(corpus('one prefix again and again', [Buffer.alloc(WORST_BYTES, 'sk-proj-')]));
}
