/**
 * The redactor beside what it costs to do nothing (copy the piece, look for one prefix) and beside the usual method (keep the last 200 characters, search
 * them with one expression, for each piece), under Bun and under Node. CPU time a piece, median of several rounds; characters held back; memory after
 * ten million pieces. `npm run bench:redact`.
 */
import { join } from 'node:path';
import { patternOf } from '../src/detect/rule.ts';
import { RULES } from '../src/detect/rules.ts';
import { sample } from '../src/detect/samples.ts';
import { createByteRedactor, createRedactor, type RedactOptions } from '../src/redact/redact.ts';

const ROUNDS = 7;
const PIECES = 200_000;
const MANY_PIECES = 10_000_000;
const KEPT = 200;

const WORDS =
  'the gateway keeps provider keys sealed in a vault and hands out access tokens that are scoped expiring and budgeted so that no application ever holds the real one while every use of it is provable from a journal that was written before anything was sent'.split(
    ' ',
  );

let state = 20261126;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
}

function prose(length: number): string {
  let text = '';
  while (text.length < length) {
    text += WORDS[random(WORDS.length)] ?? '';
    text += [', ', '.\n', ': ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '][random(12)] ?? ' ';
  }
  return text;
}

/** A log as programs write it: JSON with ids, hashes, paths, and now and then a key. */
function log(length: number): string {
  let text = '';
  for (let line = 0; text.length < length; line += 1) {
    const key = line % 50 === 49 ? ['g', 'sk_', sample('alnum', 52, line)].join('') : 'none';
    text += `{"level":30,"time":17952${line},"req":{"id":"${sample('hex', 32, line)}","url":"/v1/chat/completions"},"key":"${key}","msg":"${prose(60).trim()}"}\n`;
  }
  return text;
}

/** Strings of their own, as they come from a decoder: no views of one long text. */
function pieces(text: string, sizes: () => number, count: number): string[] {
  const all: string[] = [];
  for (let at = 0; all.length < count && at < text.length;) {
    const size = sizes();
    all.push(Buffer.from(text.slice(at, at + size)).toString());
    at += size;
  }
  return all;
}

/** Deltas of a model: a word with the space before it, mostly. */
function deltas(text: string): string[] {
  return (text.match(/\s?[A-Za-z]+|\s?[^A-Za-z\s]+|\s/g) ?? []).map((one) => Buffer.from(one).toString());
}

function cpuNs(work: () => unknown): number {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
}

interface Cpu {
  readonly median: number;
  readonly least: number;
}

function cpuOf(work: () => unknown): Cpu {
  const all = Array.from({ length: ROUNDS }, () => cpuNs(work)).toSorted((a, b) => a - b);
  return { median: all[Math.floor(ROUNDS / 2)] ?? 0, least: all[0] ?? 0 };
}

type Method = (all: readonly string[]) => number;

function redactor(options: RedactOptions): Method {
  return (all) => {
    const one = createRedactor(options);
    let length = 0;
    for (const piece of all) length += one.push(piece).length;
    return length + one.end().length;
  };
}

const EXPRESSION = new RegExp(
  RULES.flatMap(({ shape }) => (shape.by === 'prefix' ? [patternOf(shape)] : [])).join('|'),
  'g',
);

/** Whatever leaves the window was searched while it was in it; what was sent meanwhile is sent. */
const keepAndSearch: Method = (all) => {
  let window = '';
  let length = 0;
  for (const piece of all) {
    const text = (window + piece).replace(EXPRESSION, '[redacted]');
    const sent = Math.max(0, text.length - KEPT);
    length += text.slice(0, sent).length;
    window = text.slice(sent);
  }
  return length + window.length;
};

const copy: Method = (all) => {
  let length = 0;
  let last = '';
  for (const piece of all) {
    last = `${piece.slice(0, 1)}${piece.slice(1)}`;
    length += last.length;
  }
  return length;
};

const indexOf: Method = (all) => {
  let length = 0;
  for (const piece of all) length += piece.indexOf('sk_') + piece.length;
  return length;
};

const METHODS: readonly (readonly [string, Method])[] = [
  ['redactor', redactor({})],
  ['redactor, context: false', redactor({ context: false })],
  ['floor: copy the piece', copy],
  ['floor: indexOf one prefix', indexOf],
  ['keep 200 + one expression', keepAndSearch],
];

function held(all: readonly string[], options: RedactOptions): string {
  const one = createRedactor(options);
  let sum = 0;
  let most = 0;
  let times = 0;
  for (const piece of all) {
    one.push(piece);
    sum += one.held;
    most = Math.max(most, one.held);
    if (one.held > 0) times += 1;
  }
  const share = ((100 * times) / all.length).toFixed(0);
  return `held ${(sum / all.length).toFixed(2)} on average (${(sum / Math.max(1, times)).toFixed(1)} when any, ${share} % of pieces), ${most} at most`;
}

function row(name: string, value: string): void {
  process.stdout.write(`  ${name.padEnd(28)}${value}\n`);
}

function compare(title: string, all: readonly string[], isShort: boolean): void {
  const characters = all.reduce((sum, piece) => sum + piece.length, 0);
  process.stdout.write(
    `${title}: ${all.length} pieces of ${(characters / all.length).toFixed(1)} characters\n`,
  );
  for (const [name, method] of METHODS) {
    method(all);
    const { median, least } = cpuOf(() => method(all));
    const text = isShort
      ? `${(median / all.length).toFixed(0)} ns a piece (least ${(least / all.length).toFixed(0)})`
      : `${((characters * 1e3) / median).toFixed(0)} MB/s`;
    row(name, text);
  }
  for (const options of [{}, { context: false }]) row(JSON.stringify(options), held(all, options));
}

function bytes(text: string): void {
  const block = Buffer.from(text);
  const one = createByteRedactor();
  const work = (): number => {
    let length = 0;
    for (let round = 0; round < 20; round += 1) {
      for (let at = 0; at < block.length; at += 65_536)
        length += one.push(block.subarray(at, at + 65_536)).length;
    }
    return length;
  };
  work();
  row('bytes, blocks of 64 KiB', `${((block.length * 20 * 1e3) / cpuOf(work).median).toFixed(0)} MB/s`);
}

function grow(all: readonly string[]): void {
  const one = createRedactor();
  const memory = (): string => {
    (globalThis as { gc?: () => void }).gc?.();
    if (typeof Bun !== 'undefined') Bun.gc(true);
    const { rss, heapUsed } = process.memoryUsage();
    return `rss ${(rss / 1e6).toFixed(0)} MB, heap ${(heapUsed / 1e6).toFixed(1)} MB`;
  };
  let pushed = 0;
  let length = 0;
  const pushUpTo = (count: number): void => {
    for (; pushed < count; pushed += 1) length += one.push(all[pushed % all.length] ?? '').length;
  };
  pushUpTo(MANY_PIECES / 10);
  row('after 1 million pieces', memory());
  pushUpTo(MANY_PIECES);
  row('after 10 million pieces', `${memory()} (${(length / 1e6).toFixed(0)} million characters)`);
}

function all(): void {
  const runtime = typeof Bun === 'undefined' ? `Node ${process.versions.node}` : `Bun ${Bun.version}`;
  process.stdout.write(`\n${runtime}\n`);
  const text = prose(PIECES * 5);
  const short = pieces(text, () => 1 + random(7), PIECES);
  compare('prose, pieces of 1 to 7', short, true);
  compare('deltas of a model', deltas(text).slice(0, PIECES), true);
  const lines = log(1_000_000);
  compare(
    'a log, pieces of 1 to 7',
    pieces(lines, () => 1 + random(7), PIECES),
    true,
  );
  compare(
    'a log, blocks of 64 KiB',
    pieces(lines, () => 65_536, 100),
    false,
  );
  bytes(lines);
  grow(short);
}

if (typeof Bun === 'undefined') all();
else {
  all();
  // The same file as plain JavaScript.
  const built = await Bun.build({ entrypoints: [import.meta.path], target: 'node' });
  const [program] = built.outputs;
  if (!program) throw new AggregateError(built.logs, 'the benchmark could not be built for Node');
  const file = join(import.meta.dir, `.redact-${process.pid}.mjs`);
  await Bun.write(file, program);
  try {
    Bun.spawnSync(['node', '--expose-gc', file], { stdout: 'inherit', stderr: 'inherit' });
  } finally {
    await Bun.file(file).delete();
  }
}
