import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type GitLab, openGitLab } from '../../test/support/git-lab.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { type EnvFile, openEnvFile } from './env-file.ts';

let lab: GitLab;
beforeEach(() => {
  lab = openGitLab();
  lab.write('.gitignore', '.env.local\n');
});
afterEach(() => lab[Symbol.dispose]());

const VARIABLES = { SALLYPORT_TOKEN: 'a-value' };
const never = (): boolean => false;

function open(file = '.env.local', env: Record<string, string> = {}): Promise<EnvFile> {
  return openEnvFile(file, { cwd: lab.root, env: { ...lab.env, ...env } });
}

function read(file: string): string {
  return readFileSync(join(lab.root, file), 'utf8');
}

describe('a file that git ignores', () => {
  test('is written for its owner only, and what else it holds stays', async () => {
    lab.write('.env.local', 'OTHER=1\n', 0o644);
    (await open()).write(VARIABLES, never);
    expect(read('.env.local')).toBe('OTHER=1\nSALLYPORT_TOKEN=a-value\n');
    expect(statSync(join(lab.root, '.env.local')).mode & 0o777).toBe(0o600);
    expect(readdirSync(lab.root).toSorted()).toEqual(['.env.local', '.git', '.gitignore']);
    expect(readdirSync(join(lab.root, '.git')).filter((name) => name.includes('sallyport'))).toEqual([]);
  });

  test('is taken again, and a value in the way changes nothing', async () => {
    (await open()).write(VARIABLES, never);
    (await open()).write(VARIABLES, never);
    const other = { ...VARIABLES, B: '1' };
    const file = await open();
    file.write({ SALLYPORT_TOKEN: 'other' }, () => true);
    const { code, message, fix } = refusalOf(() => file.write(other, never));
    expect([code, message.includes('SALLYPORT_TOKEN'), fix?.includes('--replace')]).toEqual([
      'conflict',
      true,
      true,
    ]);
    expect(read('.env.local')).toBe('SALLYPORT_TOKEN=other\n');
  });

  test('may lie in a folder below, and be ignored from the folder above', async () => {
    mkdirSync(join(lab.root, 'app'));
    (await open('app/.env.local')).write(VARIABLES, never);
    expect(read('app/.env.local')).toContain('SALLYPORT_TOKEN=');
  });

  test('is asked for in its own repository, whatever a hook has in its environment', async () => {
    using other = openGitLab();
    const refused = await rejectionOf(open('.env', { GIT_DIR: join(other.root, '.git') }));
    expect(refused.code).toBe('config.invalid');
    expect((await open('.env.local', { GIT_DIR: join(other.root, '.git') })).inRepository).toBe(true);
  });
});

describe('nothing is written', () => {
  async function refused(file: string, what: RegExp): Promise<void> {
    const before = existsSync(join(lab.root, file)) ? read(file) : null;
    const { message, fix } = await rejectionOf(open(file));
    expect([what.test(message), typeof fix]).toEqual([true, 'string']);
    expect(existsSync(join(lab.root, file)) ? read(file) : null).toBe(before);
  }

  test('where git would take the file', async () => {
    await refused('.env', /does not ignore/);
    lab.write('.gitignore', '.env*\n!.env.example\n');
    await refused('.env.example', /does not ignore/);
  });

  test('where git tracks the file, whatever it ignores', async () => {
    lab.git('add', '-f', '.gitignore');
    lab.write('.env.local', 'A=1\n');
    lab.git('add', '-f', '.env.local');
    await refused('.env.local', /tracks/);
  });

  test('through a link, whose target may be anywhere', async () => {
    lab.write('tracked', 'A=1\n');
    symlinkSync('tracked', join(lab.root, '.env.local'));
    await refused('.env.local', /no regular file/);
  });

  test('into a folder that is not there, a file that is no text', async () => {
    await refused('none/.env.local', /no folder/);
    lab.write('.env.local', new Uint8Array([0x41, 0xff, 0xfe]));
    const file = await open();
    expect(() => file.write(VARIABLES, never)).toThrow(/no text/);
  });

  test('where git cannot be asked', async () => {
    const without = await rejectionOf(open('.env.local', { PATH: '/nonexistent' }));
    lab.write('.git/HEAD', 'broken');
    const broken = await rejectionOf(open());
    expect([without.code, broken.code]).toEqual(['scan.incomplete', 'scan.incomplete']);
  });
});

test('outside of a repository nothing has to be ignored', async () => {
  const file = await openEnvFile('.env.local', { cwd: lab.home, env: lab.env });
  expect(file.inRepository).toBe(false);
  file.write(VARIABLES, never);
  expect(readdirSync(lab.home)).toEqual(['.env.local']);
  const without = await openEnvFile('.env.local', { cwd: lab.home, env: { PATH: '/nonexistent' } });
  expect(without.inRepository).toBe(false);
});
