/** A token on its way to a platform: the programs of the platforms are played by scripts that write down what they were given. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ran, run } from '../../src/cli/test-io.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { openGate } from '../support/harness.ts';
import { issueToken } from '../support/setup.ts';

const gate = await openGate({ budgetUsd: '1000' });
afterAll(() => gate[Symbol.asyncDispose]());

let bench: string;
beforeEach(() => {
  bench = mkdtempSync(join(tmpdir(), 'sallyport-deploy-'));
  mkdirSync(join(bench, 'bin'));
});
afterEach(() => rmSync(bench, { recursive: true, force: true }));

/** A program that keeps its arguments, its environment and what it reads from `input`, then does `more`. */
function program(name: string, more = '', input = '-'): void {
  const file = join(bench, 'bin', name);
  const lines = [
    '#!/bin/sh',
    `printf '%s\\n' "$@" >> '${bench}/args'`,
    `env > '${bench}/env'`,
    `cat ${input} > '${bench}/stdin'`,
    more,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  chmodSync(file, 0o755);
}

const kept = (what: 'args' | 'env' | 'stdin'): string => readFileSync(join(bench, what), 'utf8');

function deploy(line: string, stdin = '', cwd = bench, env: Record<string, string> = {}): Promise<Ran> {
  return run(['token', 'deploy', ...line.split(' ')], {
    stdin,
    cwd,
    env: {
      SALLYPORT_DATA: gate.data,
      SALLYPORT_ADMIN_TOKEN: 'not-for-them',
      PATH: `${join(bench, 'bin')}:${process.env['PATH'] ?? ''}`,
      ...env,
    },
  });
}

function tokens(): { id: string; state: string; revokedReason?: string | null }[] {
  return gate.app.tokens.list();
}

const ISSUE = '--team acme --env prod --scope call:groq/*';

describe('--print shows the platform’s own command, issues nothing and contacts nobody', () => {
  test.each([
    [
      'vercel --replace',
      'vercel env add SALLYPORT_TOKEN production --sensitive --force',
      'vercel deploy --prod',
    ],
    ['vercel --target development', 'vercel env add SALLYPORT_TOKEN development', 'vercel env pull'],
    ['vercel --target qa', 'vercel env add SALLYPORT_TOKEN qa --sensitive', 'vercel deploy --target=qa'],
    [
      'aws --service web/api',
      'aws secretsmanager put-secret-value --secret-id acme-prod-sallyport --secret-string file:///dev/stdin',
      'aws ecs update-service --cluster web --service api --force-new-deployment',
    ],
    [
      'aws --create --secret a/b',
      'aws secretsmanager create-secret --name a/b --secret-string file:///dev/stdin',
      '--cluster CLUSTER --service SERVICE',
    ],
    [
      'gcp --service web',
      'gcloud secrets versions add acme-prod-sallyport --data-file=-',
      'gcloud run services update web --update-secrets=SALLYPORT_TOKEN=acme-prod-sallyport:latest',
    ],
    [
      'gcp --create',
      'gcloud secrets create acme-prod-sallyport --replication-policy=automatic --data-file=-',
      '',
    ],
    ['github --target prod', 'gh secret set SALLYPORT_TOKEN --env prod', 'next run of a workflow'],
    [
      'k8s --namespace web --service api --var LLM_TOKEN',
      'kubectl create secret generic acme-prod-sallyport --namespace web --from-file=LLM_TOKEN=/dev/stdin --dry-run=client --output=yaml | kubectl apply --server-side --namespace web --filename=-',
      'kubectl rollout restart deployment/api --namespace web',
    ],
  ])('%s', async (line, command, restart) => {
    const before = tokens().length;
    const { code, out, err } = await deploy(`--to ${line} ${ISSUE} --print`, '', bench, {
      SALLYPORT_DATA: '/nonexistent',
    });
    const issue = "sallyport token issue --team acme --env prod --scope 'call:groq/*'";
    expect([code, out]).toEqual([0, `${issue} | tr -d '\\n' | ${command}\n`]);
    expect(err).toContain(restart);
    expect(tokens()).toHaveLength(before);
  });

  test('what is printed is what is run: a shell takes it as it stands', async () => {
    program('sallyport', `printf 'the-token\\n'`, '/dev/null');
    program('gh');
    const { out } = await deploy(`--to github ${ISSUE}`);
    const child = Bun.spawnSync(['/bin/sh', '-c', out], {
      env: { PATH: `${join(bench, 'bin')}:${process.env['PATH'] ?? ''}` },
    });
    expect(child.exitCode).toBe(0);
    expect(kept('stdin')).toBe('the-token');
    expect(kept('args')).toContain('call:groq/*\n');
  });
});

describe('--run', () => {
  test('gives a new token to the program’s standard input and to nothing else', async () => {
    program('gh', 'echo stored');
    const { code, out, err } = await deploy(`--to github --run ${ISSUE} --json`);
    expect(code).toBe(0);
    const token = kept('stdin');
    const id = String((JSON.parse(out) as { token: unknown }).token);
    expect(token).toMatch(new RegExp(`^sallyp_s${id}_\\w{38}$`));
    for (const seen of [out, err, kept('args'), kept('env')]) expect(seen).not.toContain(token.slice(-30));
    expect(kept('env')).not.toContain('SALLYPORT_');
    expect(kept('env')).not.toContain('not-for-them');
    expect(kept('args')).toBe('secret\nset\nSALLYPORT_TOKEN\n');
    const answer = await fetch(`${gate.url}/health`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  });

  test('is a pipe that a program may open by its name, and one program may feed the next', async () => {
    program('aws', '', '/dev/stdin');
    const { text } = await issueToken(gate);
    const single = await deploy('--to aws --secret x --run', `${text}\n`);
    expect([single.code, kept('stdin')]).toEqual([0, text]);
    const parts = `create) printf 'manifest of '; cat /dev/stdin ;; *) cat > '${bench}/applied' ;;`;
    program('kubectl', `case "$1" in ${parts} esac`, '/dev/null');
    const double = await deploy('--to k8s --secret x --run', text);
    expect(double.code).toBe(0);
    expect(readFileSync(join(bench, 'applied'), 'utf8')).toBe(`manifest of ${text}`);
    expect(double.err).not.toContain(text.slice(-30));
  });

  test('ends the token that did not get there, and shows what the program said without it', async () => {
    program('gh', `echo "cannot store $(cat '${bench}/stdin')" >&2; exit 4`);
    const { code, out, err } = await deploy(`--to github --run ${ISSUE}`);
    const token = kept('stdin');
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain('cannot store [redacted]');
    expect(err).not.toContain(token.slice(-30));
    const id = token.slice(8, 20);
    expect(err).toContain(`the token ${id} has been revoked`);
    expect(tokens().find((one) => one.id === id)).toMatchObject({
      state: 'revoked',
      revokedReason: 'its deployment failed',
    });
  });

  test('leaves a token alone that was not issued here', async () => {
    program('gh', 'exit 1');
    const { id, text } = await issueToken(gate);
    const { code, err } = await deploy('--to github --run', text);
    expect([code, err.includes('as good as before')]).toEqual([3, true]);
    expect(tokens().find((one) => one.id === id)).toMatchObject({ state: 'active' });
  });

  test('issues nothing where the program is missing', async () => {
    const before = tokens().length;
    const { code, err } = await deploy(`--to github --run ${ISSUE}`, '', bench, { PATH: '/nonexistent' });
    expect([code, err.includes('gh is not installed')]).toEqual([2, true]);
    expect(tokens()).toHaveLength(before);
  });
});

test.each([
  ['', '--to is needed'],
  ['--to heroku', 'Use --to with one of'],
  ['--to verecl', 'vercel'],
  ['--to vercel', '--target is needed'],
  ['--to aws', '--secret is needed'],
  ['--to k8s --secret Not_There', 'cannot be the name'],
  ['--to github --print --run', 'exclude'],
  ['--to github --secret-x', 'unknown option'],
  ['--to github --service web', 'means nothing'],
  ['--to github --target a;b', 'no name'],
  ['--to github --target -R', 'no name'],
  ['--to github --var A-B', 'no name of a variable'],
  ['--to github --file x', 'dotenv'],
  ['--to dotenv --run', 'without it'],
  ['--to github --run --preset dev', '--team'],
  ['--to github --run --team acme --type admin', 'admin token'],
])('"%s" is refused and nothing is issued', async (line, message) => {
  program('gh');
  const before = tokens().length;
  const { code, out, err } = await run(['token', 'deploy', ...line.split(' ').filter(Boolean)], {
    env: { SALLYPORT_DATA: gate.data, PATH: join(bench, 'bin') },
  });
  expect([code, out]).toEqual([2, '']);
  expect(err.toLowerCase()).toContain(message.toLowerCase());
  expect(tokens()).toHaveLength(before);
});

describe('--to dotenv', () => {
  let lab: GitLab;
  beforeEach(() => {
    lab = openGitLab();
  });
  afterEach(() => lab[Symbol.dispose]());
  const dotenv = (line: string, stdin = ''): Promise<Ran> =>
    deploy(`--to dotenv ${line}`.trim(), stdin, lab.root, lab.env);

  test('issues nothing before git ignores the file, or while another value is in the way', async () => {
    const before = tokens().length;
    const open = await dotenv(ISSUE);
    expect([open.code, open.err.includes('>> .gitignore')]).toEqual([2, true]);
    lab.write('.gitignore', '.env*\n');
    lab.write('.env.local', 'SALLYPORT_TOKEN=something-else\n');
    const taken = await dotenv(ISSUE);
    expect([taken.code, taken.err.includes('--replace')]).toEqual([2, true]);
    expect(tokens()).toHaveLength(before);
  });

  test('writes address and token for the owner only, and prints neither', async () => {
    lab.write('.gitignore', '.env*\n');
    const { code, out, err } = await dotenv(`${ISSUE} --var LLM_TOKEN`);
    expect([code, out]).toEqual([0, '']);
    const file = join(lab.root, '.env.local');
    const [, token = ''] = /^LLM_TOKEN=(.+)$/m.exec(readFileSync(file, 'utf8')) ?? [];
    expect(readFileSync(file, 'utf8')).toBe(`SALLYPORT_URL=${gate.url}\nLLM_TOKEN=${token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(err).not.toContain(token.slice(-30));
    const answer = await fetch(`${gate.url}/health`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
    const piped = await dotenv('--var LLM_TOKEN --file .env.other', token);
    expect(piped.code).toBe(0);
    expect(readFileSync(join(lab.root, '.env.other'), 'utf8')).toContain(token);
  });

  test('--print shows a line that does the same', async () => {
    const { code, out } = await dotenv(`${ISSUE} --print`);
    expect([code, out]).toEqual([
      0,
      "sallyport token issue --team acme --env prod --scope 'call:groq/*' | sallyport token deploy --to dotenv --file .env.local\n",
    ]);
  });
});
