/** `scan fix` on real repositories, with a real gate: what is changed, what is left, and that no value is said. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sample } from '../../src/detect/samples.ts';
import { type Ran, run } from '../../src/cli/test-io.ts';
import { sallyport } from '../support/cli.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { type OpenGate, openGate } from '../support/harness.ts';

let gate: OpenGate;
beforeAll(async () => {
  gate = await openGate({ budgetUsd: '10' });
});
afterAll(() => gate[Symbol.asyncDispose]());

const fix = (lab: GitLab, ...args: string[]): Promise<Ran> =>
  lab.cli('scan', 'fix', '--data', gate.data, '--gateway', gate.url, ...args);
const read = (lab: GitLab, path: string): string => readFileSync(join(lab.root, path), 'latin1');
const variable = (text: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';

/** Everything in the work tree and in git's folder, by name. */
function everything(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

test('a literal becomes a variable, the token is in a private .env that git ignores, and calls work with it', async () => {
  using lab = openGitLab();
  lab.write(
    'src/client.ts',
    `// a comment\r\nexport const client = make({ apiKey: '${gate.key}', retries: 2 });\r\n`,
    0o755,
  );
  lab.write('.gitignore', 'dist\n');
  const planned = await fix(lab, '--dry-run', '--json');
  expect(planned.json()).toMatchObject({
    planned: [{ path: 'src/client.ts', line: 2 }],
    mended: [],
    file: null,
  });
  const preview = await fix(lab, '--dry-run');
  expect(preview.code).toBe(1);
  expect(preview.out).toContain("-export const client = make({ apiKey: '[redacted]', retries: 2 });");
  expect(preview.out).toContain(
    '+export const client = make({ apiKey: process.env.GROQ_API_KEY, retries: 2 });',
  );
  expect(read(lab, 'src/client.ts')).toContain(gate.key);
  expect(readdirSync(lab.root).toSorted()).toEqual(['.git', '.gitignore', 'src']);

  const { code, out, err } = await fix(lab, '--yes');
  expect([code, err]).toEqual([0, expect.stringContaining('1 mended, 0 left') as string]);
  expect(out + err + preview.out + preview.err).not.toContain(gate.key.slice(4, 30));
  expect(read(lab, 'src/client.ts')).toBe(
    '// a comment\r\nexport const client = make({ apiKey: process.env.GROQ_API_KEY, retries: 2 });\r\n',
  );
  expect(statSync(join(lab.root, 'src/client.ts')).mode & 0o777).toBe(0o755);
  const env = read(lab, '.env');
  const token = variable(env, 'GROQ_API_KEY');
  expect(env).toBe(`GROQ_BASE_URL=${gate.url}/p/groq\nGROQ_API_KEY=${token}\n`);
  expect(statSync(join(lab.root, '.env')).mode & 0o777).toBe(0o600);
  expect(lab.git('status', '--porcelain', '--untracked-files=all')).not.toContain('.env');
  expect(out + err).not.toContain(token.slice(21));
  expect(everything(lab.root)).not.toContain(gate.key);
  const answer = await fetch(`${variable(env, 'GROQ_BASE_URL')}/openai/v1/models`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  // Nothing is left to do, and no second token is made.
  const tokens = gate.app.tokens.list().length;
  expect(await fix(lab, '--yes')).toMatchObject({ code: 0, out: 'no raw key in these files\n' });
  expect(gate.app.tokens.list()).toHaveLength(tokens);
});

describe('what cannot be mended is left, with the reason', () => {
  const CASES: readonly (readonly [path: string, text: (key: string) => string, why: string])[] = [
    ['a.json', (key) => `{"key": "${key}"}\n`, 'JSON cannot read a variable'],
    ['a.ts', (key) => `// const key = "${key}"\n`, 'no expression can stand there'],
    ['b.ts', (key) => `const json = '{"key": "${key}"}';\n`, 'no expression can stand there'],
    ['c.ts', (key) => `const broken = "${key}\n`, 'no expression can stand there'],
    ['a.py', (key) => `text = '{"key": "${key}"}'\n`, 'part of a longer text'],
    ['b.py', (key) => `key = b"${key}"\n`, 'has a prefix'],
    ['c.py', (key) => `key = "${key}" "more"\n`, 'joined with the literal'],
    ['d.py', (key) => `# key = "${key}"\n`, 'in a comment'],
    ['a.go', (key) => `package a\n\nconst key = "${key}"\n`, 'a constant'],
    ['b.go', (key) => `package a\n\nconst (\n\tkey = "${key}"\n)\n`, 'a constant'],
    ['a.rs', (key) => `const KEY: &str = "${key}";\n`, 'a constant'],
    ['a.cs', (key) => `class A { void F(string key = "${key}") {} }\n`, 'a constant'],
    ['a.php', (key) => `<?php\nclass A {\n  private $key = '${key}';\n}\n`, 'a constant'],
    ['a.sh', (key) => `curl -H 'Authorization: Bearer ${key}'\n`, 'single quotes'],
    ['b.sh', (key) => `cat <<EOF\n'\nEOF\nKEY="${key}"\n`, 'here-document'],
    ['a.rb', (key) => `x = <<~A\n'\nA\nkey = "${key}"\n`, 'telling strings from code'],
    ['.github/workflows/a.yml', (key) => `env:\n  KEY: ${key}\n`, 'secrets of its own'],
    ['k8s.yaml', (key) => `apiVersion: v1\ndata:\n  key: ${key}\n`, 'use a Secret'],
    ['Dockerfile', (key) => `ENV GROQ_API_KEY=${key}\n`, 'an image keeps'],
    ['README.md', (key) => `export GROQ_API_KEY=${key}\n`, 'placeholder'],
    ['.env.example', (key) => `GROQ_API_KEY=${key}\n`, 'placeholder'],
    [
      'd.ts',
      () => `const key = "${Buffer.from(`gsk_${sample('alnum', 52)}`).toString('base64')}";\n`,
      'it is in base64',
    ],
  ];

  test('each, and not a byte of it changes', async () => {
    using lab = openGitLab();
    for (const [path, text] of CASES) lab.write(path, text(gate.key));
    const tokens = gate.app.tokens.list().length;
    const { code, out, err } = await fix(lab, '--yes');
    expect(code).toBe(1);
    for (const [path, text, why] of CASES) {
      expect([path, read(lab, path)]).toEqual([path, text(gate.key)]);
      const line = err.split('\n').find((one) => one.includes(`left: ${path}:`));
      expect([path, line]).toEqual([path, expect.stringContaining(why) as string]);
    }
    expect(out + err).not.toContain(gate.key.slice(4, 30));
    expect(gate.app.tokens.list()).toHaveLength(tokens);
    expect(lstatSync(join(lab.root, '.env'), { throwIfNoEntry: false })).toBeUndefined();
  });
});

describe('each language reads the variable in its own way', () => {
  const CASES: readonly (readonly [path: string, text: (key: string) => string, after: string])[] = [
    ['a.js', (key) => `call(\`Bearer ${key}\`);\n`, 'call(`Bearer ${process.env.GROQ_API_KEY}`);\n'],
    ['a.tsx', (key) => `const a = <A k="${key}" />;\n`, 'const a = <A k={process.env.GROQ_API_KEY} />;\n'],
    [
      'b.mjs',
      (key) => `const CHAT_API_KEY = "${key}";\n`,
      'const CHAT_API_KEY = process.env.CHAT_API_KEY;\n',
    ],
    [
      'a.py',
      (key) => `"""Says 'hi'."""\nfrom __future__ import annotations\n\nimport sys\n\nkey = '${key}'\n`,
      `"""Says 'hi'."""\nfrom __future__ import annotations\n\nimport os\nimport sys\n\nkey = os.environ["GROQ_API_KEY"]\n`,
    ],
    ['b.py', (key) => `key = "${key}"\n`, 'import os\nkey = os.environ["GROQ_API_KEY"]\n'],
    [
      'a.go',
      (key) => `package a\n\nimport (\n\t"fmt"\n)\n\nvar c = '"'\nvar key = "${key}"\n`,
      `package a\n\nimport (\n\t"os"\n\t"fmt"\n)\n\nvar c = '"'\nvar key = os.Getenv("GROQ_API_KEY")\n`,
    ],
    ['a.rb', (key) => `key = '${key}'\n`, 'key = ENV.fetch("GROQ_API_KEY")\n'],
    [
      'a.php',
      (key) => `<p>Don't</p><?php $key = "${key}";\n`,
      `<p>Don't</p><?php $key = getenv('GROQ_API_KEY');\n`,
    ],
    [
      'A.java',
      (key) => `class A { String k = "${key}"; }\n`,
      'class A { String k = System.getenv("GROQ_API_KEY"); }\n',
    ],
    [
      'a.cs',
      (key) => `var p = @"C:\\"; var k = "${key}";\n`,
      'var p = @"C:\\"; var k = System.Environment.GetEnvironmentVariable("GROQ_API_KEY");\n',
    ],
    [
      'a.rs',
      (key) => `fn f<'a>() { let c = '"'; let k = "${key}"; }\n`,
      `fn f<'a>() { let c = '"'; let k = std::env::var("GROQ_API_KEY").expect("GROQ_API_KEY is not set"); }\n`,
    ],
    [
      'compose.yaml',
      (key) => `services:\n  a:\n    environment:\n      - GROQ_API_KEY=${key}\n`,
      'services:\n  a:\n    environment:\n      - GROQ_API_KEY=${GROQ_API_KEY}\n',
    ],
    ['b.yml', (key) => `groq:\n  key: "${key}" # mine\n`, 'groq:\n  key: "${GROQ_API_KEY}" # mine\n'],
    [
      'a.sh',
      (key) => `curl -H "Authorization: Bearer ${key}" x\n`,
      'curl -H "Authorization: Bearer ${GROQ_API_KEY}" x\n',
    ],
    ['b', (key) => `#!/bin/sh\ncall ${key}\n`, '#!/bin/sh\ncall "${GROQ_API_KEY}"\n'],
  ];

  test('whatever else is in the file', async () => {
    using lab = openGitLab();
    for (const [path, text] of CASES) lab.write(path, text(gate.key));
    const { code, err } = await fix(lab, '--yes');
    for (const [path, , after] of CASES) expect([path, read(lab, path)]).toEqual([path, after]);
    expect([code, err]).toEqual([0, expect.stringContaining(`${CASES.length} mended, 0 left`) as string]);
    const env = read(lab, '.env');
    expect(variable(env, 'CHAT_API_KEY')).toBe(variable(env, 'GROQ_API_KEY'));
  });
});

test('in a .env file the token takes the place of the key, with the address beside it', async () => {
  using lab = openGitLab();
  lab.write('.gitignore', '.env*\n');
  lab.write('app/.env', `A=1\nexport GROQ_API_KEY="${gate.key}" # mine\nB=2\n`, 0o644);
  const { code, out } = await fix(lab, '--yes');
  expect(code).toBe(0);
  const env = read(lab, 'app/.env');
  const token = variable(env, 'export GROQ_API_KEY');
  expect(env).toBe(`A=1\nexport GROQ_API_KEY=${token}\nB=2\nGROQ_BASE_URL=${gate.url}/p/groq\n`);
  expect(token).toStartWith('sallyp_s');
  expect(statSync(join(lab.root, 'app/.env')).mode & 0o777).toBe(0o600);
  expect(out).toContain('--- app/.env (mode 0600)');
});

test('a .env file that git has is refused before anything is changed', async () => {
  using lab = openGitLab();
  lab.write('.env', `GROQ_API_KEY=${gate.key}\n`);
  lab.git('add', '-f', '.env');
  const tokens = gate.app.tokens.list().length;
  const { code, err } = await fix(lab, '--yes');
  expect([code, err]).toEqual([2, expect.stringContaining('gitignore fix --untrack') as string]);
  expect(read(lab, '.env')).toContain(gate.key);
  expect(gate.app.tokens.list()).toHaveLength(tokens);
});

test('nothing leads out of the tree: no link is followed, and no path beside it is taken', async () => {
  using lab = openGitLab();
  const outside = join(lab.home, 'outside.ts');
  writeFileSync(outside, `const key = "${gate.key}";\n`);
  symlinkSync(outside, join(lab.root, 'link.ts'));
  symlinkSync(lab.home, join(lab.root, 'folder'));
  expect(await fix(lab, '--yes')).toMatchObject({ code: 0 });
  expect(await fix(lab, '--yes', 'link.ts')).toMatchObject({ code: 0 });
  const { code, err } = await fix(lab, '--yes', outside);
  expect([code, err]).toEqual([2, expect.stringContaining('is outside of') as string]);
  expect((await fix(lab, '--yes', 'folder/outside.ts')).code).toBe(2);
  expect(readFileSync(outside, 'utf8')).toContain(gate.key);
});

test('what is allowed stays, and so does what nobody says yes to', async () => {
  using lab = openGitLab();
  lab.write('a.ts', `const key = "${gate.key}"; // sallyport:allow a key that was revoked\n`);
  expect(await fix(lab, '--yes')).toMatchObject({ code: 0, out: 'no raw key in these files\n' });
  lab.write('a.ts', `const key = "${gate.key}";\n`);
  const { code, err } = await fix(lab);
  expect([code, err]).toEqual([1, expect.stringContaining('--yes') as string]);
  expect(read(lab, 'a.ts')).toContain(gate.key);
  expect(lab.git('status', '--porcelain')).toBe('?? a.ts\n');
});

test('as a process of its own, on its way through a pipe: nothing is asked, and JSON says what was done', async () => {
  using lab = openGitLab();
  lab.write('a.js', `const key = "${gate.key}";\n`);
  lab.write('b.json', `{"key": "${gate.key}"}\n`);
  const { exitCode, stdout, stderr } = await sallyport(
    ['scan', 'fix', '--yes', '--json', '--data', gate.data, '--gateway', gate.url],
    '',
    lab.env,
    lab.root,
  );
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    mended: [expect.objectContaining({ path: 'a.js', line: 1, column: 14, rule: 'groq-api-key' }) as object],
    left: [expect.objectContaining({ path: 'b.json', why: 'JSON cannot read a variable' }) as object],
    token: [expect.stringMatching(/^[0-9A-Za-z]{12}$/) as string],
    file: join(realpathSync(lab.root), '.env'),
  });
  expect(read(lab, 'a.js')).toBe('const key = process.env.GROQ_API_KEY;\n');
  expect(stdout + stderr).not.toContain(gate.key.slice(4, 30));
});

test('where the gateway has no key of the provider, the one that was found is sealed only when somebody says so', async () => {
  using lab = openGitLab();
  const key = ['s', 'k-', sample('alnum', 20), 'T3BlbkFJ', sample('alnum', 20, 7)].join('');
  lab.write('a.js', `const key = "${key}";\n`);
  const refused = await fix(lab, '--yes');
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('--seal') as string]);
  expect(read(lab, 'a.js')).toContain(key);
  expect(gate.app.vault.list().map(({ name }) => name)).toEqual(['groq']);
  const there = { origin: gate.fake.url, allowPrivateOrigin: true };
  await gate.app.vault.declare('local', { name: 'openai', provider: 'openai', ...there });
  const sealed = await fix(lab, '--yes', '--seal');
  expect([sealed.code, sealed.err]).toEqual([0, expect.stringContaining('replace it soon') as string]);
  expect(read(lab, 'a.js')).toBe('const key = process.env.OPENAI_API_KEY;\n');
  expect(variable(read(lab, '.env'), 'OPENAI_BASE_URL')).toBe(`${gate.url}/p/openai/v1`);
  expect(sealed.out + sealed.err).not.toContain(key.slice(3, 20));
});

test('on a terminal it asks, after it has shown what it would do', async () => {
  using lab = openGitLab();
  lab.write('a.js', `const key = "${gate.key}";\n`);
  const asked = (typed: string): Promise<Ran> =>
    run(['scan', 'fix', '--data', gate.data, '--gateway', gate.url], { cwd: lab.root, env: lab.env, typed });
  const no = await asked('n');
  expect([no.code, no.out]).toEqual([
    1,
    expect.stringContaining('+const key = process.env.GROQ_API_KEY;') as string,
  ]);
  expect(read(lab, 'a.js')).toContain(gate.key);
  expect((await asked('y')).code).toBe(0);
  expect(read(lab, 'a.js')).toBe('const key = process.env.GROQ_API_KEY;\n');
});
