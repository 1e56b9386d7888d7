/** `sallyport redact` as a process in a pipe: what comes through it, and when. */
import { afterAll, expect, test } from 'bun:test';
import { join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { fixtureKey } from '../support/harness.ts';

const PROGRAM = join(import.meta.dir, '..', '..', 'sallyport');
const running: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

function start(...args: string[]) {
  const child = Bun.spawn([PROGRAM, 'redact', ...args], { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  running.push(child);
  const reader = child.stdout.getReader();
  const decoder = new TextDecoder();
  let out = '';
  /** Reads until the output holds the text. */
  const until = async (text: string): Promise<string> => {
    while (!out.includes(text)) {
      const { done, value } = await reader.read();
      if (done) throw new Error(`the output ended: ${JSON.stringify(out)}`);
      out += decoder.decode(value, { stream: true });
    }
    return out;
  };
  const rest = async (): Promise<string> => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return out;
      out += decoder.decode(value, { stream: true });
    }
  };
  return { child, until, rest };
}

test('a complete line is out while the program before it still writes, and a key that a pause cuts is taken out', async () => {
  const key = fixtureKey();
  const { child, until, rest } = start();
  void child.stdin.write('a line that is complete\nand the key ');
  await child.stdin.flush();
  expect(await until('and the')).toStartWith('a line that is complete\nand the');
  void child.stdin.write(key.slice(0, 20));
  await child.stdin.flush();
  // Nothing of it comes, however long it takes: another line has to come first.
  void child.stdin.write(`${key.slice(20)} is in it\n`);
  await child.stdin.flush();
  await until('is in it\n');
  await child.stdin.end();
  expect(await rest()).toBe('a line that is complete\nand the key [redacted groq-api-key] is in it\n');
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toBe('');
});

test('the end of a line behind a broken private key comes after a short silence', async () => {
  const { child, until } = start();
  const first = ['-----BEGIN', 'PRIVATE KEY-----'].join(' ');
  void child.stdin.write(`${first}\n`);
  await child.stdin.flush();
  expect(await until('\n')).toBe('[redacted private-key]\n');
  void child.stdin.write(`${'QUJDREVGR0hJSktM'.repeat(4)}\nnext line\n`);
  await child.stdin.end();
  expect(await until('next line\n')).toBe('[redacted private-key]\n\nnext line\n');
});

test('after a signal the last words of the program before it still come through', async () => {
  const { child, until, rest } = start('--summary');
  void child.stdin.write('running\n');
  await child.stdin.flush();
  await until('running\n');
  child.kill('SIGINT');
  void child.stdin.write(`stopped with ${fixtureKey()}\n`);
  await child.stdin.end();
  expect(await rest()).toBe('running\nstopped with [redacted groq-api-key]\n');
  expect(await child.exited).toBe(0);
  expect(await new Response(child.stderr).text()).toContain('1  groq-api-key');
});

test('a reader that leaves ends it without a word', async () => {
  const shell = Bun.spawn(['bash', '-c', `yes some line | ${PROGRAM} redact | head -n 1`], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  running.push(shell);
  expect(await new Response(shell.stdout).text()).toBe('some line\n');
  expect(await new Response(shell.stderr).text()).toBe('');
});

test('output that cannot be written is an error, not a clean end', async () => {
  const shell = Bun.spawn(['bash', '-c', `echo some line | ${PROGRAM} redact > /dev/full`], {
    stderr: 'pipe',
  });
  running.push(shell);
  expect(await shell.exited).toBe(3);
  expect(await new Response(shell.stderr).text()).toContain('could not be written');
});

test('megabytes of bytes that are no text come through as they are, but for the key in them', async () => {
  const key = fixtureKey();
  const noise = Buffer.alloc(3_000_000);
  for (let at = 0; at < noise.length; at += 1) noise[at] = (at * 7919 + (at >> 8)) & 0xff;
  const half = noise.length / 2;
  const input = Buffer.concat([noise.subarray(0, half), Buffer.from(`\0${key}\0`), noise.subarray(half)]);
  const child = Bun.spawn([PROGRAM, 'redact'], { stdin: input, stdout: 'pipe', stderr: 'pipe' });
  running.push(child);
  const out = Buffer.from(await new Response(child.stdout).arrayBuffer());
  const expected = [
    noise.subarray(0, half),
    Buffer.from('\0[redacted groq-api-key]\0'),
    noise.subarray(half),
  ];
  expect(out.equals(Buffer.concat(expected))).toBeTrue();
});

test('the summary counts by rule and shows no value; wrong rules are refused', async () => {
  const keys = [fixtureKey(), fixtureKey(), fixtureKey()];
  const stdin = `${keys.join('\n')}\nAuthorization: Bearer abcdefghij\n`;
  const { code, out, err } = await run(['redact', '--summary', '--json'], { stdin });
  expect(code).toBe(0);
  expect(out).toBe(
    `${'[redacted groq-api-key]\n'.repeat(3)}Authorization: Bearer [redacted http-credential]\n`,
  );
  expect(JSON.parse(err)).toEqual({
    event: 'summary',
    secrets: 4,
    rules: { 'groq-api-key': 3, 'http-credential': 1 },
  });
  expect((await run(['redact', '--summary'], { stdin: 'nothing\n' })).err).toContain(
    'no secret was taken out',
  );
  const left = await run(['redact', '--except', 'groq-api-key'], { stdin: keys[0] ?? '' });
  expect(left.out).toBe(keys[0] ?? '');
  const refused = await run(['redact', '--except', 'groq'], { stdin: '' });
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('no rule has the id "groq"');
});
