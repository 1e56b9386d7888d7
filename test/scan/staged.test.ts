/** What `scan --staged` sees of real repositories: every added line, and nothing else. */
import { describe, expect, test } from 'bun:test';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/test-io.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

interface Line {
  readonly event: string;
  readonly rule: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly fingerprint: string;
  readonly bytes: number;
}

async function scan(lab: GitLab): Promise<{ code: number; places: string[]; summary: Line; all: string }> {
  const { code, out, err } = await lab.cli('scan', '--staged', '--json');
  expect(err).toBe('');
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const summary = lines.pop()!;
  expect(summary.event).toBe('summary');
  expect(lines.every(({ event }) => event === 'finding')).toBe(true);
  const places = lines.map(({ rule, path, line, column }) => `${rule} ${path}:${line}:${column}`);
  return { code, places, summary, all: out };
}

function stage(lab: GitLab, path: string, content: string | Uint8Array): void {
  lab.write(path, content);
  lab.git('add', '--', path);
}

/** So many hexadecimal digits, the same each time: random ones are now and then too much alike to look like a secret. */
function hex(digits: number): string {
  return createHash('sha256').update('a value').digest('hex').slice(0, digits);
}

test('nothing staged, and clean lines, are clean', async () => {
  using lab = openGitLab();
  expect(await scan(lab)).toMatchObject({
    code: 0,
    places: [],
    summary: { complete: true, files: 0, bytes: 0, findings: 0 },
  });
  stage(lab, 'a.txt', 'one\ntwo\n');
  expect(await scan(lab)).toMatchObject({
    code: 0,
    summary: { complete: true, files: 1, bytes: 8, findings: 0 },
  });
});

test('an added line is found before the first commit and after, with its place; the value is nowhere', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'src/a.ts', `const one = 1;\nconst key = '${key}';\n`);
  const first = await scan(lab);
  expect(first).toMatchObject({ code: 1, places: ['groq-api-key src/a.ts:2:14'], summary: { findings: 1 } });
  expect(first.all).not.toContain(key.slice(4, 12));
  lab.git('commit', '-q', '-m', 'x');
  expect((await scan(lab)).code).toBe(0);
  stage(lab, 'src/a.ts', `// new\nconst one = 1;\nconst key = '${key}';\n`);
  expect((await scan(lab)).places).toEqual([]);
  stage(lab, 'src/b.ts', `\n\n${key}`);
  expect((await scan(lab)).places).toEqual(['groq-api-key src/b.ts:3:1']);
});

test('lines that are removed, and context, are not looked at', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'a', `one\nkey ${key}\nthree\n`);
  lab.git('commit', '-q', '-m', 'x');
  stage(lab, 'a', `ONE\nkey ${key}\nTHREE\n`);
  expect((await scan(lab)).places).toEqual([]);
  stage(lab, 'a', 'one\nthree\n');
  expect((await scan(lab)).places).toEqual([]);
  lab.git('rm', '-q', '-f', 'a');
  expect((await scan(lab)).places).toEqual([]);
  lab.git('reset', '-q', '--hard');
  lab.git('mv', 'a', 'b');
  lab.write('mode', 'x');
  lab.git('config', 'core.fileMode', 'true');
  expect((await scan(lab)).places).toEqual([]);
  lab.write('b', `one\nkey ${key}\nthree\nfour ${key}\n`, 0o755);
  lab.git('add', 'b');
  expect((await scan(lab)).places).toEqual(['groq-api-key b:4:6']);
});

test('what is in the work tree but not staged is not scanned, what is staged but not in the work tree is', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'a', 'one\n');
  lab.git('commit', '-q', '-m', 'x');
  stage(lab, 'a', `one\ntwo ${key}\n`);
  lab.write('a', 'one\n');
  expect((await scan(lab)).places).toEqual(['groq-api-key a:2:5']);
  stage(lab, 'a', 'one\ntwo\n');
  lab.write('a', `one\ntwo ${key}\n`);
  lab.write('untracked', key);
  expect((await scan(lab)).places).toEqual([]);
  lab.git('add', '--intent-to-add', 'untracked');
  expect((await scan(lab)).places).toEqual([]);
});

test.each([
  'with space.txt',
  'quote".txt',
  "single'quote",
  'tab\there',
  'line\nbreak',
  'back\\slash',
  'déjà-vu-日本.txt',
  '-dash',
  ' leading and trailing ',
  'a/b c/d.txt',
  ':(top)magic',
])('the path %j is named as it is', async (path) => {
  using lab = openGitLab();
  lab.write(path, `x\n${fixtureKey()}\n`);
  lab.git('add', '--all');
  expect((await scan(lab)).places).toEqual([`groq-api-key ${path}:2:1`]);
});

test.each([
  ['CRLF', 'one\r\ntwo KEY\r\nthree\r\n'],
  ['no newline at the end', 'one\ntwo KEY'],
  ['old Mac line ends', 'one\ntwo KEY\rthree'],
  ['no text', '\u0000\u0001\n\u0000\u0002\u0003 KEY\u0000'],
])('in a file with %s the key is found', async (_, content) => {
  using lab = openGitLab();
  stage(lab, 'a.bin', content.replace('KEY', fixtureKey()));
  const { places } = await scan(lab);
  expect(places.map((place) => place.replace(/:\d+$/, ''))).toEqual(['groq-api-key a.bin:2']);
});

describe('settings of the repository hide nothing', () => {
  test.each([
    ['diff.noprefix', 'true'],
    ['diff.mnemonicPrefix', 'true'],
    ['diff.external', '/bin/true'],
    ['diff.orderFile', '/nonexistent'],
    ['diff.relative', 'true'],
    ['diff.context', '10'],
    ['diff.interHunkContext', '10'],
    ['diff.renames', 'copies'],
    ['diff.submodule', 'log'],
    ['diff.algorithm', 'histogram'],
    ['diff.suppressBlankEmpty', 'true'],
    ['diff.srcPrefix', 'x/'],
    ['color.ui', 'always'],
    ['color.diff', 'always'],
    ['core.pager', 'false'],
    ['core.quotePath', 'true'],
    ['core.fsmonitor', '/nonexistent'],
    ['core.attributesFile', '/nonexistent'],
  ])('%s = %s', async (name, value) => {
    using lab = openGitLab();
    const key = fixtureKey();
    stage(lab, 'déjà vu', 'one\n\ntwo\nthree\n');
    lab.git('commit', '-q', '-m', 'x');
    stage(lab, 'déjà vu', `one\n\ntwo\nkey ${key}\nthree\n`);
    lab.git('config', name, value);
    expect((await scan(lab)).places).toEqual(['groq-api-key déjà vu:4:5']);
  });

  test.each(['-diff', 'binary', 'diff=none', '-text', 'diff=odd'])('the attribute %s', async (attribute) => {
    using lab = openGitLab();
    const marker = join(lab.home, 'ran');
    lab.git('config', 'diff.none.textconv', 'true');
    lab.git('config', 'diff.odd.command', `touch ${marker}`);
    lab.git('config', 'diff.odd.binary', 'true');
    stage(lab, '.gitattributes', `*.x ${attribute}\n`);
    stage(lab, 'a.x', `one\n${fixtureKey()}\n`);
    expect((await scan(lab)).places).toEqual(['groq-api-key a.x:2:1']);
    expect(await Bun.file(marker).exists()).toBe(false);
  });

  test.each([
    ['GIT_DIFF_OPTS', '--unified=5'],
    ['GIT_EXTERNAL_DIFF', '/bin/true'],
  ])('the variable %s', async (name, value) => {
    using lab = openGitLab();
    const key = fixtureKey();
    stage(lab, 'a', `one ${key}\ntwo\n`);
    lab.git('commit', '-q', '-m', 'x');
    stage(lab, 'a', `one ${key}\ntwo\nthree ${key}\n`);
    const env: Record<string, string> = { [name]: value };
    Object.assign(lab.env, env);
    expect((await scan(lab)).places).toEqual(['groq-api-key a:3:7']);
  });
});

test('from a folder below, all of the repository is scanned', async () => {
  using lab = openGitLab();
  stage(lab, 'a', fixtureKey());
  mkdirSync(join(lab.root, 'below'));
  const { code, err } = await run(['scan', '--staged'], { cwd: join(lab.root, 'below'), env: lab.env });
  expect(code).toBe(1);
  expect(err).toStartWith('a:1:1: Groq API key');
});

test('a merge is scanned against the branch that it goes to', async () => {
  using lab = openGitLab();
  stage(lab, 'a', 'one\n');
  lab.git('commit', '-q', '-m', 'base');
  lab.git('switch', '-q', '-c', 'side');
  stage(lab, 'a', 'side\n');
  lab.git('commit', '-q', '-m', 'side');
  lab.git('switch', '-q', 'main');
  stage(lab, 'a', 'main\n');
  lab.git('commit', '-q', '-m', 'main');
  expect(lab.tryGit(['merge', 'side']).code).toBe(1);
  // A conflict: its file has no staged version yet, and that is said.
  const unmerged = await scan(lab);
  expect(unmerged).toMatchObject({
    code: 3,
    summary: { complete: false, problems: [expect.stringContaining('Unmerged path a')] },
  });
  stage(lab, 'a', `both ${fixtureKey()}\n`);
  expect(await scan(lab)).toMatchObject({ code: 1, places: ['groq-api-key a:1:6'] });
});

test('a submodule, a symbolic link and a change of mode are no trouble', async () => {
  using lab = openGitLab();
  using other = openGitLab();
  other.write('inside', fixtureKey());
  other.git('add', '.');
  other.git('commit', '-q', '-m', 'x');
  lab.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other.root, 'sub');
  symlinkSync(`/somewhere/${fixtureKey()}`, join(lab.root, 'link'));
  stage(lab, 'script', 'echo\n');
  lab.git('update-index', '--chmod=+x', 'script');
  lab.git('add', 'link');
  const { code, places } = await scan(lab);
  expect([code, places]).toEqual([1, ['groq-api-key link:1:12']]);
});

test('a key in the name of a file is found, and not printed', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, `logs/${key}.txt`, 'x\n');
  const { code, places, all } = await scan(lab);
  expect([code, places]).toEqual([1, ['groq-api-key logs/[redacted].txt:0:0']]);
  expect(all).not.toContain(key.slice(4, 14));
  const text = await lab.cli('scan', '--staged');
  expect(text.err).toContain('logs/[redacted].txt: in the name of the file');
  expect(text.err).not.toContain(key.slice(4, 14));
});

test('the files inside an archive are scanned, however they are packed', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const env = Buffer.from(`A=1\nKEY=${key}\n`);
  stage(lab, 'logs.gz', gzipSync(env));
  // Without a name that says so.
  stage(lab, 'data.bin', gzipSync(gzipSync(env)));
  const first = await scan(lab);
  expect([first.code, first.places]).toEqual([
    1,
    ['groq-api-key data.bin!data.bin!data.bin:2:5', 'groq-api-key logs.gz!logs:2:5'],
  ]);
  expect(first.summary).toMatchObject({ complete: true, findings: 2 });
  lab.git('commit', '-q', '-m', 'x');
  // Changed in the middle only: no added line is the start of the file.
  stage(lab, 'logs.gz', gzipSync(Buffer.concat([env, Buffer.from('more\n')])));
  expect((await scan(lab)).places).toEqual(['groq-api-key logs.gz!logs:2:5']);
});

test('a text that is named like an archive is read by its lines', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'notes.zip', `one ${key}\ntwo\n`);
  lab.git('commit', '-q', '-m', 'x');
  stage(lab, 'notes.zip', `one ${key}\ntwo ${key}\n`);
  expect((await scan(lab)).places).toEqual(['groq-api-key notes.zip:2:5']);
});

test('an archive that cannot be opened is never clean', async () => {
  using lab = openGitLab();
  stage(lab, 'cut.gz', gzipSync(randomBytes(2000)).subarray(0, 1000));
  const { code, places, summary } = await scan(lab);
  expect([code, places]).toEqual([3, []]);
  expect(summary).toMatchObject({ complete: false, problems: ['cut.gz was not unpacked: it is damaged'] });
});

test('a large file is scanned to its end', async () => {
  using lab = openGitLab();
  const filler = `${'x y '.repeat(4000)}\n`.repeat(300);
  stage(lab, 'large', `${filler}${fixtureKey()}\n${'z '.repeat(2_000_000)}${fixtureKey()}`);
  const { places, summary } = await scan(lab);
  expect(places).toEqual(['groq-api-key large:301:1', 'groq-api-key large:302:4000001']);
  expect(summary.bytes).toBeGreaterThan(8_000_000);
});

test('the same value has the same fingerprint everywhere, another has another', async () => {
  using lab = openGitLab();
  const [one, two] = [fixtureKey(), fixtureKey()];
  stage(lab, 'a', `${one}\n${two}\n"${one}"\n`);
  const { out } = await lab.cli('scan', '--staged', '--json');
  const prints = out
    .split('\n')
    .slice(0, 3)
    .map((line) => (JSON.parse(line) as Line).fingerprint);
  expect(prints[0]).toMatch(/^[0-9a-f]{20}$/);
  expect(prints[2]).toBe(prints[0]);
  expect(prints[1]).not.toBe(prints[0]);
});

test('the fingerprint of an address with a password is the same each time, and slow to try', async () => {
  using lab = openGitLab();
  const address = `postgres://app:${hex(24)}@db.acme.io/app`;
  stage(lab, 'a', `${address}\n${address}\n`);
  const scans = [await scan(lab), await scan(lab)];
  const prints = scans.flatMap(({ all }) => all.match(/(?<="fingerprint":")[0-9a-f]{20}/g) ?? []);
  expect([prints.length, new Set(prints).size]).toEqual([4, 1]);
  const fast = new Bun.CryptoHasher('sha256', 'sallyport.scan.fingerprint.v1').update(
    `connection-string\0${address.replace(/\/app$/, '')}`,
  );
  expect(prints[0]).not.toBe(fast.digest('hex').slice(0, 20));
});

test('the text says where, what, and what to do in order, and never the value', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const openRouter = `sk-or-v1-${hex(64)}`;
  stage(lab, 'a.env', `A=${key}\nB=${openRouter}\n`);
  const { code, out, err } = await lab.cli('scan', '--staged');
  expect([code, out]).toEqual([1, '']);
  expect(err).toMatch(
    /^a\.env:1:3: Groq API key \[groq-api-key, critical, fingerprint [0-9a-f]{20}\]\na\.env:2:3: OpenRouter API key \[/,
  );
  const order = [
    'Revoke',
    'console.groq.com/keys',
    'openrouter.ai/settings/keys',
    'Rotate',
    'Remove',
    '--no-verify',
    '2 secrets',
  ];
  const places = order.map((word) => err.indexOf(word));
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(places[0]).toBeGreaterThan(0);
  for (const value of [key, openRouter]) expect(err).not.toContain(value.slice(9, 17));
});

test('an encoded key is found where its encoding stands, and said to be encoded', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'secret.yaml', `kind: Secret\ndata:\n  key: ${Buffer.from(key).toString('base64')}\n`);
  stage(lab, 'utf16.txt', Buffer.from(`\ufeffone\r\nkey=${key}\r\n`, 'utf16le'));
  const { code, places, all } = await scan(lab);
  expect([code, places]).toEqual([
    1,
    ['groq-api-key secret.yaml:3:8', expect.stringContaining('groq-api-key utf16.txt:2:')],
  ]);
  expect(all).toContain('"encodings":["base64"]');
  expect(all).toContain('"encodings":["utf-16"]');
  expect((await lab.cli('scan', '--staged')).err).toContain('Groq API key, in base64 [');
  // The fingerprint is that of the value, however it is written.
  const prints = all
    .split('\n')
    .slice(0, 2)
    .map((line) => (JSON.parse(line) as Line).fingerprint);
  expect(new Set(prints).size).toBe(1);
});

test('names such as password count when asked for only', async () => {
  using lab = openGitLab();
  stage(lab, 'a', `db_password = "${hex(40)}"\n`);
  expect((await lab.cli('scan', '--staged')).code).toBe(0);
  const asked = await lab.cli('scan', '--staged', '--generic');
  expect([asked.code, asked.err.includes('[generic-secret, medium,')]).toEqual([1, true]);
});

test('of very many findings the text lists some, and JSON all', async () => {
  using lab = openGitLab();
  const one = fixtureKey();
  const others = Array.from({ length: 150 }, fixtureKey);
  stage(lab, 'a', `${one}\n`.repeat(100) + others.join('\n'));
  const { err } = await lab.cli('scan', '--staged');
  // Ten places of the first value, and 90 of the others.
  expect(err.match(/^a:/gm)).toHaveLength(100);
  expect(err).toContain('\na:101:1: Groq');
  expect(err).toContain('and 150 more');
  expect((await scan(lab)).places).toHaveLength(250);
});

test('a clean scan says so, or nothing', async () => {
  using lab = openGitLab();
  stage(lab, 'a', 'x');
  expect(await lab.cli('scan', '--staged')).toMatchObject({
    code: 0,
    out: 'no secret in the staged changes (1 file)\n',
    err: '',
  });
  expect(await lab.cli('scan', '--staged', '--quiet')).toMatchObject({ code: 0, out: '', err: '' });
});

test('no repository is wrong usage', async () => {
  using lab = openGitLab();
  rmSync(join(lab.root, '.git'), { recursive: true });
  const nowhere = await lab.cli('scan', '--staged');
  expect([nowhere.code, nowhere.out]).toEqual([2, '']);
  expect(nowhere.err).toContain('no work tree of a git repository');
});

test('a repository that cannot be read, and a missing git, are never clean', async () => {
  using lab = openGitLab();
  stage(lab, 'a', 'some content of a file\n');
  const [object] = lab.git('ls-files', '-s', 'a').split(/\s/).slice(1);
  rmSync(join(lab.root, '.git', 'objects', object!.slice(0, 2)), { recursive: true });
  // While it is there and unchanged, git compares the work tree's file in its place.
  rmSync(join(lab.root, 'a'));
  const broken = await lab.cli('scan', '--staged', '--json');
  expect(broken.code).toBe(3);
  expect(broken.out).toContain('"complete":false');
  const text = await lab.cli('scan', '--staged');
  expect([text.code, text.out]).toEqual([3, '']);
  expect(text.err).toContain('not everything could be scanned');
  Object.assign(lab.env, { PATH: '/nonexistent' });
  const missing = await lab.cli('scan', '--staged');
  expect([missing.code, missing.out]).toEqual([3, '']);
  expect(missing.err).toContain('git could not be started');
});
