/** Presets and pairs from the command line, against a running Sallyport. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL, type OpenGate, openGate } from '../../test/support/harness.ts';
import { type Ran, run } from './test-io.ts';

let gate: OpenGate;
let cli: (...line: readonly string[]) => Promise<Ran>;

beforeAll(async () => {
  gate = await openGate();
  cli = (...line) => run(line, { env: { SALLYPORT_DATA: gate.data } });
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
});

const ISSUE = ['token', 'issue', '--team', 'acme'] as const;

test('presets are listed, shown and added', async () => {
  expect((await cli('preset', 'list')).out).toContain('backend-chat');
  const shown = (await cli('preset', 'show', 'backend-chat')).out;
  expect(shown).toMatch(/messages +the last 10 \(trim\)/);
  expect(shown).toMatch(/only roles +user, assistant \(refuse\)/);
  const bounds = [
    '--bound',
    'messages=20',
    '--bound',
    'roles=user,assistant,system:trim',
    '--bound',
    'tools=none',
  ];
  const added = await cli(
    'preset',
    'add',
    'help',
    '--from',
    'backend-chat',
    ...bounds,
    '--budget-usd',
    '2',
    '--json',
  );
  expect(added.json()).toMatchObject({
    name: 'help',
    bounds: {
      messages: { atMost: 20, over: 'trim' },
      roles: { only: ['user', 'assistant', 'system'], over: 'trim' },
      tools: null,
    },
    budget: { limitPicoUsd: '2000000000000', period: 'total', onCap: 'pause' },
  });
  expect((await cli('preset', 'list', '--json')).jsonList().map(({ name }) => name)).toContain('help');
});

test('a token is issued with a preset and bounds of its own, and shows them', async () => {
  const issued = await cli(
    ...ISSUE,
    '--env',
    'prod',
    '--preset',
    'backend-chat',
    '--bound',
    'text=500:refuse',
    '--json',
  );
  expect(issued.json()).toMatchObject({
    preset: 'backend-chat',
    scopes: [`call:groq/${MODEL}`],
    bounds: { models: { only: [MODEL] }, text: { atMost: 500, over: 'refuse' } },
  });
  const shown = (await cli('token', 'show', String(issued.json()['id']))).out;
  expect(shown).toMatch(/text of a message +500 characters \(refuse\)/);
  const said = await cli(...ISSUE, '--env', 'prod', '--preset', 'backend-chat');
  expect(said.err).toContain('--model names another one');
  expect(said.out).toMatch(/^sallyp_s\w+\n$/);
});

test.each([
  [['--bound', 'mesages=3'], 'did you mean "messages"?'],
  [['--bound', 'messages=many'], 'write a whole number from 1 to 10000'],
  [['--bound', 'roles=user,root'], 'use one of system, developer'],
  [['--bound', 'tools=never'], 'use one of trim, refuse'],
  [['--bound', 'nonsense'], 'write NAME=VALUE'],
  [['--preset', 'backend-chet'], 'did you mean "backend-chat"?'],
  [['--out', 'file'], 'umask'],
])('%p is refused with what to do', async (options, hint) => {
  const { code, err, out } = await cli(...ISSUE, '--env', 'prod', ...options);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(hint);
});

test('a pair is two lines of a .env file', async () => {
  const { out, err } = await cli(...ISSUE, '--env', 'dev', '--scope', 'call:groq/*', '--pair');
  const [, reader = '', writer = ''] =
    /^GROQ_READ_KEY=(sallyp_\w+)\nGROQ_WRITE_KEY=(sallyp_\w+)\n$/.exec(out) ?? [];
  expect(gate.app.tokens.authenticate(reader).readsFor).toBe(gate.app.tokens.authenticate(writer).id);
  for (const token of [reader, writer]) expect(err).not.toContain(token.slice(21));
});

test('a pair goes to a file that only its owner can read, and overwrites nothing', async () => {
  const file = join(gate.data, '.env.pair');
  const line = [...ISSUE, '--env', 'dev', '--scope', 'call:groq/*', '--pair', '--out', file];
  const issued = await cli(...line, '--json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const written = readFileSync(file, 'utf8');
  expect(written).toMatch(/^GROQ_READ_KEY=sallyp_\w+\nGROQ_WRITE_KEY=sallyp_\w+\n$/);
  expect(issued.out).not.toContain('sallyp_');
  const before = gate.app.tokens.list().length;
  expect((await cli(...line)).code).not.toBe(0);
  expect([readFileSync(file, 'utf8'), gate.app.tokens.list().length]).toEqual([written, before]);
});

test('a pair whose file cannot be written is ended again', async () => {
  const blocked = join(gate.data, 'no-folder');
  writeFileSync(blocked, '');
  const before = new Set(gate.app.tokens.list().map(({ id }) => id));
  const { code, out } = await cli(
    ...ISSUE,
    '--env',
    'dev',
    '--scope',
    'call:groq/*',
    '--pair',
    '--out',
    join(blocked, '.env'),
  );
  expect([code !== 0, out]).toEqual([true, '']);
  const added = gate.app.tokens.list().filter(({ id }) => !before.has(id));
  expect(added.map(({ state }) => state)).toEqual(['revoked', 'revoked']);
});

test('who may wait for his turn is set for teams and tokens, and shared limits for a provider key', async () => {
  const set = await cli(
    'limit',
    'set',
    '--team',
    'acme',
    '--queue',
    '7',
    '--queue-wait',
    '5s',
    '--queue-weight',
    '3',
    '--json',
  );
  expect(set.json()).toMatchObject({ queue: { length: 7, waitMs: 5000 }, queueWeight: 3, waiting: 0 });
  expect((await cli('limit', 'show', '--team', 'acme')).out).toMatch(
    /may wait +7 for 5 s\nweight in the queue +3/,
  );
  const key = await cli('limit', 'set', '--key', 'groq', '--rpm', '30', '--tpm', '8000', '--json');
  expect(key.json()).toMatchObject({
    subject: 'key:groq',
    rateLimitRPM: 30,
    rateLimitTPM: 8000,
    concurrency: null,
  });
  expect((await cli('limit', 'list')).out).toMatch(/key:groq +30 +8000/);
  expect((await cli('limit', 'set', '--key', 'groqq', '--rpm', '30')).err).toContain('did you mean "groq"?');
  expect((await cli('limit', 'set', '--key', 'groq', '--rpd', '30')).code).toBe(2);
  expect((await cli('limit', 'set', '--key', 'groq', '--rpm', 'none', '--tpm', 'none')).code).toBe(0);
  await cli('limit', 'set', '--team', 'acme', '--queue', 'none');
  const issued = (
    await cli(...ISSUE, '--env', 'dev', '--scope', 'call:groq/*', '--queue', '4', '--json')
  ).json();
  const shown = await cli('limit', 'show', '--token', String(issued['id']), '--json');
  expect(shown.json()).toMatchObject({ queue: { length: 4, waitMs: 30_000 } });
});

test('explain says that a call would wait, if that helps', async () => {
  const issued = async (...options: string[]) => {
    const one = await cli(...ISSUE, '--env', 'dev', '--scope', 'call:groq/*', ...options, '--json');
    const headers = { authorization: `Bearer ${String(one.json()['token'])}` };
    await (await fetch(`${gate.url}/openai/v1/models`, { headers })).text();
    return cli('explain', '--token', String(one.json()['id']), '--model', MODEL, '--json');
  };
  const asked = await issued('--rpm', '1', '--queue', '4', '--queue-wait', '5m');
  expect([asked.code, asked.json()]).toMatchObject([0, { allowed: true, waits: { upToMs: 300_000 } }]);
  for (const options of [
    ['--rpm', '1', '--queue', '4', '--queue-wait', '5s'],
    ['--rpm', '1'],
    ['--rpm', '0', '--queue', '4'],
  ])
    expect((await issued(...options)).code).toBe(1);
});

test('explain takes a whole request, and says what would be trimmed', async () => {
  const issued = (await cli(...ISSUE, '--env', 'prod', '--preset', 'backend-chat', '--json')).json();
  const file = join(gate.data, 'request.json');
  const ask = async (body: object) => {
    writeFileSync(
      file,
      JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'hi' }], ...body }),
    );
    return cli('explain', '--token', String(issued['id']), '--body', file);
  };
  const trimmed = await ask({
    messages: Array.from({ length: 12 }, () => ({ role: 'user', content: 'hi' })),
  });
  expect([trimmed.code, trimmed.out]).toEqual([0, expect.stringMatching(/trimmed +messages\n/)]);
  const refused = await ask({ messages: [{ role: 'system', content: 'hi' }] });
  expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('(request.bounds)')]);
  const both = await cli('explain', '--token', String(issued['id']), '--body', file, '--model', MODEL);
  expect(both.code).toBe(2);
});
