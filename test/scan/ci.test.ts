/** The files for CI, run as a runner runs them: expressions filled in, scripts started with the shell and environment of a job, in real clones. */
import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from '../../src/cli/test-io.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const ROOT = join(import.meta.dir, '../..');
const NOTHING = '0'.repeat(40);

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly shell: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run: string;
}

const ACTION = Bun.YAML.parse(readFileSync(join(ROOT, 'action.yml'), 'utf8')) as {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
};

/** What a runner knows, by the path that an expression names it by. */
type Context = Readonly<Record<string, unknown>>;

function lookUp(context: Context, path: string): unknown {
  let value: unknown = context;
  for (const part of path.trim().split('.'))
    value = (value as Record<string, unknown> | null | undefined)?.[part];
  return value;
}

/** Paths and `||`, which is all that action.yml uses. */
function filled(text: string, context: Context): string {
  return text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => {
    const values = expression.split('||').map((path) => lookUp(context, path));
    const texts = values.filter((value) => typeof value === 'string');
    return texts.find((text) => text !== '') ?? '';
  });
}

interface Job {
  readonly code: number;
  readonly log: string;
  readonly outputs: Readonly<Record<string, string>>;
}

interface JobOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly event?: object;
  readonly sha: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs action.yml in a clone. */
async function runAction(lab: GitLab, clone: string, options: JobOptions): Promise<Job> {
  const temp = mkdtempSync(join(tmpdir(), 'sallyport-runner-'));
  const github = { event: options.event ?? {}, sha: options.sha, token: 'token-of-the-job' };
  const defaults = Object.entries(ACTION.inputs).map(([name, input]) => [
    name,
    filled(input.default, { github }),
  ]);
  const inputs = { ...(Object.fromEntries(defaults) as Record<string, string>), ...options.inputs };
  const steps: Record<string, { outputs: Record<string, string> }> = {};
  let log = '';
  try {
    for (const step of ACTION.runs.steps) {
      const context = { github, inputs, steps };
      expect(step.shell).toBe('bash');
      if (step.if !== undefined && step.if !== `inputs.upload-sarif == '${inputs['upload-sarif'] ?? ''}'`)
        continue;
      // Nothing is filled into a script: what an event says would be code there.
      expect(step.run).not.toContain('${{');
      const own = Object.entries(step.env ?? {}).map(([name, text]) => [name, filled(text, context)]);
      const output = join(temp, 'output');
      writeFileSync(output, '');
      const script = join(temp, 'script.sh');
      writeFileSync(script, step.run);
      const child = Bun.spawn(['bash', '--noprofile', '--norc', '-eo', 'pipefail', script], {
        cwd: clone,
        env: {
          ...lab.env,
          GITHUB_ACTIONS: 'true',
          GITHUB_ACTION_PATH: ROOT,
          GITHUB_OUTPUT: output,
          GITHUB_REPOSITORY: 'o/r',
          GITHUB_SHA: options.sha,
          GITHUB_REF: 'refs/heads/a"b',
          RUNNER_TEMP: temp,
          ...options.env,
          ...(Object.fromEntries(own) as Record<string, string>),
        },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      log += out + err;
      if (step.id !== undefined) {
        const lines = readFileSync(output, 'utf8').trimEnd().split('\n');
        steps[step.id] = {
          outputs: Object.fromEntries(
            lines.map((line) => [line.split('=')[0] ?? '', line.split('=').slice(1).join('=')]),
          ),
        };
      }
      if (code !== 0) return { code, log, outputs: steps['scan']?.outputs ?? {} };
    }
    return { code: 0, log, outputs: steps['scan']?.outputs ?? {} };
  } finally {
    rmSync(temp, { recursive: true, force: true });
  }
}

function commit(lab: GitLab, path: string, content: string): string {
  lab.write(path, content);
  lab.git('add', '--all');
  lab.git('commit', '-q', '-m', 'x');
  return lab.git('rev-parse', 'HEAD').trim();
}

/** As actions/checkout leaves it with `fetch-depth: 0`, or less. */
function cloneOf(lab: GitLab, ref: string, ...args: string[]): string {
  const clone = mkdtempSync(join(lab.home, 'clone-'));
  lab.git('clone', '-q', '--no-local', ...args, `file://${lab.root}`, clone);
  lab.tryGit(['checkout', '-q', '--detach', ref], { cwd: clone });
  return clone;
}

test('action.yml uses no other action, and pins nothing that could move', () => {
  expect(ACTION.runs.using).toBe('composite');
  expect(ACTION.runs.steps.filter(({ uses }) => uses !== undefined)).toEqual([]);
  expect(Object.values(ACTION.outputs).map(({ value }) => value)).toEqual([
    '${{ steps.scan.outputs.sarif-file }}',
    '${{ steps.scan.outputs.exit-code }}',
  ]);
});

describe('the action', () => {
  test('stops a pull request with a key that was added and taken back, and says where', async () => {
    using lab = openGitLab();
    const base = commit(lab, 'a', 'one\n');
    commit(lab, 'old', fixtureKey());
    const target = lab.git('rev-parse', 'HEAD').trim();
    lab.git('switch', '-q', '-c', 'feature', base);
    const key = fixtureKey();
    commit(lab, 'b,c.ts', `\nconst k = '${key}';\n`);
    const head = commit(lab, 'b,c.ts', '\n');
    const clone = cloneOf(lab, head);
    const sarif = join(lab.home, 'x.sarif');
    const event = {
      pull_request: { base: { sha: target }, head: { sha: head } },
      repository: { default_branch: 'main' },
    };
    const job = await runAction(lab, clone, { event, sha: head, inputs: { 'sarif-file': sarif } });
    expect(job).toMatchObject({ code: 1, outputs: { 'exit-code': '1', 'sarif-file': sarif } });
    expect(job.log).toContain('::error file=b%2Cc.ts,line=2,col=12,title=Groq API key::');
    expect(job.log).toContain('What to do, in this order:');
    expect(job.log).not.toContain(key.slice(4, 20));
    expect(job.log).not.toContain('old:1');
    const { runs } = JSON.parse(readFileSync(sarif, 'utf8')) as { runs: [{ results: unknown[] }] };
    expect(runs[0].results).toHaveLength(1);
    // Without that commit it passes.
    lab.git('switch', '-q', '-c', 'clean', base);
    const good = commit(lab, 'b', 'x');
    const clean = { ...event, pull_request: { base: { sha: target }, head: { sha: good } } };
    expect(await runAction(lab, cloneOf(lab, good), { event: clean, sha: good })).toMatchObject({
      code: 0,
      outputs: { 'exit-code': '0' },
    });
  });

  test('in a clone that is cut off does not pass, and says what is missing', async () => {
    using lab = openGitLab();
    const base = commit(lab, 'a', 'one\n');
    const head = commit(lab, 'a', 'two\n');
    const event = { pull_request: { base: { sha: base }, head: { sha: head } } };
    const job = await runAction(lab, cloneOf(lab, head, '--depth', '1'), { event, sha: head });
    expect(job.code).toBe(3);
    expect(job.log).toContain('fetch-depth: 0');
  });

  test('of a push scans what is new, of a new branch what the default branch lacks, and else everything', async () => {
    using lab = openGitLab();
    const start = commit(lab, 'old', fixtureKey());
    const first = commit(lab, 'a', 'one\n');
    const repository = { default_branch: 'main' };
    const clone = cloneOf(lab, first);
    const push = (before: string, sha: string, at = clone): Promise<Job> =>
      runAction(lab, at, { event: { before, repository }, sha });
    expect((await push(start, first)).code).toBe(0);
    // The first push of all: there is nothing to compare with.
    expect((await push(NOTHING, first)).log).toContain('old:1:1: Groq API key');
    // A commit that is gone, after a push with force.
    expect((await push('1'.repeat(40), first)).code).toBe(1);
    lab.git('switch', '-q', '-c', 'feature');
    const head = commit(lab, 'b', 'two\n');
    const fresh = cloneOf(lab, head);
    expect((await push(NOTHING, head, fresh)).code).toBe(0);
    // At a time, and by hand.
    expect((await runAction(lab, fresh, { event: {}, sha: head })).log).toContain('old:1:1: Groq API key');
    const inputs = { range: `${start}..${head}` };
    expect((await runAction(lab, fresh, { event: {}, sha: head, inputs })).code).toBe(0);
    const merge_group = { base_sha: start, head_sha: head };
    expect((await runAction(lab, fresh, { event: { merge_group }, sha: head })).code).toBe(0);
  });

  test('takes nothing of an event or an input for code or for an option', async () => {
    using lab = openGitLab();
    const head = commit(lab, 'a', 'one\n');
    const marker = join(lab.home, 'marker');
    const bad = [`$(touch ${marker})`, `"; touch ${marker}; "`, '--output=/etc/x..HEAD', `x\ny=1`];
    for (const text of bad) {
      const event = { pull_request: { base: { sha: text }, head: { sha: head } } };
      expect((await runAction(lab, lab.root, { event, sha: head })).code).toBe(2);
      expect((await runAction(lab, lab.root, { inputs: { range: text }, sha: head })).code).toBe(2);
    }
    expect(existsSync(marker)).toBe(false);
  });

  const received: { url: string; body: Record<string, string>; authorization: string | null }[] = [];
  let status = 202;
  const api = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: async (request) => {
      received.push({
        url: new URL(request.url).pathname,
        body: (await request.json()) as Record<string, string>,
        authorization: request.headers.get('authorization'),
      });
      return new Response('{}', { status });
    },
  });
  afterAll(() => api.stop(true));

  test('hands the report to code scanning when asked; a refusal does not change the verdict', async () => {
    using lab = openGitLab();
    const start = commit(lab, 'a', 'one\n');
    const head = commit(lab, 'a', fixtureKey());
    const options = {
      sha: head,
      inputs: { range: `${start}..${head}`, 'upload-sarif': 'true' },
      env: { GITHUB_API_URL: `http://127.0.0.1:${api.port}` },
    };
    const job = await runAction(lab, lab.root, options);
    expect([job.code, job.log]).toEqual([1, expect.stringContaining('code scanning has the report')]);
    expect(received).toMatchObject([
      {
        url: '/repos/o/r/code-scanning/sarifs',
        body: { commit_sha: head, ref: 'refs/heads/a"b' },
        authorization: 'Bearer token-of-the-job',
      },
    ]);
    const sarif = gunzipSync(Buffer.from(received[0]?.body['sarif'] ?? '', 'base64')).toString();
    expect(JSON.parse(sarif)).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ ruleId: 'groq-api-key' }] }],
    });
    status = 403;
    const refused = await runAction(lab, lab.root, options);
    expect([refused.code, refused.log]).toEqual([
      1,
      expect.stringContaining('::warning::Code scanning did not take'),
    ]);
    expect(refused.log).not.toContain('token-of-the-job');
  });
});

describe('the job for GitLab', () => {
  const { 'sallyport-scan': JOB } = Bun.YAML.parse(
    readFileSync(join(ROOT, 'docs/ci/gitlab.yml'), 'utf8'),
  ) as {
    'sallyport-scan': {
      variables: Record<string, string | number>;
      script: string[];
      artifacts: { reports: { codequality: string } };
    };
  };

  test('scans a merge request, a push and a new branch, and leaves the report', async () => {
    using lab = openGitLab();
    const start = commit(lab, 'old', fixtureKey());
    lab.git('switch', '-q', '-c', 'feature');
    commit(lab, 'a', `\n${fixtureKey()}\n`);
    const head = commit(lab, 'a', 'two\n');
    const clone = cloneOf(lab, head);
    const ours = mkdtempSync(join(lab.home, 'ours-'));
    const script = JOB.script
      .map((line) => line.replaceAll('/tmp/sallyport', ours))
      // This work tree as it is, in place of one that was fetched.
      .map((line) => (line.includes('ci-scan.sh') ? line.replace(ours, ROOT) : line))
      .join('\n');
    const runJob = (
      variables: Record<string, string>,
    ): { code: number; report: { check_name: string }[] } => {
      rmSync(join(clone, JOB.artifacts.reports.codequality), { force: true });
      const given: Record<string, string> = { CI_DEFAULT_BRANCH: 'main', CI_COMMIT_SHA: head, ...variables };
      const own = Object.entries(JOB.variables).map(([name, text]) => [
        name,
        String(text).replaceAll(/\$(\w+)/g, (_, variable: string) => given[variable] ?? ''),
      ]);
      const child = Bun.spawnSync(['bash', '-eo', 'pipefail', '-c', script], {
        cwd: clone,
        env: {
          ...lab.env,
          SALLYPORT_URL: `file://${lab.root}`,
          SALLYPORT_REF: head,
          ...given,
          ...(Object.fromEntries(own) as Record<string, string>),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const path = join(clone, JOB.artifacts.reports.codequality);
      return {
        code: child.exitCode,
        report: JSON.parse(readFileSync(path, 'utf8')) as { check_name: string }[],
      };
    };
    const found = {
      code: 1,
      report: [{ check_name: 'groq-api-key', location: { path: 'a', lines: { begin: 2 } } }],
    };
    expect(runJob({ CI_MERGE_REQUEST_DIFF_BASE_SHA: start })).toMatchObject(found);
    expect(runJob({ CI_COMMIT_BEFORE_SHA: start })).toMatchObject(found);
    expect(runJob({ CI_COMMIT_BEFORE_SHA: NOTHING })).toMatchObject(found);
    expect(runJob({ CI_COMMIT_BEFORE_SHA: head })).toMatchObject({ code: 0, report: [] });
  });
});

test('a script of the repository in place of git, or settings of the runtime, do not run', async () => {
  using lab = openGitLab();
  const start = commit(lab, 'a', 'one\n');
  const marker = join(lab.home, 'marker');
  lab.write('bunfig.toml', 'preload = ["./evil.js"]\n');
  lab.write('.env', 'BUN_OPTIONS=--preload=./evil.js\n');
  lab.write('evil.js', `require('node:fs').writeFileSync(${JSON.stringify(marker)}, '')`);
  lab.write('tsconfig.json', '{"compilerOptions":{"paths":{"*":["./evil.js"]}}}');
  mkdirSync(join(lab.root, 'node_modules'));
  const head = commit(lab, 'git', '#!/bin/sh\nexit 0\n');
  const job = await runAction(lab, lab.root, { sha: head, inputs: { range: `${start}..${head}` } });
  expect([job.code, existsSync(marker)]).toEqual([0, false]);
});

describe('the hooks for pre-commit', () => {
  const HOOKS = Bun.YAML.parse(readFileSync(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8')) as {
    readonly id: string;
    readonly entry: string;
    readonly language: string;
    readonly always_run: boolean;
    readonly pass_filenames?: boolean;
    readonly stages: readonly string[];
  }[];

  /** As the framework does it: the entry, and the names of files behind it where it passes them. */
  async function hook(
    lab: GitLab,
    stage: string,
    names: readonly string[],
    env: Record<string, string> = {},
  ) {
    const found = HOOKS.find(({ stages }) => stages.includes(stage));
    const [program, ...argv] = found?.entry.split(' ') ?? [];
    expect([program, found?.language, found?.always_run]).toEqual(['./sallyport', 'script', true]);
    const given = found?.pass_filenames === false ? [] : names;
    return run([...argv, ...given], { cwd: lab.root, env: { ...lab.env, ...env } });
  }

  test('scan the files that are named as they stand, whatever they are called, else the staged changes', async () => {
    using lab = openGitLab();
    commit(lab, 'old', `${fixtureKey()}\n`);
    commit(lab, '--json', `${fixtureKey()}\n`);
    lab.write('new', `${fixtureKey()}\n`);
    lab.git('add', 'new');
    const named = await hook(lab, 'pre-commit', ['old', '--json']);
    expect([named.code, named.out]).toEqual([1, '']);
    expect(named.err).toContain('old:1:1: Groq API key');
    expect(named.err).toContain('--json:1:1: Groq API key');
    expect(named.err).not.toContain('new:1:1');
    const staged = await hook(lab, 'pre-commit', []);
    expect([staged.code, staged.err.includes('new:1:1')]).toEqual([1, true]);
    expect(staged.err).not.toContain('old:1:1');
    lab.git('reset', '-q', '--hard');
    expect(await hook(lab, 'pre-commit', [])).toMatchObject({ code: 0, out: '', err: '' });
  });

  test('before a push scan the commits', async () => {
    using lab = openGitLab();
    const from = commit(lab, 'a', 'one\n');
    commit(lab, 'a', `${fixtureKey()}\n`);
    const to = commit(lab, 'a', 'two\n');
    const env = { PRE_COMMIT_FROM_REF: from, PRE_COMMIT_TO_REF: to };
    const stopped = await hook(lab, 'pre-push', ['a'], env);
    expect([stopped.code, stopped.err.includes('a:1:1: Groq API key')]).toEqual([1, true]);
    expect((await hook(lab, 'pre-push', [], { ...env, PRE_COMMIT_FROM_REF: to })).code).toBe(0);
    // To a remote that has nothing yet.
    const first = { PRE_COMMIT_LOCAL_BRANCH: 'refs/heads/main', PRE_COMMIT_REMOTE_NAME: 'origin' };
    expect((await hook(lab, 'pre-push', [], first)).code).toBe(1);
  });

  test('start a program that is there', () => {
    expect(statSync(join(ROOT, 'sallyport')).mode & 0o111).toBe(0o111);
    expect(HOOKS.map(({ id }) => id)).toEqual(['sallyport', 'sallyport-push']);
  });
});
