/**
 * Reading packs finds what git finds: on repositories full of deltas, with secrets that begin, end, are joined or come apart wherever one piece of a
 * delta meets the next, the same findings come out as when git hands over every object whole.
 */
import { expect, test } from 'bun:test';
import { sample } from '../../src/detect/samples.ts';
import type { Finding } from '../../src/scan/finding.ts';
import { type HistoryOptions, scanHistory } from '../../src/scan/history/history.ts';
import { NO_PROGRESS } from '../../src/scan/progress.ts';
import { Collector } from '../../src/scan/sink.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

const wrap = (text: string, width: number): string => text.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** Apart from what stands around them, so that this file holds nothing that looks like a key. */
const MARKER = ['T3Blbk', 'FJ'].join('');
const RSA = 'RSA';

/** A value as it may stand in a file, in one of the forms that a scan sees through. */
const FORMS: readonly ((seed: number) => string)[] = [
  (seed) => `token: gsk_${sample('alnum', 52, seed)}\n`,
  (seed) => `"sk-proj-${sample('key', 74, seed)}${MARKER}${sample('key', 74, seed + 1)}"`,
  (seed) => `MISTRAL_API_KEY = "${sample('alnum', 32, seed)}"\n`,
  (seed) => `mistral:\n    description: none\nmistral:\n  api_key: ${sample('alnum', 32, seed)}\n`,
  (seed) =>
    `\n${wrap(base64(`Some text before it, and then GROQ=gsk_${sample('alnum', 52, seed)} and text behind it, long.`), 64)}\n`,
  (seed) =>
    `const a = "gsk_${sample('alnum', 20, seed)}" +\n          "${sample('alnum', 20, seed + 1)}" +\n   "${sample('alnum', 12, seed + 2)}";\n`,
  (seed) => Buffer.from(`\n wide = gsk_${sample('alnum', 52, seed)} \n`, 'utf16le').toString('latin1'),
  (seed) =>
    `u=${[...Buffer.from(`gsk_${sample('alnum', 52, seed)}`)].map((byte) => `\\x${byte.toString(16)}`).join('')}\n`,
  (seed) => `hex ${Buffer.from(`key=gsk_${sample('alnum', 52, seed)};`).toString('hex')}\n`,
  (seed) =>
    `-----BEGIN ${RSA} PRIVATE KEY-----\n${wrap(sample('base64', 1600, seed), 64)}\n-----END ${RSA} PRIVATE KEY-----\n`,
  (seed) => `postgres://service:${sample('alnum', 18, seed)}@db.internal.company.net:5432/main\n`,
  (seed) =>
    `jwt ${base64(JSON.stringify({ alg: 'HS256', typ: 'JWT' })).replaceAll('=', '')}.${base64(JSON.stringify({ sub: sample('alnum', 300, seed) })).replaceAll('=', '')}.${sample('key', 43, seed)}\n`,
];

const WORDS =
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau'.split(
    ' ',
  );

function text(chance: Chance, bytes: number): string {
  let lines = '';
  while (lines.length < bytes) {
    const words = Array.from({ length: 1 + chance.below(8) }, () => chance.pick(WORDS));
    lines += `${' '.repeat(chance.below(6))}${words.join(chance.pick([' ', ', ', '(', '.']))}${chance.below(1e6)}\n`;
  }
  return lines;
}

/** Versions of one file: a value that comes in whole, in parts, loses and gets back a part, among other changes. */
function versions(chance: Chance, seed: number): string[] {
  const value = chance.pick(FORMS)(seed);
  const [before, behind] = [text(chance, 1500 + chance.below(6000)), text(chance, 1500 + chance.below(6000))];
  const cut = (): [number, number] => {
    const from = chance.below(value.length);
    return [from, from + 1 + chance.below(value.length - from)];
  };
  const made: string[] = [];
  for (let count = 4 + chance.below(6); count > 0; count -= 1) {
    const [from, to] = cut();
    const filling = chance.pick(['', 'x', ' ', '\n', text(chance, 200), value.slice(0, from)]);
    const part = chance.pick([
      value,
      value.slice(0, from),
      value.slice(to),
      value.slice(0, from) + filling + value.slice(to),
    ]);
    // Git makes the smaller one from the larger.
    const more = chance.pick(['', '', text(chance, 400), text(chance, 3000)]);
    made.push(before + part + behind + more);
  }
  return made;
}

async function makeRepository(lab: GitLab, seed: number): Promise<void> {
  const chance = new Chance(seed);
  let stream = '';
  let mark = 0;
  for (let file = 0; file < 24; file += 1) {
    for (const content of versions(chance, seed * 1000 + file * 10)) {
      mark += 1;
      const bytes = Buffer.from(content, 'latin1');
      stream += `commit refs/heads/main\nmark :${mark}\ncommitter A <a@example.com> ${1_700_000_000 + mark} +0000\ndata 2\nc\n`;
      if (mark > 1) stream += `from :${mark - 1}\n`;
      stream += `M 100644 inline folder/file-${file}.txt\ndata ${bytes.length}\n${content}\n\n`;
    }
  }
  const importing = Bun.spawn(['git', 'fast-import', '--quiet'], {
    cwd: lab.root,
    env: { ...lab.env },
    stdin: Buffer.from(stream, 'latin1'),
    stdout: 'ignore',
    stderr: 'ignore',
  });
  expect(await importing.exited).toBe(0);
  lab.git('repack', '-adfq', '--depth=50', '--window=20');
}

async function findingsOf(
  lab: GitLab,
  options: Partial<HistoryOptions>,
): Promise<{ readonly found: string[]; readonly problems: readonly string[] }> {
  const result = new Collector();
  const git = { cwd: lab.root, env: lab.env };
  const stop = new AbortController().signal;
  await scanHistory({ git, progress: NO_PROGRESS, stop, fresh: true, ...options }, result);
  const line = ({ path, line: number, column, rule, fingerprint, commit, encodings }: Finding): string =>
    [path, number, column, rule.id, fingerprint, commit, encodings.join()].join(' ');
  return { found: result.findings.map(line).toSorted(), problems: result.problems };
}

for (const seed of [1, 2, 3, 4]) {
  test(`packs show what whole objects show, repository ${seed}`, async () => {
    using lab = openGitLab();
    await makeRepository(lab, seed);
    const whole = await findingsOf(lab, { throughGit: true });
    expect(whole.problems).toEqual([]);
    expect(whole.found.length).toBeGreaterThan(10);
    expect(await findingsOf(lab, { survey: { threads: 1 } })).toEqual(whole);
    // In pieces as large packs are, and by several threads.
    expect(await findingsOf(lab, { survey: { threads: 1, mostMappedBytes: 0 } })).toEqual(whole);
    expect(await findingsOf(lab, { survey: { threads: 2 } })).toEqual(whole);
  });
}
