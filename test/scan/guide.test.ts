/** docs/guide/leak-ci.md as somebody follows it: what is to be typed works, in its order, and what is to be pasted names what there is. */
import { expect, test } from 'bun:test';
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fixtureKey } from '../support/harness.ts';
import { openGitLab } from '../support/git-lab.ts';

const ROOT = join(import.meta.dir, '../..');
const GUIDE = readFileSync(join(ROOT, 'docs/guide/leak-ci.md'), 'utf8');

function blocks(language: string): string[] {
  return [...GUIDE.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  );
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

test('every command of the guide does what it says', () => {
  using lab = openGitLab();
  const programs = join(lab.home, 'bin');
  mkdirSync(programs);
  symlinkSync(join(ROOT, 'sallyport'), join(programs, 'sallyport'));
  const remote = join(lab.home, 'remote.git');
  lab.git('init', '-q', '--bare', remote);
  lab.git('remote', 'add', 'origin', remote);
  lab.write('a', 'one\n');
  mkdirSync(join(lab.root, 'docs'));
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', 'x');
  lab.git('push', '-q', 'origin', 'main');
  const [key, old] = [fixtureKey(), fixtureKey()];
  lab.write('tests/old.ts', `const key = '${key}';\n`);
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', 'x');
  const commands = blocks('sh');
  expect(commands).toHaveLength(6);
  for (const command of commands) {
    // The clone of Sallyport is elsewhere.
    const text = command.replaceAll('./scripts/ci-scan.sh', `"${join(ROOT, 'scripts/ci-scan.sh')}"`);
    const child = Bun.spawnSync(['bash', '-eu', '-c', text], {
      cwd: lab.root,
      env: { ...lab.env, PATH: `${programs}:${lab.env['PATH'] ?? ''}`, OLD_KEY: old },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = child.stdout.toString() + child.stderr.toString();
    expect([command, child.exitCode, said.includes('error:') ? said : '']).toEqual([command, 0, '']);
    expect(said).not.toContain(key.slice(4, 24));
  }
  expect(JSON.parse(readFileSync(join(lab.root, 'leaks.sarif'), 'utf8'))).toMatchObject({ version: '2.1.0' });
  expect(readFileSync(join(lab.root, 'leaks.xml'), 'utf8')).toContain('<testsuites');
  rmSync(join(lab.root, '.sallyport-allow'));
  expect(lab.tryGit(['push', '-q', 'origin', 'HEAD:refs/heads/other']).code).toBe(0);
});

test('what is to be pasted names inputs, hooks and files that there are', () => {
  const [workflow, config] = blocks('yaml').map((text) => Bun.YAML.parse(text)) as [
    { jobs: { leaks: { steps: { uses: string; with: Record<string, unknown> }[] } } },
    { repos: { hooks: { id: string }[] }[] },
  ];
  const { inputs } = Bun.YAML.parse(read('action.yml')) as { inputs: object };
  const [checkout, ours] = workflow.jobs.leaks.steps;
  expect(checkout).toMatchObject({
    uses: expect.stringContaining('actions/checkout'),
    with: { 'fetch-depth': 0 },
  });
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(ours?.with ?? {})));
  const hooks = Bun.YAML.parse(read('.pre-commit-hooks.yaml')) as { id: string }[];
  const ids = hooks.map(({ id }) => id);
  expect(config.repos.flatMap((repo) => repo.hooks.map(({ id }) => id))).toEqual(ids);
  for (const [, path = ''] of GUIDE.matchAll(/\]\((\.\.?\/[^)#]+)/g))
    expect(read(join('docs/guide', path))).not.toBe('');
});
