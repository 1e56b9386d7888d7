import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyJournal } from '../../src/audit/verify.ts';
import { balance, eventually, journaledCalls } from '../support/calls.ts';
import { sallyport } from '../support/cli.ts';
import { MODEL, openGate, type OpenGate, type RunningProcess, startProcess } from '../support/harness.ts';
import { liveCalls } from '../support/hostile.ts';
import { DISKS, newestSegment, type SmallDisk } from '../support/small-disk.ts';

interface Reply {
  readonly id: string;
  readonly status: number;
  readonly code: string | null;
}

interface Lab extends AsyncDisposable {
  readonly gate: OpenGate;
  readonly disk: SmallDisk;
  readonly child: RunningProcess;
}

/** A process of its own whose data folder is on the small disk; its provider is in this process. */
async function openLab(make: () => SmallDisk): Promise<Lab> {
  const disk = make();
  const gate = await openGate({ budgetUsd: '1000', data: disk.folder });
  await gate.app.stop('prepared');
  const child = await startProcess(disk.folder, { SALLYPORT_LOG_LEVEL: 'warn' }, { wrapper: disk.wrapper });
  return {
    gate,
    disk,
    child,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child.exited;
      await gate.fake.stop();
      disk[Symbol.dispose]();
    },
  };
}

function post({ gate, child }: Lab, stream: boolean, cap = 50): Promise<Response> {
  return fetch(`${child.gateway}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: MODEL,
      stream,
      messages: [{ role: 'user', content: 'hi' }],
      max_completion_tokens: cap,
    }),
  });
}

async function call(lab: Lab): Promise<Reply> {
  const reply = await post(lab, false);
  const body = (await reply.json()) as { error?: { code: string } };
  return {
    id: reply.headers.get('x-request-id') ?? '',
    status: reply.status,
    code: body.error?.code ?? null,
  };
}

/** Stops the process in order, and holds what it left against the provider's bill. */
async function expectAccounts({ gate, child, disk }: Lab): Promise<void> {
  child.kill('SIGTERM');
  expect(await child.exited).toBe(0);
  const verified = await sallyport(['audit', 'verify', '--data', disk.folder, '--json']);
  expect([verified.exitCode, JSON.parse(verified.stdout)]).toMatchObject([0, { ok: true }]);
  const app = await gate.restart();
  expect(app.recoveredCalls).toBe(0);
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ heldPicoUsd, unsettled }).toEqual({ heldPicoUsd: 0n, unsettled: [] });
  expect([costPicoUsd, spentPicoUsd]).toEqual(Array<bigint>(2).fill(BigInt(gate.fake.bill().picoUsd)));
  await app.stop('test');
}

describe.each(Object.entries(DISKS))('a disk that is full: %s', (_name, make) => {
  test('refuses calls that cannot be recorded, sends nothing for them, and lets running streams end', async () => {
    await using lab = await openLab(make);
    const { gate, disk, child } = lab;
    gate.fake.setKnobs({ tokensPerSecond: 30, completionTokens: 45 });
    const streams = await Promise.all(Array.from({ length: 8 }, () => post(lab, true)));
    expect(streams.map(({ status }) => status)).toEqual(Array<number>(8).fill(200));
    gate.fake.setKnobs({ tokensPerSecond: 0 });

    // In the middle of a batch.
    disk.fill(child, 6000);
    const replies: Reply[] = [];
    for (let batch = 0; batch < 5; batch += 1)
      replies.push(...(await Promise.all(Array.from({ length: 20 }, () => call(lab)))));
    const refused = replies.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(50);
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['audit_unavailable']));
    expect(replies.length - refused.length).toBeGreaterThan(0);
    expect(replies.every(({ status }) => status === 503 || status === 200)).toBe(true);
    const seen = new Set(gate.fake.calls().map(({ requestId }) => requestId));
    expect(refused.filter(({ id }) => seen.has(id))).toEqual([]);

    // While it is full: no half line, an unbroken chain, streams that end as they should, and nobody is let through.
    for (const stream of streams) expect(await stream.text()).toEndWith('data: [DONE]\n\n');
    expect(readFileSync(newestSegment(disk.folder)).at(-1)).toBe(10);
    expect(verifyJournal(join(disk.folder, 'journal'))).toMatchObject({ ok: true });
    expect((await call(lab)).status).toBe(503);
    const missing = [...journaledCalls(gate).values()].filter(({ ends }) => ends.length === 0);
    expect(missing.length).toBeGreaterThan(0);

    // With room again it goes on by itself, and what could not be written is.
    disk.free(child);
    await eventually(async () => (await call(lab)).status === 200, 5000);
    await eventually(() => [...journaledCalls(gate).values()].every(({ ends }) => ends.length === 1), 5000);
    expect(await liveCalls(disk.folder)).toBe(0);
    expect(child.stderr().split('\n').length).toBeLessThan(30);
    await expectAccounts(lab);
  }, 30_000);
});

test('a disk that is full for the database alone lets calls go on, and the index catches up', async () => {
  await using lab = await openLab(DISKS['a limit on the size of files']!);
  const { gate, disk, child } = lab;
  // Every commit to the database takes pages, an entry of the journal some hundred bytes: its log has grown far beyond the limit.
  disk.fill(child, 40_000);
  const statuses: number[] = [];
  for (let batch = 0; batch < 10; batch += 1) {
    statuses.push((await call(lab)).status);
    await Bun.sleep(120);
  }
  expect(statuses).toEqual(Array<number>(10).fill(200));
  await eventually(() => child.stderr().includes('The audit index cannot be written'));
  disk.free(child);
  await eventually(() => child.stderr().includes('The audit index can be written again'));
  const known = await sallyport(['audit', 'query', '--data', disk.folder, '--json']);
  const rows = JSON.parse(known.stdout) as { action: string; result: string }[];
  expect(rows.filter(({ action, result }) => action === 'call' && result === 'success')).toHaveLength(10);
  // Said once, not with every attempt.
  expect(child.stderr().split('cannot be written').length - 1).toBe(1);
  expect(gate.fake.bill().calls).toBe(10);
  await expectAccounts(lab);
}, 30_000);
