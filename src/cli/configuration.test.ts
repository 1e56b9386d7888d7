/** The configuration as a file, against a running Sallyport. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OpenGate, openGate } from '../../test/support/harness.ts';
import { runCli } from './cli.ts';
import { type Ran, run, testIo, type TestIoOptions } from './test-io.ts';

let gate: OpenGate;
let cli: (line: readonly string[], options?: TestIoOptions) => Promise<Ran>;

beforeAll(async () => {
  gate = await openGate();
  cli = (line, options = {}) =>
    run(line, { cwd: gate.data, ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
});

const FILE = `version: 1
teams:
  chat:
    allowedModels: ['openai/gpt-oss-*']
    monthlyBudgetUsd: 0.10
projects:
  bot: { team: chat }
`;

test('a plan is shown, asked about, carried out and then empty', async () => {
  writeFileSync(join(gate.data, 'sallyport.yaml'), FILE);
  const file = ['-f', 'sallyport.yaml'];
  const plan = await cli(['plan', ...file]);
  expect(plan.code).toBe(0);
  expect(plan.out).toBe(`+ team chat
    allowedModels  openai/gpt-oss-*

+ project bot
    team  chat

+ budget team:chat per month
    limitUsd  0.10

not in the file, left alone: team acme

3 to add
`);
  expect((await cli(['apply', ...file, '--dry-run'])).out).toBe(plan.out);
  expect((await cli(['plan', ...file, '--check'])).code).toBe(1);
  const unasked = await cli(['apply', ...file]);
  expect([unasked.code, unasked.err]).toEqual([
    2,
    'sallyport: error: there is no terminal to ask on\nsallyport: hint: look at the plan, then add --yes\n',
  ]);
  expect((await cli(['apply', ...file, '--json'])).code).toBe(2);
  expect(await cli(['apply', ...file], { typed: 'no' })).toMatchObject({
    code: 1,
    err: 'sallyport: nothing was changed\n',
  });
  expect(gate.events(/^control\.project/)).toEqual([]);
  const done = await cli(['apply', ...file], { typed: 'y' });
  expect([done.code, done.err]).toEqual([
    0,
    'sallyport: applied: + team chat\nsallyport: applied: + project bot\nsallyport: applied: + budget team:chat per month\n',
  ]);
  expect(gate.app.ledger.view('team-chat-month').limitPicoUsd as bigint).toBe(100_000_000_000n);
  const again = await cli(['apply', ...file]);
  expect([again.code, again.out]).toEqual([
    0,
    'not in the file, left alone: team acme\n\nnothing to change\n',
  ]);
  expect((await cli(['plan', ...file, '--check'])).code).toBe(0);
});

test('what export prints is taken from standard input, and changes nothing', async () => {
  for (const form of [[], ['--json']]) {
    const { out } = await cli(['export', ...form]);
    expect(out).toContain('monthlyBudgetUsd');
    expect(out).not.toContain(gate.key);
    const planned = await cli(['plan', '-f', '-', '--json'], { stdin: out });
    expect(planned.json()).toMatchObject({ changes: [], notInFile: [] });
  }
  const some = await cli(['export', '--only', 'teams', '--json']);
  expect(Object.keys(some.json())).toEqual(['version', 'teams']);
  expect((await cli(['export', '--only', 'tems'])).err).toContain('did you mean "teams"?');
});

test('mistakes are told like those of a compiler, and nothing is asked of the server', async () => {
  const text = 'version: 1\nteams:\n  chat: { allowdModels: [] }\n  x y: {}\n';
  const { code, err, out } = await cli(['apply', '-f', '-', '--yes'], {
    stdin: text,
    env: { SALLYPORT_DATA: '/nowhere' },
  });
  expect([code, out]).toEqual([2, '']);
  expect(err.split('\n').slice(0, 3)).toEqual([
    'standard input:3:11: unknown field "allowdModels" in teams.chat; did you mean "allowedModels"?',
    'standard input:4:3: a name has 1 to 63 letters, digits, dots, hyphens or underscores, and begins with a letter or digit',
    'sallyport: error: standard input has 2 problems',
  ]);
  expect((await cli(['plan', '-f', 'nothing.yaml'])).err).toContain('there is no file nothing.yaml');
  expect((await cli(['plan', '-f', '.'])).err).toContain('. cannot be read');
  expect((await cli(['plan'])).err).toContain('-f is missing');
  writeFileSync(join(gate.data, 'large.yaml'), '#'.repeat(300_000));
  expect((await cli(['plan', '-f', 'large.yaml'])).err).toContain('is larger than 262144 bytes');
  writeFileSync(join(gate.data, 'bytes.yaml'), Buffer.from([0x76, 0xff]));
  expect((await cli(['plan', '-f', 'bytes.yaml'])).err).toContain('is not UTF-8 text');
});

test('JSON says of every change what became of it', async () => {
  const stdin = 'version: 1\nteams: { chat: { rateLimitRPM: 5, monthlyBudgetUsd: "0.10" } }';
  const { code, json } = await cli(['apply', '-f', '-', '--yes', '--json'], { stdin });
  expect(code).toBe(0);
  expect(json()).toMatchObject({
    changes: [
      {
        section: 'teams',
        id: 'chat',
        action: 'change',
        result: 'applied',
        fields: [
          { field: 'allowedModels', from: ['openai/gpt-oss-*'], to: ['*'], leftOut: true },
          { field: 'rateLimitRPM', from: null, to: 5, leftOut: false },
        ],
      },
    ],
    notInFile: [{ section: 'teams', id: 'acme' }],
    error: null,
  });
});

test('what somebody else changed between plan and answer is not overwritten', async () => {
  const { io, printed } = testIo({
    env: { SALLYPORT_DATA: gate.data },
    typed: 'y',
    stdin: 'version: 1\nteams: { chat: { monthlyBudgetUsd: 1 }, late: {} }',
  });
  const readLine = async (): Promise<string> => {
    await gate.app.teams.setLimits('local', 'chat', { rateLimitRPM: 7 });
    return 'y';
  };
  const code = await runCli(['apply', '-f', '-'], { ...io, readLine });
  expect(code).toBe(2);
  expect(printed().err).toBe(
    [
      'not applied: ~ team chat',
      'not applied: + team late',
      'not applied: ~ budget team:chat per month',
      'applied 0 of 3 changes',
      'error: the configuration was changed by somebody else in the meantime',
      'hint: run it again: what is done is left out, the rest is planned anew',
    ]
      .map((line) => `sallyport: ${line}\n`)
      .join(''),
  );
  expect(gate.app.teams.get('chat').limits.rateLimitRPM).toBe(7);
});

test('a plan outlives a restart of the gateway', async () => {
  const { io, printed } = testIo({
    env: { SALLYPORT_DATA: gate.data },
    typed: 'y',
    stdin: 'version: 1\nenvironments: [restarted]',
  });
  const readLine = async (): Promise<string> => {
    await gate.restart();
    return 'y';
  };
  const code = await runCli(['apply', '-f', '-'], { ...io, readLine });
  expect([code, printed().err]).toEqual([0, 'sallyport: applied: + environment restarted\n']);
});

test('over --url the scopes of the token decide, change by change', async () => {
  const scopes = ['teams:read', 'teams:write', 'limits:read'];
  const args = ['token', 'issue', '--type', 'admin', ...scopes.flatMap((scope) => ['--scope', scope])];
  const token = (await cli([...args, '--expires', '1h'])).out.trim();
  const stdin = 'version: 1\nteams: { far: {} }\nlimits: { team:far: { rateLimitTPM: 5 } }';
  const remote = (line: readonly string[]): Promise<Ran> =>
    run([...line, '--url', gate.app.adminUrl], { stdin, env: { SALLYPORT_ADMIN_TOKEN: token } });
  expect((await remote(['plan', '-f', '-'])).code).toBe(0);
  const partly = await remote(['apply', '-f', '-', '--yes', '--json']);
  expect(partly.code).toBe(1);
  expect(partly.json()).toMatchObject({
    changes: [
      { id: 'far', result: 'applied' },
      { id: 'team:far', result: 'refused' },
    ],
    error: { code: 'admin.forbidden' },
  });
  expect(partly.err).toContain('this needs the scope limits:write');
  const [entry] = gate.events('control.team.add').slice(-1);
  expect(String(entry?.['principal'])).toStartWith('admin:');
});

test('the schema is printed, on one line or for reading', async () => {
  const schema = await cli(['schema']);
  expect(schema.code).toBe(0);
  expect((await cli(['schema', '--json'])).json()).toEqual(schema.json());
});
