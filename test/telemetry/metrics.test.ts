/** /metrics of a running gate: that it says what the journal says, to whom it says it, and that nothing a caller makes up is a label. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseUsd } from '../../src/core/money.ts';
import { run } from '../../src/cli/test-io.ts';
import { balance, eventually, journaledCalls, refusals } from '../support/calls.ts';
import { LOCAL, type OpenGate, openGate } from '../support/harness.ts';
import { readExposition, valueOf } from '../support/prometheus.ts';
import { everyKindOfCall, scrape } from '../support/watched-gate.ts';
import { postChat } from '../support/setup.ts';

const USD = 1e12;

async function adminToken(gate: OpenGate, scopes: readonly string[]): Promise<string> {
  const request = { type: 'admin', team: null, environment: 'prod', scopes, lifetimeMs: 60_000 } as const;
  return (await gate.app.tokens.issue(LOCAL, request)).text;
}

test('calls, tokens, money and errors are those of the journal, refusals are counted by code', async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  await everyKindOfCall(gate);
  const { costPicoUsd } = await balance(gate);
  const families = await scrape(gate);
  const ends = [...journaledCalls(gate).values()].flatMap(({ ends: [end] }) => end ?? []);
  const sum = (of: (end: (typeof ends)[number]) => number): number =>
    ends.reduce((total, end) => total + of(end), 0);
  expect(ends.length).toBeGreaterThan(7);
  expect(valueOf(families, 'sallyport_calls_total')).toBe(ends.length);
  for (const result of ['success', 'error']) {
    const wanted = ends.filter((end) => end.result === result).length;
    expect(wanted).toBeGreaterThan(0);
    expect(valueOf(families, 'sallyport_calls_total', { result })).toBe(wanted);
    expect(valueOf(families, 'sallyport_call_duration_seconds_count', { result })).toBe(wanted);
  }
  expect(valueOf(families, 'sallyport_tokens_total', { type: 'input' })).toBe(sum((end) => end.promptTokens));
  expect(valueOf(families, 'sallyport_tokens_total', { type: 'output' })).toBe(
    sum((end) => end.completionTokens),
  );
  expect(costPicoUsd).toBeGreaterThan(0n);
  expect(valueOf(families, 'sallyport_cost_usd_total') * USD).toBeCloseTo(Number(costPicoUsd), 0);
  expect(valueOf(families, 'sallyport_budget_spent_usd') * USD).toBeCloseTo(Number(costPicoUsd), 0);
  for (const code of new Set(ends.flatMap(({ errorCode }) => errorCode ?? []))) {
    const wanted = ends.filter(({ errorCode }) => errorCode === code).length;
    expect(valueOf(families, 'sallyport_call_errors_total', { code, provider: 'groq' })).toBe(wanted);
  }
  for (const { errorCode } of refusals(gate)) {
    const wanted = refusals(gate).filter((refused) => refused.errorCode === errorCode).length;
    expect(valueOf(families, 'sallyport_refusals_total', { code: errorCode, team: 'acme' })).toBe(wanted);
  }
  expect(valueOf(families, 'sallyport_refusals_total', { code: 'token.invalid', team: '_none' })).toBe(1);
  expect(valueOf(families, 'sallyport_calls_total', { endpoint: 'models', model: '_none' })).toBe(1);
});

test('between two readings no counter and no bucket goes back', async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  await everyKindOfCall(gate);
  await balance(gate);
  const before = await scrape(gate);
  await everyKindOfCall(gate);
  await balance(gate);
  const after = await scrape(gate);
  let compared = 0;
  for (const [name, { type, samples }] of before) {
    if (type === 'gauge') continue;
    for (const { name: sample, labels, value } of samples) {
      const now = after
        .get(name)
        ?.samples.find((other) => other.name === sample && Bun.deepEquals(other.labels, labels));
      expect(now?.value).toBeGreaterThanOrEqual(value);
      compared += 1;
    }
  }
  expect(compared).toBeGreaterThan(100);
  expect(valueOf(after, 'sallyport_calls_total')).toBe(2 * valueOf(before, 'sallyport_calls_total'));
});

test('what runs and what it holds is shown while it runs', async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  gate.fake.setKnobs({ tokensPerSecond: 5, completionTokens: 1000 });
  const stop = new AbortController();
  const reply = await postChat(gate, { stream: true }, { signal: stop.signal });
  const during = await scrape(gate);
  expect(valueOf(during, 'sallyport_calls_in_flight')).toBe(1);
  expect(valueOf(during, 'sallyport_holds')).toBe(1);
  expect(valueOf(during, 'sallyport_held_usd')).toBeGreaterThan(0);
  expect(valueOf(during, 'sallyport_budget_held_usd', { budget: 'team-acme-month' })).toBe(
    valueOf(during, 'sallyport_held_usd'),
  );
  stop.abort();
  await reply.text().catch(() => undefined);
  await eventually(() => gate.app.liveCalls() === 0);
  const after = await scrape(gate);
  expect(valueOf(after, 'sallyport_held_usd')).toBe(0);
  expect(valueOf(after, 'sallyport_call_errors_total', { code: 'client.aborted' })).toBe(1);
  expect(valueOf(after, 'sallyport_call_first_byte_seconds_count')).toBe(1);
  expect(valueOf(after, 'sallyport_journal_sync_duration_seconds_count')).toBeGreaterThan(0);
});

test('on the admin listener only an admin token with metrics:read may read it; the gateway has no such path', async () => {
  await using gate = await openGate();
  const read = async (token?: string, url = `${gate.app.adminUrl}/metrics`): Promise<Response> =>
    fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const status = async (token?: string): Promise<number> => (await read(token)).status;
  expect(await status()).toBe(401);
  expect(await status(gate.token)).toBe(403);
  expect(await status(await adminToken(gate, ['status:read', 'usage:read']))).toBe(403);
  expect(await status(await adminToken(gate, ['metrics:write']))).toBe(403);
  const good = await read(await adminToken(gate, ['metrics:read']));
  expect(good.status).toBe(200);
  expect(good.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(good.headers.get('cache-control')).toBe('no-store');
  readExposition(await good.text());
  expect((await read(gate.token, `${gate.url}/metrics`)).status).toBe(404);
});

test('a token for metrics is issued by the command line, and can do nothing else', async () => {
  await using gate = await openGate();
  const at = ['--data', gate.data];
  const issued = await run(['token', 'issue', '--type', 'admin', '--scope', 'metrics:read', ...at]);
  expect(issued.code).toBe(0);
  const env = { SALLYPORT_ADMIN_TOKEN: issued.out.trim() };
  const url = ['--url', gate.app.adminUrl];
  expect((await run(['metrics', ...url], { env })).out).toContain('sallyport_ready 1\n');
  expect((await run(['metrics', '--json', ...url], { env })).json()['text']).toContain('sallyport_ready 1\n');
  for (const command of [['status'], ['token', 'list'], ['audit', 'query'], ['key', 'list']]) {
    const refused = await run([...command, ...url], { env });
    expect([refused.code, refused.out]).not.toEqual([0, expect.anything()]);
    expect(refused.err).toContain('this needs the scope');
  }
});

test('a name that a caller makes up is no label, nor is a token, which has a budget of its own', async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  const budget = { subject: `token:${gate.tokenId}`, period: 'day', limitPicoUsd: parseUsd('1') } as const;
  await gate.app.ledger.setBudget('local', budget);
  const made = ['zzz-invented', 'openai/gpt-oss-20b"} 1\n', gate.token];
  for (const model of made) await (await postChat(gate, { model, user: 'zzz-user' })).text();
  await (await fetch(`${gate.url}/p/zzz-provider/v1/models`)).text();
  const { out } = await run(['metrics', '--data', gate.data]);
  expect(out).not.toContain('zzz');
  expect(out).not.toContain(gate.tokenId);
  expect(out).toContain('sallyport_budget_limit_usd{budget="team-acme-month"} 10.00\n');
  expect(out).not.toContain(gate.token.slice(20, 40));
  expect(valueOf(readExposition(out), 'sallyport_refusals_total')).toBe(4);
});

test('the table of the guide and /metrics agree: names, types and labels', async () => {
  await using gate = await openGate({ budgetUsd: '10' });
  await everyKindOfCall(gate);
  await balance(gate);
  const guide = readFileSync(join(import.meta.dir, '../../docs/guide/telemetry.md'), 'utf8');
  const rows = [...guide.matchAll(/^\| `([a-z_]+)` \| (\w+) \| ([a-z, ]*)\| /gm)];
  const written = rows.map(([, name, type, labels = '']) => `${name} ${type} ${labels.trim()}`);
  const served = [...(await scrape(gate))].map(([name, { type, samples }]) => {
    const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
    labels.delete('le');
    return `${name} ${type} ${[...labels].join(', ')}`;
  });
  expect(served.length).toBeGreaterThan(25);
  expect(written).toEqual(served);
});
