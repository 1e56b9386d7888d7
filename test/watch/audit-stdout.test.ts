/** The journal on standard output, and entries of applications in it, with a real process. */
import { afterEach, beforeEach, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../src/audit/reader.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { sallyport } from '../support/cli.ts';
import { openGate, tempFolder } from '../support/harness.ts';

const MAIN = join(import.meta.dir, '..', '..', 'src', 'main.ts');
let data: string;

beforeEach(() => (data = tempFolder()));
afterEach(() => rmSync(data, { recursive: true, force: true }));

function up(...flags: string[]) {
  const command = [process.execPath, '--no-env-file', '--config=/dev/null', MAIN, 'up', '--data', data];
  return Bun.spawn([...command, '--port', '0', '--admin-port', '0', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', HOME: data, BUN_CONFIG_MAX_HTTP_REQUESTS: '20000' },
  });
}

type Line = Record<string, unknown>;

/** Whole lines of a stream, as they come. */
async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as Line;
  }
}

test('the ready line is first, then every entry as it stands in the journal, the last one included', async () => {
  const child = up('--json', '--audit-stdout');
  const lines = linesOf(child.stdout);
  const ready = (await lines.next()).value as Line;
  expect(ready).toMatchObject({ event: 'ready', demo: true });
  const issued = await sallyport([
    'token',
    'issue',
    '--type',
    'admin',
    '--scope',
    'audit:write',
    '--expires',
    '1h',
    '--json',
    '--data',
    data,
  ]);
  const { token } = JSON.parse(issued.stdout) as { token: string };
  const write = (path: string, body: object): Promise<Response> =>
    fetch(`${String(ready['admin'])}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const reply = await write('/admin/v1/audit', {
    event: 'login.failed',
    userId: 'ann',
    metadata: { attempts: 3 },
  });
  const { receipt, id } = (await reply.json()) as { receipt: string; id: string };
  const queried = await sallyport([
    'audit',
    'query',
    '--action',
    'app.login.failed',
    '--json',
    '--data',
    data,
  ]);
  expect(JSON.parse(queried.stdout)).toMatchObject([{ id, userId: 'ann', metadata: { attempts: 3 } }]);
  child.kill('SIGTERM');
  const printed = await Array.fromAsync(lines);
  expect(await child.exited).toBe(0);

  const journal = [...readJournal(join(data, 'journal'))].map(({ entry, position }) => {
    const { mac: _, ...body } = entry as unknown as Line;
    return Object.assign(body, { stream: position.stream, hash: position.hash.toString('base64url') });
  });
  expect(printed).toEqual(journal);
  expect(printed.at(0)).toMatchObject({ action: 'journal.open' });
  expect(printed.at(-1)).toMatchObject({ action: 'journal.close' });
  const entry = printed.find(({ action }) => action === 'app.entry')!;
  expect(receipt).toBe(`${String(entry['stream'])}/${String(entry['seq'])}/${String(entry['hash'])}`);
  expect(JSON.stringify(entry)).not.toContain('ann');
  expect(verifyJournal(join(data, 'journal')).ok).toBe(true);
});

test.each(['takes nothing', 'is gone'])(
  'a reader that %s holds up neither calls nor the end of the process',
  async (what) => {
    const gate = await openGate({ data });
    const { fake, token } = gate;
    await gate.app.stop('prepared');
    const child = up('--json', '--audit-stdout');
    const errors = new Response(child.stderr).text();
    const reader = child.stdout.getReader();
    const first = new TextDecoder().decode((await reader.read()).value);
    const { gateway } = JSON.parse(first.split('\n')[0] ?? '') as { gateway: string };
    if (what === 'is gone') await reader.cancel();
    const call = async (): Promise<void> => {
      const reply = await fetch(`${gateway}/openai/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{"model":"openai/gpt-oss-20b","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":5}',
      });
      expect(reply.status).toBe(200);
      await reply.text();
    };
    // From here on nobody reads. A pipe holds 64 KB: the entries of some fifty calls.
    for (let round = 0; round < 8; round += 1) await Promise.all(Array.from({ length: 10 }, call));
    const status = await sallyport(['status', '--json', '--data', data]);
    const { auditStream } = JSON.parse(status.stdout) as {
      auditStream: { written: number; dropped: number };
    };
    if (what === 'is gone') expect(auditStream.dropped).toBeGreaterThan(0);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await errors).toContain('stopping: 0 calls running');
    reader.releaseLock();
    const ends = [...readJournal(join(data, 'journal'))].filter(({ entry }) => entry.action === 'call.end');
    expect(ends.length).toBe(80);
    await fake.stop();
  },
);
