/** What `scan --range A..B` sees: everything that the commits bring, whatever became of it, and nothing that was there before. */
import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/test-io.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

interface Event {
  readonly path: string;
  readonly line: number;
  readonly commit: string;
  readonly complete: boolean;
  readonly allowed?: number;
}

function commit(lab: GitLab, path: string, content: string | Uint8Array, message = 'x'): string {
  lab.write(path, content);
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', message);
  return head(lab);
}

function head(lab: GitLab): string {
  return lab.git('rev-parse', 'HEAD').trim();
}

async function scan(
  lab: GitLab,
  range: string,
  cwd = lab.root,
): Promise<{ code: number; places: string[]; summary: Event }> {
  const { code, out, err } = await run(['scan', '--range', range, '--json'], { cwd, env: lab.env });
  expect(err).toBe('');
  const events = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const places = events.slice(0, -1).map(({ path, line, commit: id }) => `${path}:${line} ${id}`);
  return { code, places, summary: events.at(-1)! };
}

test('a key that one commit adds and the next takes back is found, with the commit', async () => {
  using lab = openGitLab();
  const start = commit(lab, 'a', 'one\n');
  const added = commit(lab, 'a', `one\nkey=${fixtureKey()}\n`);
  commit(lab, 'a', 'one\n');
  expect(await scan(lab, `${start}..HEAD`)).toMatchObject({
    code: 1,
    places: [`a:2 ${added}`],
    summary: { complete: true },
  });
  expect((await scan(lab, `${start}...HEAD`)).code).toBe(1);
  expect(await scan(lab, 'HEAD^..HEAD')).toMatchObject({ code: 0, places: [] });
  expect(await scan(lab, 'HEAD..HEAD')).toMatchObject({ code: 0, places: [], summary: { files: 0 } });
});

test('what stood in a file before is old, also when the file changes; in another file it is new', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  const start = commit(lab, 'old', `key=${key}\n`);
  commit(lab, 'old', `more\nkey=${key}\n`);
  expect(await scan(lab, `${start}..HEAD`)).toMatchObject({ code: 0, places: [] });
  const copied = commit(lab, 'new', `\n\nkey=${key}\n`);
  expect((await scan(lab, `${start}..HEAD`)).places).toEqual([`new:3 ${copied}`]);
  lab.git('mv', 'old', 'moved');
  commit(lab, 'b', 'x');
  expect((await scan(lab, 'HEAD^..HEAD')).places).toEqual([]);
});

test('a value in a file that changes again and again is told once, where it came in; a mark in the newest version counts', async () => {
  using lab = openGitLab();
  const mark = ['sallyport', 'allow'].join(':');
  const key = fixtureKey();
  const start = commit(lab, 'a', 'one\n');
  const added = commit(lab, 'a', `key=${key}\n`);
  commit(lab, 'a', `more\nkey=${key}\n`);
  commit(lab, 'a', `even more\n\nkey=${key}\n`);
  expect((await scan(lab, `${start}..HEAD`)).places).toEqual([`a:1 ${added}`]);
  commit(lab, 'a', `key=${key} # ${mark} revoked\n`);
  expect(await scan(lab, `${start}..HEAD`)).toMatchObject({ code: 0, summary: { allowed: 1 } });
  commit(lab, 'a', `key=${key} # ${mark} revoked\nkey=${key}\n`);
  expect((await scan(lab, `${start}..HEAD`)).code).toBe(1);
  commit(lab, 'a', `key=${key}\nend\n`);
  expect((await scan(lab, `${start}..HEAD`)).places).toEqual([`a:1 ${added}`]);
});

test('a merge that brings a key of its own is found; what comes from the other side is not', async () => {
  using lab = openGitLab();
  commit(lab, 'a', 'one\n');
  lab.git('switch', '-q', '-c', 'side');
  commit(lab, 'b', 'side\n');
  lab.git('switch', '-q', 'main');
  const base = commit(lab, 'c', `main ${fixtureKey()}\n`);
  lab.git('switch', '-q', 'side');
  lab.git('merge', '-q', '--no-commit', 'main');
  lab.write('a', `one\n${fixtureKey()}\n`);
  lab.git('add', 'a');
  lab.git('commit', '-q', '-m', 'merge');
  expect((await scan(lab, `${base}..HEAD`)).places).toEqual([`a:2 ${head(lab)}`]);
});

test('messages, names, archives and tags are looked at', async () => {
  using lab = openGitLab();
  const start = commit(lab, 'a', 'one\n');
  const message = commit(lab, 'a', 'two\n', `subject\n\nit was ${fixtureKey()}`);
  const name = commit(lab, `${fixtureKey()}.txt`, 'x');
  const archive = commit(lab, 'b.gz', gzipSync(`\n${fixtureKey()}`));
  // A file that is only moved is no new object.
  lab.git('mv', 'a', `${fixtureKey()}.md`);
  lab.git('commit', '-q', '-m', 'x');
  const moved = head(lab);
  lab.git('commit', '-q', '--allow-empty', '-m', 'x', `--author=${fixtureKey()} <a@example.com>`);
  const author = head(lab);
  lab.git('tag', '-a', '-m', `tagged ${fixtureKey()}`, 'v1');
  const { places } = await scan(lab, `${start}..v1`);
  expect(places.toSorted()).toEqual(
    [
      `(commit message):3 ${message}`,
      `[redacted].txt:0 ${name}`,
      `b.gz!b:2 ${archive}`,
      `[redacted].md:0 ${moved}`,
      '(tag):1 undefined',
      `(commit header):3 ${author}`,
    ].toSorted(),
  );
});

test('allowances of the last commit hold, and those of the work tree only once they are committed', async () => {
  using lab = openGitLab();
  const start = commit(lab, 'a', 'one\n');
  commit(lab, 'a', `key=${fixtureKey()}\n`);
  const { out } = await lab.cli('scan', '--range', `${start}..HEAD`, '--json');
  const { fingerprint } = JSON.parse(out.split('\n')[0] ?? '') as { fingerprint: string };
  await lab.cli('scan', 'allow', fingerprint, '--rule', 'groq-api-key', '--reason', 'a test');
  const { code, err } = await lab.cli('scan', '--range', `${start}..HEAD`);
  expect([code, err]).toEqual([1, expect.stringContaining('once that is committed')]);
  commit(lab, 'b', 'x');
  expect(await scan(lab, `${start}..HEAD`)).toMatchObject({ code: 0, summary: { allowed: 1 } });
  // In a clone that has another branch checked out, or none, the range says the same.
  lab.git('clone', '-q', '--bare', '.', '../bare');
  expect(await scan(lab, `${start}..main`, `${lab.root}/../bare`)).toMatchObject({
    code: 0,
    summary: { allowed: 1 },
  });
});

test('a new branch is compared with the first branch of the remote, and all of it is new where there is none', async () => {
  using lab = openGitLab();
  const nothing = '0'.repeat(40);
  const old = commit(lab, 'old', `key=${fixtureKey()}\n`);
  lab.git('clone', '-q', `file://${lab.root}`, '../clone');
  lab.git('switch', '-qc', 'topic');
  const added = commit(lab, 'new', `key=${fixtureKey()}\n`);
  expect((await scan(lab, `${nothing}..topic`)).places.toSorted()).toEqual(
    [`new:1 ${added}`, `old:1 ${old}`].toSorted(),
  );
  const clone = `${lab.root}/../clone`;
  lab.tryGit(['fetch', '-q', 'origin', 'topic:topic'], { cwd: clone });
  expect(await scan(lab, `${nothing}..topic`, clone)).toMatchObject({ code: 1, places: [`new:1 ${added}`] });
  // The push that makes the first branch itself.
  expect(await scan(lab, `${nothing}..origin/main`, clone)).toMatchObject({
    code: 1,
    places: [`old:1 ${old}`],
  });
});

test('what stands in for a commit hides nothing of it', async () => {
  using lab = openGitLab();
  const start = commit(lab, 'a', 'one\n');
  const added = commit(lab, 'a', `key=${fixtureKey()}\n`);
  commit(lab, 'a', 'two\n');
  lab.git('replace', added, start);
  expect(await scan(lab, `${start}..HEAD`)).toMatchObject({ code: 1, places: [`a:1 ${added}`] });
});

describe('never clean when it did not see everything', () => {
  test('in a clone that was cut off inside the range', async () => {
    using lab = openGitLab();
    commit(lab, 'a', 'one\n');
    commit(lab, 'a', 'two\n');
    commit(lab, 'a', 'three\n');
    lab.git('clone', '-q', '--depth', '2', `file://${lab.root}`, '../shallow');
    const shallow = `${lab.root}/../shallow`;
    // The first of the two is where it was cut.
    expect(await scan(lab, 'HEAD^..HEAD', shallow)).toMatchObject({ code: 0 });
    lab.tryGit(['fetch', '-q', '--depth', '1', 'origin', 'main'], { cwd: shallow });
    const other = await run(['scan', '--range', 'HEAD~5..HEAD'], { cwd: shallow, env: lab.env });
    expect([other.code, other.out]).toEqual([3, '']);
    expect(other.err).toContain('fetch-depth: 0');
    // Likewise for an id, which git takes for one whether or not it is there.
    const first = lab.git('rev-parse', 'HEAD~2').trim();
    expect((await scan(lab, `${first}..HEAD`, shallow)).code).toBe(3);
    expect((await lab.cli('scan', '--range', `${'1'.repeat(40)}..HEAD`)).code).toBe(2);
    lab.tryGit(['switch', '-q', '--orphan', 'other'], { cwd: shallow });
    lab.tryGit(['commit', '-q', '--allow-empty', '-m', 'x'], { cwd: shallow });
    expect(await scan(lab, 'other..origin/main', shallow)).toMatchObject({
      code: 3,
      summary: { complete: false },
    });
  });

  test('when an object is missing', async () => {
    using lab = openGitLab();
    const start = commit(lab, 'a', 'one\n');
    commit(lab, 'a', 'two\n');
    const id = lab.git('rev-parse', 'HEAD:a').trim();
    lab.tryGit(['cat-file', '-p', id]);
    const { rmSync } = await import('node:fs');
    rmSync(`${lab.root}/.git/objects/${id.slice(0, 2)}/${id.slice(2)}`);
    expect(await scan(lab, `${start}..HEAD`)).toMatchObject({ code: 3, summary: { complete: false } });
  });

  test('what is no range, or no commit, is told', async () => {
    using lab = openGitLab();
    commit(lab, 'a', 'one\n');
    for (const range of [
      'HEAD',
      '..',
      'HEAD..',
      '..HEAD',
      '--all..HEAD',
      'HEAD..--all',
      'no-such..HEAD',
      'HEAD..no-such',
    ]) {
      const { code, out } = await lab.cli('scan', '--range', range);
      expect([range, code, out]).toEqual([range, 2, '']);
    }
    expect((await run(['scan', '--range', 'a..b'], { cwd: lab.home, env: lab.env })).code).toBe(2);
  });
});
