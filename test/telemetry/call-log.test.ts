/** The log of calls as a collector reads it, from a real process: what it says, what it never says, and that no reader can hold a call up. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { constants, openSync, closeSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { entries, eventually, journaledCalls } from '../support/calls.ts';
import { MODEL, type OpenGate, openGate, type RunningProcess, startProcess } from '../support/harness.ts';
import { readExposition, valueOf } from '../support/prometheus.ts';
import { chatJson, issueToken } from '../support/setup.ts';

const FIELDS = [
  'at',
  'event',
  'call',
  'token',
  'team',
  'project',
  'environment',
  'provider',
  'endpoint',
  'model',
  'result',
  'errorCode',
  'promptTokens',
  'completionTokens',
  'cachedTokens',
  'costUsd',
  'basis',
  'waitedMs',
  'firstByteMs',
  'latencyMs',
];

let gate: OpenGate;
/** Only so many refusals of a token have an entry, and a line, of their own. */
const ALONE = 100;
const others: string[] = [];

beforeAll(async () => {
  gate = await openGate();
  for (let token = 0; token < 60; token += 1) others.push((await issueToken(gate)).text);
  await gate.app.stop('the tests start processes of their own');
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
});

async function chat(running: RunningProcess, body: object = {}, token = gate.token): Promise<number> {
  const reply = await fetch(`${running.gateway}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: chatJson(body),
  });
  await reply.text();
  return reply.status;
}

async function stop(running: RunningProcess): Promise<void> {
  running.kill('SIGTERM');
  expect(await running.exited).toBe(0);
}

async function droppedLines(log: string): Promise<number> {
  const { out } = await run(['metrics', '--data', gate.data]);
  return valueOf(readExposition(out), 'sallyport_log_lines_dropped_total', { log });
}

test('each call and each refusal of a token holder is one line of the listed fields, and strangers make none', async () => {
  const running = await startProcess(gate.data, { SALLYPORT_CALL_LOG: 'stderr' });
  expect(await chat(running)).toBe(200);
  expect(await chat(running, { stream: true, user: 'a-person' })).toBe(200);
  expect(await chat(running, { model: 'ignore-this-prompt-text' })).toBe(404);
  expect(await chat(running, {}, `${gate.token}x`)).toBe(401);
  gate.fake.setKnobs({ error: '429_minute' } as never);
  expect(await chat(running)).toBe(429);
  gate.fake.reset();
  await stop(running);
  const lines = running
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => 'event' in line);
  expect(lines.map(({ event, errorCode }) => [event, errorCode])).toEqual([
    ['call', null],
    ['call', null],
    ['refused', 'model.unknown'],
    ['call', 'upstream.429'],
  ]);
  for (const line of lines) expect(FIELDS).toEqual(expect.arrayContaining(Object.keys(line)));
  expect(Object.keys(lines[0]!)).toEqual(FIELDS);
  const journaled = [...journaledCalls(gate)].filter(([, { ends }]) => ends[0]?.errorCode === null);
  expect(lines.slice(0, 2).map(({ call }) => call)).toEqual(journaled.slice(-2).map(([id]) => id));
  const { start, ends } = journaled.at(-1)![1];
  expect(lines[1]).toMatchObject({
    token: gate.tokenId,
    team: 'acme',
    project: null,
    environment: 'dev',
    provider: 'groq',
    endpoint: 'chat/completions',
    model: MODEL,
    result: 'success',
    promptTokens: ends[0]!.promptTokens,
    completionTokens: ends[0]!.completionTokens,
    costUsd: Number(ends[0]!.costPicoUsd) / 1e12,
    basis: 'usage',
  });
  expect(start.model).toBe(MODEL);
  expect(lines[2]).toMatchObject({ model: '_other', result: 'error' });
  expect(running.stderr()).not.toContain('a-person');
  expect(running.stderr()).not.toContain('prompt-text');
});

test('it is off unless it is switched on', async () => {
  const running = await startProcess(gate.data);
  expect(await chat(running)).toBe(200);
  await stop(running);
  expect(running.stderr()).not.toContain('"event"');
});

test('a reader that has stopped reading holds no call up; lines are dropped, counted, and said when it reads again', async () => {
  const fifo = join(gate.data, 'log.fifo');
  expect(Bun.spawnSync(['mkfifo', fifo]).exitCode).toBe(0);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  const running = await startProcess(
    gate.data,
    { SALLYPORT_CALL_LOG: 'stderr' },
    { wrapper: ['sh', '-c', `exec "$@" 2>'${fifo}'`, 'sh'] },
  );
  // Refusals make lines as well, and are cheap: 64 KB in the pipe and 1 MB in the process take some thousand of them.
  let lines = 0;
  for (const token of others) {
    const answers = await Promise.all(
      Array.from({ length: ALONE }, () => chat(running, { model: 'nope' }, token)),
    );
    lines += answers.filter((status) => status === 404).length;
    if ((await droppedLines('calls')) > 0) break;
  }
  expect(await droppedLines('calls')).toBeGreaterThan(0);
  expect(await chat(running)).toBe(200);
  lines += 1;
  // Whoever reads again is told how many are missing.
  let text = '';
  const chunk = Buffer.alloc(65_536);
  const drain = (): void => {
    for (;;) {
      try {
        const size = readSync(reader, chunk);
        if (size === 0) return;
        text += chunk.toString('utf8', 0, size);
      } catch {
        return;
      }
    }
  };
  await eventually(async () => {
    drain();
    await chat(running);
    lines += 1;
    return text.includes('"event":"lost"');
  }, 10_000);
  let exitCode: number | undefined;
  void running.exited.then((code) => (exitCode = code));
  running.kill('SIGTERM');
  await eventually(() => {
    drain();
    return exitCode !== undefined;
  }, 10_000);
  drain();
  closeSync(reader);
  const read = text
    .split('\n')
    .filter((line) => line.startsWith('{"at"'))
    .map((line) => JSON.parse(line) as { event?: string; lines?: number });
  const lost = read.reduce((sum, { event, lines: count = 0 }) => sum + (event === 'lost' ? count : 0), 0);
  expect(lost).toBeGreaterThan(0);
  expect(read.filter(({ event }) => event === 'refused' || event === 'call').length + lost).toBe(lines);
});

test('many refusals of one token are as few lines as they are entries', async () => {
  const [token = ''] = others;
  const running = await startProcess(gate.data, { SALLYPORT_CALL_LOG: 'stderr' });
  const before = entries(gate).length;
  await Promise.all(Array.from({ length: 3 * ALONE }, () => chat(running, { model: 'nope' }, token)));
  await stop(running);
  const alone = entries(gate)
    .slice(before)
    .filter((entry) => entry.action === 'call.refused' && entry.count === undefined);
  expect(alone.length).toBeLessThan(2 * ALONE);
  expect(running.stderr().split('"event":"refused"')).toHaveLength(1 + alone.length);
});

test('a log on a full disk loses its lines, and the gateway goes on', async () => {
  const running = await startProcess(
    gate.data,
    { SALLYPORT_CALL_LOG: 'stderr', SALLYPORT_LOG_LEVEL: 'debug' },
    { wrapper: ['sh', '-c', 'exec "$@" 2>/dev/full', 'sh'] },
  );
  for (let call = 0; call < 3; call += 1) {
    expect(await chat(running)).toBe(200);
    expect(await chat(running, { model: 'nope' })).toBe(404);
  }
  await eventually(async () => (await droppedLines('calls')) > 0 && (await droppedLines('server')) > 0);
  expect(await chat(running)).toBe(200);
  await stop(running);
});
