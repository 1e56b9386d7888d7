/** `sallyport up` as a supervisor sees it: signals, exit codes, health, and what it prints where a collector of logs reads. */
import { expect, test } from 'bun:test';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { eventually } from '../support/calls.ts';
import { makeCertificate } from '../support/certificate.ts';
import { sallyport } from '../support/cli.ts';
import {
  openGate,
  type OpenGate,
  type RunningProcess,
  startProcess,
  tempFolder,
} from '../support/harness.ts';
import { RawClient } from '../support/raw-client.ts';
import { chatJson } from '../support/setup.ts';

const BUN = [process.execPath, '--no-env-file', '--config=/dev/null'];
const MAIN = join(import.meta.dir, '..', '..', 'src', 'main.ts');

/** The gate's data folder served by a process, with streams that outlast the test. */
async function withStreams(gate: OpenGate, streams: number): Promise<RunningProcess> {
  await gate.app.stop('test');
  gate.fake.setKnobs({ tokensPerSecond: 5, completionTokens: 5000 });
  const running = await startProcess(gate.data, { SALLYPORT_DRAIN_SECONDS: '120' });
  for (let count = 0; count < streams; count += 1) {
    const client = new RawClient(running.gateway);
    const body = chatJson({ stream: true, max_completion_tokens: 5000 });
    client.send({ headers: { authorization: `Bearer ${gate.token}` }, body });
    await client.until('"content":"This"');
  }
  return running;
}

test.each([
  ['SIGTERM', 1, '1 call running', 143],
  ['SIGINT', 2, '2 calls running', 130],
] as const)(
  'the first %s says what is running, the second ends at once',
  async (signal, calls, text, code) => {
    await using gate = await openGate();
    const running = await withStreams(gate, calls);
    running.kill(signal);
    await eventually(() => running.stderr().includes(`stopping: ${text}`));
    await Bun.sleep(300);
    expect(process.kill(running.pid, 0)).toBe(true);
    running.kill(signal);
    const startedMs = performance.now();
    expect(await running.exited).toBe(code);
    expect(performance.now() - startedMs).toBeLessThan(3000);
  },
);

test('another signal than the first one ends it as well, and what was cut is charged at the next start', async () => {
  await using gate = await openGate({ budgetUsd: '1000' });
  const running = await withStreams(gate, 1);
  running.kill('SIGINT');
  await eventually(() => running.stderr().includes('stopping: 1 call'));
  running.kill('SIGTERM');
  expect(await running.exited).toBe(143);
  expect((await gate.restart()).recoveredCalls).toBe(1);
});

test('a stop with nothing running ends with 0', async () => {
  const data = tempFolder();
  const running = await startProcess(data);
  running.kill('SIGTERM');
  expect(await running.exited).toBe(0);
  expect(running.stderr()).toContain('sallyport: stopping: 0 calls running\n');
  rmSync(data, { recursive: true });
});

test('health is 0 while calls are taken and 1 when nothing answers', async () => {
  await using gate = await openGate();
  const local = await run(['health', '--data', gate.data]);
  expect([local.code, local.out]).toEqual([0, 'ready\n']);
  const json = await run(['health', '--url', gate.url, '--json']);
  expect([json.code, json.json()]).toEqual([0, { ready: true, problem: null }]);
  const { url, data } = gate;
  await gate.app.stop('test');
  const stopped = await run(['health', '--data', data]);
  expect([stopped.code, stopped.out]).toEqual([1, '']);
  expect(stopped.err).toContain('not ready');
  expect((await run(['health', '--url', url])).code).toBe(1);
});

test('health asks a gateway with a certificate for another name on its own machine, and verifies it elsewhere', async () => {
  await using gate = await openGate();
  const { certFile, keyFile } = makeCertificate(gate.data, 'tls', 'llm.example.com');
  await using secure = await openGate({
    variables: { SALLYPORT_TLS_CERT: certFile, SALLYPORT_TLS_KEY: keyFile },
  });
  expect((await run(['health', '--data', secure.data])).code).toBe(0);
  const verified = await run(['health', '--url', secure.url]);
  expect(verified.code).toBe(1);
  expect(verified.err).toContain('does not answer');
});

test('health: the process ends with its code, and a wrong option with 2', async () => {
  await using gate = await openGate();
  expect((await sallyport(['health', '--data', gate.data])).exitCode).toBe(0);
  expect((await run(['health', '--url', `${gate.url}/readyz`])).code).toBe(2);
  expect((await run(['health', '--url', gate.url, '--data', gate.data])).code).toBe(2);
});

test('the demo token goes into a file of its own where the output is no terminal', async () => {
  const data = tempFolder();
  const command = [...BUN, MAIN, 'up', '--data', data, '--port', '0', '--admin-port', '0'];
  const child = Bun.spawn(command, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: data },
  });
  const printed = new Response(child.stdout).text();
  const file = join(data, 'demo-token');
  await eventually(async () => (await run(['health', '--data', data])).code === 0, 10_000);
  await eventually(() => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  const token = readFileSync(file, 'utf8').trim();
  expect(token).toStartWith('sallyp_');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
  const text = (await printed) + (await new Response(child.stderr).text());
  expect(text).not.toContain(token.slice(21, 40));
  expect(text).toContain(file);
  expect(text).toContain(`Bearer $(cat '${file}')`);
  rmSync(data, { recursive: true });
});

test('the JSON line has the demo token, and no file is left', async () => {
  const data = tempFolder();
  const running = await startProcess(data);
  expect(String(running.ready['token'])).toStartWith('sallyp_');
  expect(statSync(join(data, 'demo-token'), { throwIfNoEntry: false })).toBeUndefined();
  running.kill('SIGTERM');
  await running.exited;
  rmSync(data, { recursive: true });
});
