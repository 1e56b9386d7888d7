/** What somebody has allowed does not count, is reported all the same, and stops to hold; and no merge loses or breaks a line of it. */
import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { run } from '../../src/cli/test-io.ts';
import { allowLine, parseAllowances, withLine } from '../../src/scan/allow-file.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const NOON_MS = Date.parse('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const FILE = '.sallyport-allow';
const MARK = ['sallyport', 'allow'].join(':');

interface Event {
  readonly event: string;
  readonly fingerprint: string;
  readonly path: string;
  readonly remark?: string;
  readonly allowed?: { by: string; reason: string; until?: string } | number;
  readonly findings: number;
  readonly notes?: string[];
}

interface Scanned {
  readonly code: number;
  readonly events: readonly Event[];
  readonly summary: Event;
}

async function cli(lab: GitLab, argv: readonly string[], { stdin = '', wallMs = NOON_MS } = {}) {
  return run(argv, { cwd: lab.root, env: lab.env, stdin, wallMs });
}

async function scan(lab: GitLab, argv: readonly string[], options = {}): Promise<Scanned> {
  const { code, out, err } = await cli(lab, ['scan', '--json', ...argv], options);
  expect(err).toBe('');
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  return { code, events: events.slice(0, -1), summary: events.at(-1)! };
}

async function fingerprintOf(lab: GitLab, text: string): Promise<string> {
  const { events } = await scan(lab, ['--stdin'], { stdin: text });
  expect(events).toHaveLength(1);
  return events[0]!.fingerprint;
}

async function allow(lab: GitLab, fingerprint: string, ...more: string[]) {
  const result = await cli(lab, [
    'scan',
    'allow',
    fingerprint,
    '--rule',
    'groq-api-key',
    '--reason',
    'a sample',
    ...more,
  ]);
  expect(result.code).toBe(0);
  return result;
}

test('an allowed value does not count anywhere, others do; the report says how many, and lists them when asked', async () => {
  using lab = openGitLab();
  const [key, other] = [fixtureKey(), fixtureKey()];
  const said = await allow(lab, await fingerprintOf(lab, key));
  expect(said.out).toContain('allowed until 2027-02-24: groq-api-key');
  expect(said.err).toContain(`commit ${FILE} and .gitattributes`);
  expect(readFileSync(join(lab.root, FILE), 'utf8')).not.toContain(key.slice(4, 24));
  const clean = await scan(lab, ['--stdin'], { stdin: `one ${key}\n\ntwo ${key}` });
  expect([clean.code, clean.events, clean.summary]).toEqual([
    0,
    [],
    expect.objectContaining({ findings: 0, allowed: 2, complete: true }),
  ]);
  const found = await scan(lab, ['--stdin', '--show-allowed'], { stdin: `${key}\n${other}` });
  expect(found.code).toBe(1);
  expect(found.events).toMatchObject([
    { event: 'allowed', allowed: { by: 'file', reason: 'a sample', until: '2027-02-24' } },
    { event: 'finding' },
  ]);
  const text = await cli(lab, ['scan', '--stdin'], { stdin: key });
  expect([text.code, text.out]).toEqual([0, 'no secret in standard input (1 file; 1 allowed)\n']);
  const listed = await cli(lab, ['scan', '--stdin', '--show-allowed'], { stdin: key });
  expect(listed.err).toContain('; allowed: a sample');
});

test('an allowance ends: after its last day the value counts again, and the report says why', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const fingerprint = await fingerprintOf(lab, key);
  await allow(lab, fingerprint, '--until', '2026-11-30');
  const lastDayMs = Date.parse('2026-11-30T23:59:59.999Z');
  expect((await scan(lab, ['--stdin'], { stdin: key, wallMs: lastDayMs })).code).toBe(0);
  const after = await scan(lab, ['--stdin'], { stdin: key, wallMs: lastDayMs + 1 });
  expect([after.code, after.events[0]?.remark]).toEqual([1, 'its allowance ended on 2026-11-30']);
  // A second line, of another branch perhaps, that still holds is enough.
  await allow(lab, fingerprint, '--until', '2026-12-24');
  expect((await scan(lab, ['--stdin'], { stdin: key, wallMs: lastDayMs + 1 })).code).toBe(0);
});

test('what is staged goes by the staged file: as CI will, and the report says what is missing', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  lab.write('a.ts', `const a = '${key}';\n`);
  lab.git('add', 'a.ts');
  const found = await scan(lab, ['--staged']);
  expect(found.code).toBe(1);
  await allow(lab, found.events[0]!.fingerprint);
  const again = await scan(lab, ['--staged']);
  expect([again.code, again.events[0]?.remark]).toEqual([1, expect.stringContaining(`git add ${FILE}`)]);
  lab.git('add', FILE);
  expect(await scan(lab, ['--staged'])).toMatchObject({ code: 0, summary: { allowed: 1 } });
  rmSync(join(lab.root, FILE));
  expect((await scan(lab, ['--staged'])).code).toBe(0);
  mkdirSync(join(lab.root, 'below'));
  const below = await run(['scan', '--staged'], {
    cwd: join(lab.root, 'below'),
    env: lab.env,
    wallMs: NOON_MS,
  });
  expect(below.code).toBe(0);
});

test('a mark on the line counts for staged lines and for text, with a reason only', async () => {
  using lab = openGitLab();
  const [key, other] = [fixtureKey(), fixtureKey()];
  lab.write('a.py', `a = "${key}"  # ${MARK} revoked, for the docs\nb = "${other}"  # ${MARK}\n`);
  lab.git('add', 'a.py');
  const found = await scan(lab, ['--staged', '--show-allowed']);
  expect(found.code).toBe(1);
  expect(found.events).toMatchObject([
    { event: 'allowed', allowed: { by: 'line', reason: 'revoked, for the docs' } },
    { event: 'finding', remark: expect.stringContaining('gives no reason') },
  ]);
  const possible = ['g', 'sk_'].join('') + 'x'.repeat(24);
  lab.write('a.py', `a = "${possible}"  # ${MARK} a placeholder\n`);
  lab.git('add', 'a.py');
  expect(await scan(lab, ['--staged'])).toMatchObject({ code: 0, summary: { findings: 0, allowed: 1 } });
});

test('lines that nothing came of are named where all was seen, and only there', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  await allow(lab, await fingerprintOf(lab, key));
  await allow(lab, 'b'.repeat(20), '--until', '20d');
  const unused = `${FILE}, line `;
  const notes = async (...argv: string[]): Promise<string> =>
    ((await scan(lab, [...argv, '--no-cache'])).summary.notes ?? []).join('\n');
  lab.write('a', key);
  const inFiles = await notes();
  expect(
    inFiles.match(/allows nothing that is in the files: groq-api-key until 2026-12-16, a sample/g),
  ).toHaveLength(1);
  expect(inFiles.split(unused)).toHaveLength(2);
  expect(inFiles).toContain('scan --history');
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', 'x');
  lab.git('rm', '-q', 'a');
  lab.git('commit', '-q', '-m', 'x');
  expect((await notes()).split(unused)).toHaveLength(3);
  expect((await notes('--history')).split(unused)).toHaveLength(2);
  // A part of it says nothing about the rest.
  mkdirSync(join(lab.root, 'below'));
  for (const argv of [['--staged'], ['--range', 'HEAD^..HEAD'], ['.'], ['below'], ['--stdin']])
    expect([argv, await notes(...argv)]).toEqual([argv, '']);
  lab.write('broken.gz', gzipSync('x'.repeat(2000)).subarray(0, 24));
  expect(await notes()).toBe('');
});

test('a path of another repository goes by the file of that one', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  await allow(lab, await fingerprintOf(lab, key));
  lab.write('a', key);
  const elsewhere = { cwd: lab.home, env: lab.env, wallMs: NOON_MS };
  expect((await run(['scan', join(lab.root, 'a')], elsewhere)).code).toBe(0);
  expect((await run(['scan', lab.root], elsewhere)).code).toBe(0);
  lab.write('../home/a', key);
  expect((await run(['scan', 'a'], elsewhere)).code).toBe(1);
  expect((await run(['scan', 'a/b'], elsewhere)).code).toBe(2);
});

describe('a file that cannot be believed', () => {
  test('stops the scan, names the line, and allows nothing', async () => {
    using lab = openGitLab();
    const key = fixtureKey();
    await allow(lab, await fingerprintOf(lab, key));
    const good = readFileSync(join(lab.root, FILE), 'utf8');
    lab.write(FILE, `${good}groq-api-key for ever\n`);
    const stopped = await cli(lab, ['scan', '--stdin'], { stdin: key });
    expect([stopped.code, stopped.out]).toEqual([2, '']);
    expect(stopped.err).toContain(`${FILE}, line 2, is no allowance`);
    lab.write('a', key);
    lab.git('add', 'a', FILE);
    expect((await cli(lab, ['scan', '--staged'])).code).toBe(2);
    const added = await cli(lab, [
      'scan',
      'allow',
      'a'.repeat(20),
      '--rule',
      'groq-api-key',
      '--reason',
      'a test',
    ]);
    expect(added.code).toBe(2);
    expect(readFileSync(join(lab.root, FILE), 'utf8')).toBe(`${good}groq-api-key for ever\n`);
    expect(existsSync(join(lab.root, `${FILE}.lock`))).toBe(false);
  });

  test('is a link, a folder or a pipe', async () => {
    using lab = openGitLab();
    const path = join(lab.root, FILE);
    symlinkSync('/dev/zero', path);
    expect((await cli(lab, ['scan', '--stdin'])).err).toContain('is a link');
    const added = await cli(lab, [
      'scan',
      'allow',
      'a'.repeat(20),
      '--rule',
      'groq-api-key',
      '--reason',
      'a test',
    ]);
    expect(added.code).toBe(2);
    rmSync(path);
    mkdirSync(path);
    expect((await cli(lab, ['scan', '--stdin'])).code).toBe(2);
    rmSync(path, { recursive: true });
    expect(Bun.spawnSync(['mkfifo', path]).exitCode).toBe(0);
    expect((await cli(lab, ['scan', '--stdin'])).err).toContain('is no plain file');
  });
});

describe('scan allow', () => {
  test('refuses what would allow nothing, or for ever, and does not repeat what may be a key', async () => {
    using lab = openGitLab();
    const key = fixtureKey();
    const good = ['a'.repeat(20), '--rule', 'groq-api-key', '--reason', 'a test'];
    for (const [argv, message] of [
      [[key, ...good.slice(1)], 'is no fingerprint'],
      [[good[0], '--reason', 'a test'], '--rule is missing'],
      [[good[0], '--rule', 'no-such-rule', '--reason', 'a test'], '--rule'],
      [[good[0], '--rule', 'groq-api-key'], '--reason is missing'],
      [[good[0], '--rule', 'groq-api-key', '--reason', '...'], '--reason says nothing'],
      [[good[0], '--rule', 'groq-api-key', '--reason', `it is ${key}`], '--reason holds a secret'],
      [[...good, '--until', '2026-11-25'], 'is over'],
      [[...good, '--until', '2027-12-31'], 'more than a year'],
      [[...good, '--until', '2027-02-30'], 'is no day'],
      [[...good, '--until', 'soon'], '--until'],
      [['--reason', 'a test'], '--reason needs a fingerprint'],
      [[good[0], '--tidy'], '--tidy takes no fingerprint'],
    ] as [string[], string][]) {
      const { code, out, err } = await cli(lab, ['scan', 'allow', ...argv]);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain(message);
      expect(err).not.toContain(key.slice(4, 24));
    }
    expect(existsSync(join(lab.root, FILE))).toBe(false);
    const outside = await run(['scan', 'allow', ...good], { cwd: '/', env: lab.env });
    expect([outside.code, outside.err.includes('no work tree')]).toEqual([2, true]);
  });

  test('lists what is allowed, and tidies it', async () => {
    using lab = openGitLab();
    await allow(lab, 'b'.repeat(20), '--until', '1d');
    await allow(lab, 'a'.repeat(20), '--until', '30d');
    const laterMs = NOON_MS + 2 * DAY_MS;
    const listed = await cli(lab, ['scan', 'allow'], { wallMs: laterMs });
    expect(listed.out).toContain('2026-11-27 (ended)');
    expect(listed.out).toMatch(/groq-api-key +2026-12-26 +a sample/);
    expect((await cli(lab, ['scan', 'allow', '--tidy'], { wallMs: laterMs })).code).toBe(0);
    const left = (await cli(lab, ['scan', 'allow', '--json'], { wallMs: laterMs })).jsonList();
    expect(left).toMatchObject([{ until: '2026-12-26', ended: false }]);
  });

  test('writes the attribute once, at the end of what is there, and leaves alone what somebody decided', async () => {
    using lab = openGitLab();
    lab.write('.gitattributes', '*.png binary');
    await allow(lab, 'a'.repeat(20));
    const attributes = `*.png binary\n/${FILE} merge=union\n`;
    expect(readFileSync(join(lab.root, '.gitattributes'), 'utf8')).toBe(attributes);
    rmSync(join(lab.root, FILE));
    await allow(lab, 'b'.repeat(20));
    expect(readFileSync(join(lab.root, '.gitattributes'), 'utf8')).toBe(attributes);
    rmSync(join(lab.root, FILE));
    lab.write('.gitattributes', `${FILE} -merge\n`);
    await allow(lab, 'b'.repeat(20));
    expect(readFileSync(join(lab.root, '.gitattributes'), 'utf8')).toBe(`${FILE} -merge\n`);
  });

  test('two at once lose no line: the second is told to try again', async () => {
    using lab = openGitLab();
    lab.write(`${FILE}.lock`, '');
    const second = await cli(lab, [
      'scan',
      'allow',
      'a'.repeat(20),
      '--rule',
      'groq-api-key',
      '--reason',
      'a test',
    ]);
    expect([second.code, second.err.includes('another command changes the file')]).toEqual([2, true]);
    expect(existsSync(join(lab.root, `${FILE}.lock`))).toBe(true);
  });
});

test('whatever two branches add, git merges it without a conflict, and every line holds afterwards', () => {
  using lab = openGitLab();
  lab.write('.gitattributes', `/${FILE} merge=union\n`);
  lab.write(FILE, '');
  lab.git('add', '.');
  lab.git('commit', '-q', '-m', 'start');
  let salt = 0;
  const anyLine = fc.constantFrom('aws-key', 'groq-api-key', 'zz').map((rule) => {
    // Salts that the runs share would make lines of different runs the same.
    const text = Bun.hash(`${(salt += 1)}`)
      .toString(16)
      .padStart(16, '0');
    return allowLine({ rule, fingerprint: 'a'.repeat(20), until: '2027-01-31', reason: 'a test' }, text);
  });
  const lines = fc.array(anyLine, { maxLength: 4 });
  fc.assert(
    fc.property(lines, lines, lines, fc.boolean(), (base, ours, theirs, both) => {
      const commit = (text: string, message: string): void => {
        lab.write(FILE, text);
        lab.git('commit', '-q', '--allow-empty', '-a', '-m', message);
      };
      lab.git('switch', '-q', '-C', 'ours', 'main');
      const start = base.reduce(withLine, '');
      commit(start, 'base');
      lab.git('branch', '-f', 'theirs');
      const same = both ? ours.slice(0, 1) : [];
      commit(ours.reduce(withLine, start), 'ours');
      lab.git('switch', '-q', 'theirs');
      commit([...theirs, ...same].reduce(withLine, start), 'theirs');
      lab.git('merge', '-q', '--no-edit', 'ours');
      const merged = readFileSync(join(lab.root, FILE), 'utf8');
      const hashes = parseAllowances(merged, NOON_MS).map(({ hash }) => hash);
      const wanted = [...base, ...ours, ...theirs].flatMap((line) =>
        parseAllowances(line, NOON_MS).map(({ hash }) => hash),
      );
      expect(new Set(hashes)).toEqual(new Set(wanted));
    }),
    { numRuns: 25, seed: 1 },
  );
});
