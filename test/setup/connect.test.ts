/** What `connect` prints is run as it stands, against a real gateway; what it writes is asked of git. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Groq from 'groq-sdk';
import OpenAI from 'openai';
import { newToken } from '../../src/access/token-format.ts';
import { type Ran, run, type TestIoOptions } from '../../src/cli/test-io.ts';
import { CLIENTS } from '../../src/setup/clients.ts';
import { startCapture } from '../support/capture.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';
import { fixtureKey, MODEL, openGate } from '../support/harness.ts';
import { addKey, issueToken, MESSAGES } from '../support/setup.ts';
import { javascript, openWorkshop, runProgram } from '../support/workshop.ts';

const gate = await openGate({ budgetUsd: '1000' });
const elsewhere = startCapture(() =>
  Response.json({ error: { message: 'no', type: 'invalid_request_error' } }, { status: 401 }),
);
const workshop = openWorkshop();
beforeEach(() => gate.fake.reset());
afterAll(async () => {
  workshop[Symbol.dispose]();
  await elsewhere[Symbol.asyncDispose]();
  await gate[Symbol.asyncDispose]();
});

function cli(line: string, options: TestIoOptions = {}): Promise<Ran> {
  return run(line.split(' '), { ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });
}

/** What the fake answers, asked through the gateway. */
async function answered(): Promise<string> {
  const reply = (await (await gate.chat()).json()) as { choices: { message: { content: string } }[] };
  gate.fake.reset();
  return reply.choices[0]!.message.content;
}

const LIBRARIES = ['groq-sdk', 'openai', 'ai-sdk'] as const;

test.each(LIBRARIES)(
  'what is printed for %s runs as it stands, and its call goes through the gateway',
  async (id) => {
    const expected = await answered();
    const { code, out, err } = await cli(`connect ${id}`);
    expect(code).toBe(0);
    expect(out).toContain(`'${gate.url}'`);
    expect(out).toContain('/p/groq');
    expect(err).toContain('npm install');
    const file = workshop.write(`${id}.mjs`, out);
    const ran = await runProgram([...javascript(), file], { SALLYPORT_TOKEN: gate.token });
    expect([ran.code, ran.err, ran.out]).toEqual([0, '', `${expected}\n`]);
    expect(gate.fake.calls()).toMatchObject([{ model: MODEL }]);
    // The address of another gateway wins over the printed one, so that one program serves every environment.
    const other = await runProgram([...javascript(), file], {
      SALLYPORT_TOKEN: 'another-token',
      SALLYPORT_URL: elsewhere.url,
    });
    expect(other.code).not.toBe(0);
    const { path, headers } = elsewhere.requests.at(-1)!;
    expect([path, headers.get('authorization')]).toEqual([
      '/p/groq/openai/v1/chat/completions',
      'Bearer another-token',
    ]);
  },
);

test('for another provider of the dialect the AI SDK is given its common package', async () => {
  await addKey(gate, { name: 'openai', provider: 'openai', origin: gate.fake.url, environment: 'staging' });
  const { text } = await issueToken(gate, { environment: 'staging', scopes: ['call:openai/*'] });
  const ran = await cli('connect ai-sdk --provider openai --model gpt-5-mini');
  expect(ran.out).toContain('@ai-sdk/openai-compatible');
  const file = workshop.write('compatible.mjs', ran.out);
  await runProgram([...javascript(), file], { SALLYPORT_TOKEN: text });
  expect(gate.events('call.start').at(-1)).toMatchObject({ provider: 'openai', model: 'gpt-5-mini' });
  // Two providers have a key by now, so one has to be named.
  const unclear = await cli('connect ai-sdk');
  expect([unclear.code, unclear.err.includes('--provider groq or --provider openai')]).toEqual([2, true]);
  await cli('key disable openai');
});

test('the address printed for LangChain is one that its clients reach: they call with the packages used here', async () => {
  const { out } = await cli('connect langchain');
  const [, url = ''] = /baseUrl: `\$\{gateway\}([^`]+)`/.exec(out) ?? [];
  const groq = new Groq({ baseURL: gate.url + url, apiKey: gate.token });
  await groq.chat.completions.create({ model: MODEL, messages: MESSAGES });
  const forOpenai = await cli('connect langchain --provider openai');
  expect(forOpenai.out).toContain('useResponsesApi: false');
  expect(forOpenai.out).toContain('configuration: { baseURL: `${gateway}/p/openai/v1` }');
  expect(gate.fake.calls()).toHaveLength(1);
});

test('what is printed for Python is Python, and its address answers', async () => {
  const { out } = await cli('connect python');
  const [, url = ''] = /base_url=f"\{gateway\}([^"]+)"/.exec(out) ?? [];
  const client = new OpenAI({ baseURL: gate.url + url, apiKey: gate.token });
  await client.chat.completions.create({ model: MODEL, messages: MESSAGES });
  const python = Bun.which('python3');
  if (python === null) return expect(out).toContain('from openai import OpenAI');
  const file = workshop.write('hello.py', out);
  const ran = await runProgram([python, file], { SALLYPORT_TOKEN: gate.token });
  const installed = (await runProgram([python, '-c', 'import openai'], {})).code === 0;
  if (installed) expect([ran.code, ran.err]).toEqual([0, '']);
  else expect(ran.err).toMatch(/line 3, in <module>[^]*No module named 'openai'/);
});

test('environment variables make unchanged code call through the gateway', async () => {
  const expected = await answered();
  using lab = openGitLab();
  lab.write('.gitignore', '.env.local\n');
  const ran = await cli('connect env --write', { cwd: lab.root, env: lab.env, stdin: `${gate.token}\n` });
  expect([ran.code, ran.out]).toEqual([0, '']);
  const written = readFileSync(join(lab.root, '.env.local'), 'utf8');
  expect(written).toBe(`GROQ_BASE_URL=${gate.url}/p/groq\nGROQ_API_KEY=${gate.token}\n`);
  const plain = `import Groq from 'groq-sdk';
    const { choices } = await new Groq().chat.completions.create({
      model: '${MODEL}', messages: [{ role: 'user', content: 'Hi' }] });
    console.log(choices[0].message.content);`;
  const env = Object.fromEntries(
    written
      .trim()
      .split('\n')
      .map((line) => line.split('=') as [string, string]),
  );
  const program = await runProgram([...javascript(), workshop.write('plain.mjs', plain)], env);
  expect([program.code, program.err, program.out]).toEqual([0, '', `${expected}\n`]);
});

test('aider is given a model and an address that its requests reach', async () => {
  const { out } = await cli('connect aider --json');
  const { variables } = JSON.parse(out) as { variables: Record<string, string | null> };
  expect(Object.keys(variables)).toEqual(['AIDER_MODEL', 'OPENAI_API_BASE', 'OPENAI_API_KEY']);
  const client = new OpenAI({ baseURL: variables['OPENAI_API_BASE']!, apiKey: gate.token });
  const stream = await client.chat.completions.create({
    // The first part is for aider itself.
    model: variables['AIDER_MODEL']!.replace(/^openai\//, ''),
    messages: MESSAGES,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
  expect(text).not.toBe('');
});

describe('what does not work is said, with what does', () => {
  test.each(['anthropic', 'claude-code'])('%s: the dialect is not served', async (id) => {
    const { code, out, err } = await cli(`connect ${id}`);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/Messages API[^]*not serve[^]*hint: [^]*connect aider/);
  });

  test('Cursor: a gateway on this machine is out of its reach; a public one is not', async () => {
    const local = await cli('connect cursor');
    expect([local.code, local.out]).toEqual([2, '']);
    expect(local.err).toContain('--gateway');
    const remote = await cli('connect cursor --gateway https://llm.example.com --provider groq');
    expect(remote.code).toBe(0);
    expect(remote.out).toContain('https://llm.example.com/p/groq/openai/v1');
    expect((await cli('connect cursor --write --gateway https://llm.example.com')).code).toBe(2);
  });

  test.each([
    ['connect groq-skd', 'groq-sdk'],
    ['connect groq-sdk --provider openai', 'openai'],
    ['connect openai --provider grok', 'groq'],
    ['connect openai --gateway http://llm.example.com --provider groq', 'https'],
    ['connect openai --gateway https://llm.example.com/p --provider groq', 'without a path'],
    ["connect openai --gateway https://a'b --provider groq", 'like https'],
    ["connect openai --provider groq --model a'b", '--model'],
    ['connect openai --file x', '--write'],
  ])('%s', async (line, hint) => {
    const { code, out, err } = await cli(line);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(hint);
  });

  test('a server that does not run: the address can be named instead', async () => {
    const gone = await run(['connect', 'groq-sdk', '--data', '/nonexistent/x']);
    expect([gone.code, gone.err.includes('--gateway URL')]).toEqual([3, true]);
    const named = await run(['connect', 'groq-sdk', '--gateway', 'https://llm.example.com']);
    expect([named.code, named.out.includes("'https://llm.example.com'")]).toEqual([0, true]);
  });
});

test('every client is in the list, and none of their texts holds a token', async () => {
  const { out } = await cli('connect');
  for (const { id } of CLIENTS) expect(out).toContain(id);
  for (const { id, dialect } of CLIENTS) {
    if (dialect !== 'openai') continue;
    const ran = await cli(`connect ${id} --gateway https://llm.example.com --provider groq --json`);
    expect([id, ran.code, /sallyp_[a-z]/.test(ran.out + ran.err)]).toEqual([id, 0, false]);
  }
});

describe('--write', () => {
  let lab: GitLab;
  beforeEach(() => {
    lab = openGitLab();
  });
  const write = (stdin: string, line = 'connect openai --write'): Promise<Ran> =>
    cli(line, { cwd: lab.root, env: lab.env, stdin });

  test('puts address and token where only the owner reads them, once git ignores the file', async () => {
    using _ = lab;
    const open = await write(gate.token);
    expect([open.code, open.err.includes('.gitignore')]).toEqual([2, true]);
    lab.write('.gitignore', '.env*\n');
    const { code, out, err } = await write(`${gate.token}\n`);
    expect(code).toBe(0);
    expect(out + err).not.toContain(gate.token.slice(-20));
    const file = join(lab.root, '.env.local');
    expect(readFileSync(file, 'utf8')).toBe(`SALLYPORT_URL=${gate.url}\nSALLYPORT_TOKEN=${gate.token}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // A token is replaced by its successor; the value of anybody else is not.
    const { text } = await issueToken(gate);
    expect((await write(text)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain(text);
    const other = 'connect openai --write --gateway https://llm.example.com --provider groq';
    expect((await write(text, other)).err).toContain('SALLYPORT_URL');
    expect((await write(text, `${other} --replace`)).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('SALLYPORT_URL=https://llm.example.com\n');
  });

  test('takes no key of a provider, no admin token, nothing mistyped, and repeats none of them', async () => {
    using _ = lab;
    lab.write('.gitignore', '.env*\n');
    const token = newToken('service').text;
    const wrong = [fixtureKey(), newToken('admin').text, `${token}x`, token.toLowerCase(), ''];
    for (const value of wrong) {
      const { code, out, err } = await write(value);
      expect([code, out]).toEqual([2, '']);
      if (value !== '') expect(err).not.toContain(value.slice(-12));
    }
    expect(lab.git('status', '--porcelain')).not.toContain('.env');
  });
});
