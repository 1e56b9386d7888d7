/** What `scan --stdin` finds in text that is piped in. */
import { expect, test } from 'bun:test';
import { run } from '../../src/cli/test-io.ts';
import { Collector } from '../../src/scan/sink.ts';
import { scanStdin } from '../../src/scan/stdin.ts';
import { fixtureKey } from '../support/harness.ts';

test('a key in piped text is found with its line and column, and is printed nowhere', async () => {
  const key = fixtureKey();
  const { code, out, err } = await run(['scan', '--stdin', '--json'], { stdin: `one\ntwo key=${key}\n` });
  expect(err).toBe('');
  expect(code).toBe(1);
  const [finding, summary] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(finding).toMatchObject({
    event: 'finding',
    rule: 'groq-api-key',
    path: '(standard input)',
    line: 2,
    column: 9,
  });
  expect(summary).toEqual({
    event: 'summary',
    complete: true,
    files: 1,
    bytes: 13 + key.length,
    findings: 1,
  });
  expect(out).not.toContain(key.slice(4, 20));
});

test('however the text is cut, the key is found once', async () => {
  const key = fixtureKey();
  const text = Buffer.from(`some words ${key} and more`);
  for (let cut = 0; cut <= text.length; cut += 1) {
    const sink = new Collector();
    await scanStdin(pieces(text.subarray(0, cut), text.subarray(cut)), sink);
    expect(sink.findings.map(({ line, column }) => [line, column])).toEqual([[1, 12]]);
    expect(sink.bytes).toBe(text.length);
  }
});

test('clean text is clean, and what to scan must be said, once', async () => {
  expect(await run(['scan', '--stdin'], { stdin: 'nothing here\n' })).toMatchObject({
    code: 0,
    out: 'no secret in standard input (1 file)\n',
  });
  expect((await run(['scan', '--stdin', '--staged'])).err).toContain('several things');
});

// oxlint-disable-next-line require-await -- the shape of a stream
async function* pieces(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
