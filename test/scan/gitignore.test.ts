/** `gitignore check|fix` on real repositories: git's own word counts, and what is fixed stays fixed. */
import { expect, test } from 'bun:test';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBase62 } from '../../src/core/ids.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

interface Report {
  readonly ok: boolean;
  readonly missing: readonly { readonly pattern: string; readonly example: string }[];
  readonly hidden: readonly string[];
  readonly tracked: readonly string[];
  readonly exposed: readonly string[];
  readonly allowed: readonly string[];
}

async function check(lab: GitLab): Promise<Report> {
  const { code, out } = await lab.cli('gitignore', 'check', '--json');
  const report = JSON.parse(out) as Report;
  expect(code).toBe(report.ok ? 0 : 1);
  return report;
}

const patterns = ({ missing }: Report): string[] => missing.map(({ pattern }) => pattern);
const ignoreFile = (lab: GitLab): string => readFileSync(join(lab.root, '.gitignore'), 'utf8');

const ALL = [
  '.env*',
  '*.pem',
  '*.key',
  '*.p12',
  '*.pfx',
  '*.jks',
  '**/.aws/credentials',
  '.netrc',
  '*service-account*.json',
  '*.tfvars',
];

test('in a new repository everything is missing, with an example each; fix adds it, once', async () => {
  using lab = openGitLab();
  const report = await check(lab);
  expect(patterns(report)).toEqual(ALL);
  const text = await lab.cli('gitignore', 'check');
  expect(text.code).toBe(1);
  expect(text.out).toContain('git would take .env');
  expect(text.err).toContain('sallyport gitignore fix');
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  expect(await check(lab)).toEqual({
    ok: true,
    missing: [],
    hidden: [],
    tracked: [],
    exposed: [],
    allowed: [],
  });
  const fixed = ignoreFile(lab);
  expect(fixed).toBe(
    `# >>> sallyport: files that hold keys (sallyport gitignore check)\n${ALL.join('\n')}\n!.env.example\n# <<< sallyport\n`,
  );
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  expect(ignoreFile(lab)).toBe(fixed);
  expect((await lab.cli('gitignore', 'check')).out).toBe('git leaves every such file alone\n');
});

test('after fix, git add takes no file with keys, and takes the example', async () => {
  using lab = openGitLab();
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  const secret = [
    '.env',
    '.env.local',
    'app/.env.production',
    'a.pem',
    'deep/er/b.key',
    'c.p12',
    'd.pfx',
    'e.jks',
    '.aws/credentials',
    'home/.aws/credentials',
    '.netrc',
    'my-service-account-1.json',
    'prod.tfvars',
  ];
  for (const path of [...secret, '.env.example', 'app/.env.example', 'service.json', '.aws/config', '.npmrc'])
    lab.write(path, 'x\n');
  lab.git('add', '.');
  expect(lab.git('ls-files').trim().split('\n')).toEqual([
    '.aws/config',
    '.env.example',
    '.gitignore',
    '.npmrc',
    'app/.env.example',
    'service.json',
  ]);
});

test('patterns that mean the same in other words count', async () => {
  using lab = openGitLab();
  lab.write(
    '.gitignore',
    '**/.env*\n!**/.env.example\n*.[pk]e[my]\n*.p1*\n*.pfx\n*.jks\n.aws/\n.netrc\n*-account*.json\n*.tfvars\n',
  );
  expect(patterns(await check(lab))).toEqual([]);
  lab.write('.gitignore', '/.env\n/.env.local\n/any-folder\n');
  expect((await check(lab)).missing[0]).toMatchObject({ pattern: '.env*', example: '.env.production' });
});

test('lines that look right but do not work are seen through', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', `${ALL.join('\n')}\n!.env.example\n!.env.production\n# *.x\n`);
  expect(patterns(await check(lab))).toEqual(['.env*']);
  lab.write('.gitignore', `#${ALL.join('\n#')}\n`);
  expect(patterns(await check(lab))).toEqual(ALL);
  lab.write('.gitignore', `${ALL.join(' \\ \n')}\n`);
  expect(patterns(await check(lab)).length).toBeGreaterThan(5);
});

test('what is ignored on this machine only does not count', async () => {
  using lab = openGitLab();
  writeFileSync(join(lab.root, '.git', 'info', 'exclude'), `${ALL.join('\n')}\n`);
  writeFileSync(join(lab.home, 'ignore'), `${ALL.join('\n')}\n`);
  lab.git('config', '--global', 'core.excludesFile', join(lab.home, 'ignore'));
  expect(patterns(await check(lab))).toEqual(ALL);
});

test('the example is meant to be shared: when it is ignored, that is mended', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', `${ALL.join('\n')}\n`);
  expect((await check(lab)).hidden).toEqual(['.env.example', 'any-folder/below/.env.example']);
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  expect((await check(lab)).ok).toBe(true);
  expect(ignoreFile(lab)).toEndWith('!.env.example\n# <<< sallyport\n');
});

test('what the file said before stays, with its line ends', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', 'node_modules\r\ndist\r\n');
  await lab.cli('gitignore', 'fix');
  expect(ignoreFile(lab)).toStartWith('node_modules\r\ndist\r\n\r\n# >>> sallyport');
  expect(ignoreFile(lab)).not.toMatch(/[^\r]\n/);
  const latin = Buffer.from([0x2a, 0x2e, 0xe9, 0x0a]);
  lab.write('.gitignore', Buffer.concat([latin, Buffer.from('no end')]));
  await lab.cli('gitignore', 'fix');
  const bytes = readFileSync(join(lab.root, '.gitignore'));
  expect(bytes.subarray(0, 11)).toEqual(Buffer.concat([latin, Buffer.from('no end\n')]));
  expect((await check(lab)).ok).toBe(true);
});

test('a block that was edited is completed in one block', async () => {
  using lab = openGitLab();
  await lab.cli('gitignore', 'fix');
  lab.write('.gitignore', ignoreFile(lab).replace('*.key\n', '*.own\n') + 'later\n');
  expect(patterns(await check(lab))).toEqual(['*.key']);
  await lab.cli('gitignore', 'fix');
  const text = ignoreFile(lab);
  expect(text.match(/>>> sallyport/g)).toHaveLength(1);
  expect(text).toStartWith('later\n\n# >>> sallyport');
  expect(text).toContain('*.own\n');
  expect((await check(lab)).ok).toBe(true);
});

test('files that are in git already are named, and taken out when asked; they stay on the disk', async () => {
  using lab = openGitLab();
  const paths = ['.env', "with space/it's.key", 'déjà.tfvars'];
  for (const path of [...paths, '.env.example', 'fine.txt']) lab.write(path, 'x\n');
  lab.git('add', '.');
  lab.git('commit', '-q', '-m', 'x');
  await lab.cli('gitignore', 'fix');
  const report = await check(lab);
  expect([...report.tracked].sort()).toEqual([...paths].sort());
  const { code, err } = await lab.cli('gitignore', 'check');
  expect(code).toBe(1);
  expect(err).toContain(`git rm --cached -- '.env' 'déjà.tfvars' 'with space/it'\\''s.key'`);
  expect(err).toContain('history');
  const fixed = await lab.cli('gitignore', 'fix', '--untrack');
  expect(fixed.code).toBe(0);
  expect(fixed.err).toContain('revoke and replace');
  expect(lab.git('ls-files', '-z').split('\0').filter(Boolean)).toEqual(['.env.example', 'fine.txt']);
  for (const path of paths) expect(readFileSync(join(lab.root, path), 'utf8')).toBe('x\n');
});

test('certificates may be in git, private keys in PEM may not', async () => {
  using lab = openGitLab();
  await lab.cli('gitignore', 'fix');
  const begin = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
  lab.write('public.pem', `${begin.replace('PRIVATE KEY', 'CERTIFICATE')}\n${randomBase62(64)}\n`);
  lab.write('private.pem', `${begin}\n${randomBase62(64)}\n`);
  lab.git('add', '--force', '.');
  expect((await check(lab)).tracked).toEqual(['private.pem']);
});

test('a line with ! is a decision, which fix keeps', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', '*.key\n!fixtures/test.key\n!é.key\n');
  lab.write('fixtures/test.key', 'x');
  lab.write('é.key', 'x');
  lab.write('other.tfvars', 'x');
  lab.git('add', 'fixtures/test.key');
  const report = await check(lab);
  expect(report).toMatchObject({
    tracked: [],
    exposed: ['other.tfvars'],
    allowed: ['fixtures/test.key', 'é.key'],
  });
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  expect(await check(lab)).toMatchObject({ ok: true, allowed: ['fixtures/test.key', 'é.key'] });
  // Also when the pattern itself has to be added behind it.
  lab.write('.gitignore', '!fixtures/test.key\n');
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  expect(await check(lab)).toMatchObject({ ok: true, allowed: ['fixtures/test.key'] });
});

test('.npmrc with a token counts, without one it does not', async () => {
  using lab = openGitLab();
  await lab.cli('gitignore', 'fix');
  lab.write('.npmrc', 'fund=false\n//registry.example/:_authToken=${NPM_TOKEN}\n');
  lab.write('app [1]/.npmrc', `//registry.example/:_authToken=${randomBase62(36)}\n`);
  expect(patterns(await check(lab))).toEqual(['/app \\[1\\]/.npmrc']);
  expect((await lab.cli('gitignore', 'fix')).code).toBe(0);
  lab.git('add', '.');
  expect(lab.git('ls-files').trim().split('\n')).toEqual(['.gitignore', '.npmrc']);
  lab.git('add', '--force', '.');
  expect((await check(lab)).tracked).toEqual(['app [1]/.npmrc']);
});

test('a link in the place of .gitignore, which git does not follow, is refused', async () => {
  using lab = openGitLab();
  lab.write('elsewhere', '*.key\n');
  symlinkSync('elsewhere', join(lab.root, '.gitignore'));
  expect((await check(lab)).missing).toHaveLength(ALL.length);
  const { code, err } = await lab.cli('gitignore', 'fix');
  expect([code, err.includes('is a link')]).toEqual([2, true]);
  expect(readFileSync(join(lab.root, 'elsewhere'), 'utf8')).toBe('*.key\n');
});
