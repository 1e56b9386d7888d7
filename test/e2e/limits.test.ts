/** Limits of tokens per minute and requests per day, as callers meet them, and across a restart. */
import { expect, test } from 'bun:test';
import { type OpenGate, openGate } from '../support/harness.ts';

async function error(response: Response): Promise<{ type?: string; code?: string; message?: string }> {
  return ((await response.json()) as { error: object }).error;
}

function setLimits(gate: OpenGate, subject: string, change: object) {
  return gate.app.ledger.limits.set('local', subject, change);
}

test('tokens per minute: the worst case counts while a call runs, what it used afterwards', async () => {
  await using gate = await openGate();
  gate.fake.setKnobs({ completionTokens: 10 });
  await setLimits(gate, 'team:acme', { rateLimitTPM: 2000 });
  const first = await gate.chat({ max_completion_tokens: 1500 });
  const { usage } = (await first.json()) as { usage: { total_tokens: number } };
  expect(usage.total_tokens).toBeLessThan(200);
  const second = await gate.chat({ max_completion_tokens: 1500 });
  expect(second.status).toBe(200);
  expect(second.headers.get('x-ratelimit-limit-tokens')).toBe('2000');
  await second.text();
  const { tokens } = gate.app.ledger.limits.states(['team:acme']);
  expect(tokens?.remaining).toBe(2000 - 2 * usage.total_tokens);
});

test('tokens per minute: too many at once is a 429 with a time, more than the window a 413 without one', async () => {
  await using gate = await openGate();
  gate.fake.setKnobs({ ttftMs: 400, completionTokens: 10 });
  await setLimits(gate, `token:${gate.tokenId}`, { rateLimitTPM: 2000 });
  const running = gate.chat({ max_completion_tokens: 1200 });
  await Bun.sleep(100);
  const refused = await gate.chat({ max_completion_tokens: 1200 });
  expect([refused.status, await error(refused)]).toMatchObject([
    429,
    { type: 'tokens', code: 'rate_limit_exceeded' },
  ]);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(50);
  expect(refused.headers.get('x-ratelimit-reset-tokens')).toMatch(/^(59|1m)/);
  const large = await gate.chat({ max_completion_tokens: 2000 });
  expect([large.status, await error(large)]).toMatchObject([
    413,
    { type: 'tokens', code: 'rate_limit_exceeded' },
  ]);
  expect(large.headers.get('retry-after')).toBeNull();
  expect(large.headers.get('x-should-retry')).toBe('false');
  expect((await running).status).toBe(200);
  expect(gate.fake.bill().calls).toBe(1);
});

test('tokens per minute: a call that fails, or is refused for money, gives its tokens back', async () => {
  await using gate = await openGate({ budgetUsd: '0.000001' });
  await setLimits(gate, 'team:acme', { rateLimitTPM: 2000 });
  for (let call = 0; call < 5; call += 1) expect((await gate.chat()).status).toBe(402);
  expect(gate.app.ledger.limits.states(['team:acme']).tokens?.remaining).toBe(2000);
});

test('requests per day: refused without a time to come back, counted again after a restart, whatever else the calls were', async () => {
  await using gate = await openGate();
  await (await gate.chat()).text();
  // Set in the middle of a day that had a call already.
  await setLimits(gate, 'team:acme', { rateLimitRPD: 4, zone: 'Pacific/Apia' });
  expect(gate.app.ledger.limits.view('team:acme').today?.count).toBe(1);
  await (await gate.chat()).text();
  expect((await gate.chat({ model: 'no-such-model' })).status).toBe(404);
  expect(gate.app.ledger.limits.view('team:acme').today?.count).toBe(2);
  await gate.restart();
  expect(gate.app.ledger.limits.view('team:acme').today?.count).toBe(2);
  for (let call = 0; call < 2; call += 1) expect((await gate.chat()).status).toBe(200);
  const refused = await gate.chat();
  expect([refused.status, await error(refused)]).toMatchObject([
    429,
    { type: 'requests', code: 'rate_limit_exceeded' },
  ]);
  expect(refused.headers.get('retry-after')).toBeNull();
  expect(refused.headers.get('x-should-retry')).toBe('false');
  expect(refused.headers.get('x-ratelimit-remaining-requests')).toBe('0');
  expect(refused.headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+h)?(\d+m)?[\d.]+m?s$/);
  await gate.restart();
  expect((await gate.chat()).status).toBe(429);
  expect(gate.events('control.limit.set')).toHaveLength(1);
});

test('200 parallel calls against a limit of 50 a day: 50 are let in', async () => {
  await using gate = await openGate();
  await setLimits(gate, `token:${gate.tokenId}`, { rateLimitRPD: 50 });
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const reply = await gate.chat();
      await reply.text();
      return reply.status;
    }),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(50);
  expect(statuses.filter((status) => status === 429)).toHaveLength(150);
});
