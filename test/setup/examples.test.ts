/** The programs in examples/ against a real gateway, run by what is on this machine. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { POST } from '../../examples/nextjs/app/api/chat/route.ts';
import { lastEnd } from '../support/calls.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { thrownBy } from '../support/refusal.ts';
import { issueToken } from '../support/setup.ts';
import { javascript, runProgram } from '../support/workshop.ts';

const EXAMPLES = join(import.meta.dir, '..', '..', 'examples');
const gate = await openGate({ budgetUsd: '1000' });
beforeEach(() => gate.fake.reset());
afterAll(async () => {
  delete process.env['SALLYPORT_URL'];
  delete process.env['SALLYPORT_TOKEN'];
  await gate[Symbol.asyncDispose]();
});

async function answered(): Promise<string> {
  const reply = (await (await gate.chat()).json()) as { choices: { message: { content: string } }[] };
  gate.fake.reset();
  return reply.choices[0]!.message.content;
}

const environment = (token = gate.token): Record<string, string> => ({
  SALLYPORT_URL: gate.url,
  SALLYPORT_TOKEN: token,
});

describe('the Next.js route handler', () => {
  function post(body: unknown, token = gate.token, signal: AbortSignal | null = null): Promise<Response> {
    Object.assign(process.env, environment(token));
    return POST(
      new Request('http://app.example/api/chat', { method: 'POST', body: JSON.stringify(body), signal }),
    );
  }

  test('streams the answer of the model', async () => {
    const expected = await answered();
    const response = await post({ message: 'Hello' });
    expect([response.status, await response.text()]).toEqual([200, expected]);
    expect(gate.fake.calls()).toMatchObject([{ model: MODEL, aborted: false }]);
  });

  test('ends the call when the visitor leaves', async () => {
    gate.fake.setKnobs({ completionTokens: 50, holdAfterChunks: 2 });
    const response = await post({ message: 'Hello' });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    expect(await lastEnd(gate)).toMatchObject({ result: 'error', basis: 'delivered' });
  });

  test('refuses what is no message, and hides from visitors what the gateway said', async () => {
    for (const body of [null, {}, { message: '' }, { message: 1 }, { message: 'x'.repeat(4001) }]) {
      expect((await post(body)).status).toBe(400);
    }
    const broke = await issueToken(gate);
    await gate.app.ledger.setBudget('local', {
      subject: `token:${broke.id}`,
      period: 'total',
      limitPicoUsd: 1n as never,
    });
    const answer = await post({ message: 'Hello' }, broke.text);
    expect([answer.status, await answer.text()]).toEqual([
      503,
      '{"error":"The assistant is resting. Try again later."}',
    ]);
    const wrong = await post({ message: 'Hello' }, 'wrong');
    expect([wrong.status, (await wrong.text()).includes('token')]).toEqual([502, false]);
    expect(gate.fake.calls()).toEqual([]);
  });
});

describe('the Express server', () => {
  test('streams the answer of the model, and refuses what is no message', async () => {
    const expected = await answered();
    const child = Bun.spawn([...javascript(), join(EXAMPLES, 'express', 'server.mjs')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...environment() },
    });
    try {
      const url = await listening(child.stdout);
      const post = (body: string): Promise<Response> =>
        fetch(`${url}/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const answer = await post('{"message":"Hello"}');
      expect([answer.status, await answer.text()]).toEqual([200, expected]);
      expect([(await post('{}')).status, (await post('not JSON')).status]).toEqual([400, 400]);
      gate.fake.setKnobs({ error: '400_json_validate' });
      const failed = await post('{"message":"Hello"}');
      expect([failed.status, await failed.json()]).toEqual([
        502,
        { error: 'The assistant cannot answer now.' },
      ]);
    } finally {
      child.kill();
      await child.exited;
    }
  });
});

async function listening(out: ReadableStream<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of out) {
    text += decoder.decode(chunk, { stream: true });
    const [, url] = /listening on (\S+)\n/.exec(text) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`the server ended: ${text}`);
}

/** Where Python is missing, its program's request is made from here, so that it stays one that the gateway answers. */
test('the Python program streams the answer with nothing but the standard library', async () => {
  const expected = await answered();
  const file = join(EXAMPLES, 'python', 'chat.py');
  const python = Bun.which('python3');
  if (python === null) {
    const [, path = ''] = /GATEWAY \+ "([^"]+)"/.exec(readFileSync(file, 'utf8')) ?? [];
    const answer = await fetch(gate.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], stream: true }),
    });
    expect([answer.status, (await answer.text()).includes('data: [DONE]')]).toEqual([200, true]);
    return;
  }
  const ran = await runProgram([python, file, 'Hello'], environment());
  expect([ran.code, ran.err, ran.out]).toEqual([0, '', `${expected}\n`]);
  const refused = await runProgram([python, file, 'Hello'], { ...environment(), MODEL: 'no-such-model' });
  expect([refused.code, /^404 \w+: /.test(refused.err)]).toEqual([1, true]);
});

test('the Python program with the openai package streams the answer, or stops at the package that is not there', async () => {
  const expected = await answered();
  const file = join(EXAMPLES, 'python', 'chat_openai.py');
  const python = Bun.which('python3');
  const installed = python !== null && (await runProgram([python, '-c', 'import openai'], {})).code === 0;
  if (installed) {
    const ran = await runProgram([python, file, 'Hello'], environment());
    expect([ran.code, ran.out]).toEqual([0, `${expected}\n`]);
  } else if (python === null) {
    expect(await thrownBy(runProgram(['python3', file], environment()))).toBeInstanceOf(Error);
  } else {
    const ran = await runProgram([python, file, 'Hello'], environment());
    expect([ran.code, ran.err.includes("No module named 'openai'")]).toEqual([1, true]);
  }
});
