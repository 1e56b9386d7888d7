/** A budget is hard: whatever runs at the same time, nothing is admitted that could take it above its limit, and our sum is the bill. */
import { expect, test } from 'bun:test';
import { parseUsd } from '../../src/core/money.ts';
import { budgetId } from '../../src/ledger/ledger.ts';
import { BUDGET_SUBJECT, callsAt, worstCaseOf } from '../support/burst.ts';
import { LOCAL, type OpenGate, openGate } from '../support/harness.ts';

test('200 parallel calls against a budget for about 50: never above, and the bill is ours to the pico-dollar', async () => {
  // The provider uses the whole cap, so that what is held is close to what is spent.
  await using gate = await openGate();
  gate.fake.setKnobs({ completionTokens: 2000, ttftMs: 20 });
  const worst = worstCaseOf(2000);
  const limit = worst * 50n;
  await gate.app.ledger.setBudget('local', {
    subject: BUDGET_SUBJECT,
    period: 'month',
    limitPicoUsd: limit as never,
  });
  const statuses = await callsAt(gate, 200, 2000);
  const admitted = statuses.filter((status) => status === 200).length;
  expect(statuses.filter((status) => status !== 200 && status !== 402)).toEqual([]);
  expect(admitted).toBeGreaterThanOrEqual(40);
  expect(admitted).toBeLessThanOrEqual(51);
  // The journal is in the order in which things happened: its running sum is the height of spent + held at every moment.
  const highest = highestCommitment(gate);
  expect(highest).toBeGreaterThan(worst * 39n);
  expect(highest).toBeLessThanOrEqual(limit);
  const bill = gate.fake.bill();
  expect(bill.calls).toBe(admitted);
  const view = gate.app.ledger.view('team-acme-month');
  expect(view.spentPicoUsd).toBe(BigInt(bill.picoUsd) as never);
  expect(view.heldPicoUsd).toBe(0n as never);
});

test('budgets of token and team are both on the path: the smaller one stops the calls', async () => {
  await using gate = await openGate();
  gate.fake.setKnobs({ completionTokens: 1000, ttftMs: 10 });
  const worst = worstCaseOf(1000);
  await gate.app.ledger.setBudget('local', {
    subject: BUDGET_SUBJECT,
    period: 'month',
    limitPicoUsd: (worst * 100n) as never,
  });
  const subject = `token:${gate.tokenId}`;
  await gate.app.ledger.setBudget('local', {
    subject,
    period: 'total',
    limitPicoUsd: (worst * 10n) as never,
  });
  const statuses = await callsAt(gate, 60, 1000);
  expect(statuses.filter((status) => status === 200).length).toBe(10);
  const [team, token] = [gate.app.ledger.view('team-acme-month'), gate.app.ledger.list(subject)[0]];
  expect(token?.spentPicoUsd).toBe(BigInt(gate.fake.bill().picoUsd) as never);
  expect(team.spentPicoUsd).toBe(BigInt(gate.fake.bill().picoUsd) as never);
});

test('alerts at 50, 80 and 95 % come once each, then the budget pauses until it is resumed', async () => {
  await using gate = await openGate();
  gate.fake.setKnobs({ completionTokens: 1000 });
  const limit = worstCaseOf(1000) * 12n;
  await gate.app.ledger.setBudget('local', {
    subject: BUDGET_SUBJECT,
    period: 'month',
    limitPicoUsd: limit as never,
  });
  let refused = 0;
  for (let call = 0; call < 40 && refused < 3; call += 1) {
    const reply = await gate.chat({ max_completion_tokens: 1000 });
    if (reply.status !== 200) refused += 1;
    await reply.text();
  }
  expect(refused).toBe(3);
  expect(gate.app.ledger.view('team-acme-month').state).toBe('paused');
  const alerts = gate.events('budget.alert');
  expect(alerts.map((entry) => entry['percent'])).toEqual([50, 80, 95]);
  expect(gate.events('budget.paused').length).toBe(1);

  // A pause outlives a restart, and ends only when somebody ends it.
  await gate.restart();
  expect((await gate.chat({ max_completion_tokens: 5 })).status).toBe(402);
  expect(gate.app.ledger.resume('team-acme-month', 'local')).toBe(true);
  const reply = await gate.chat({ max_completion_tokens: 5 });
  expect(reply.status).toBe(200);
  await reply.text();
  expect(gate.events('budget.resumed').length).toBe(1);
});

test('a budget that is opened in mid-period starts with what the team has spent in it', async () => {
  await using gate = await openGate();
  for (let call = 0; call < 5; call += 1) await (await gate.chat()).text();
  const before = BigInt(gate.fake.bill().picoUsd);
  expect(before).toBeGreaterThan(0n);
  await gate.app.ledger.setBudget('local', {
    subject: BUDGET_SUBJECT,
    period: 'month',
    limitPicoUsd: (before * 100n) as never,
  });
  expect(gate.app.ledger.view('team-acme-month').spentPicoUsd).toBe(before as never);
});

test('budgets of project, environment and organization count their calls, from before they were set, and stop them', async () => {
  await using gate = await openGate();
  gate.fake.setKnobs({ completionTokens: 40 });
  await gate.app.teams.addProject('local', 'bot', 'acme');
  const inProject = await gate.app.tokens.issue(LOCAL, {
    team: 'acme',
    project: 'bot',
    environment: 'prod',
    scopes: ['call:groq/*'],
    lifetimeMs: 3_600_000,
  });
  const headers = { authorization: `Bearer ${inProject.text}`, 'content-type': 'application/json' };
  const cost = async (init: RequestInit): Promise<bigint> => {
    const before = BigInt(gate.fake.bill().picoUsd);
    expect((await gate.chat({}, init)).status).toBe(200);
    return BigInt(gate.fake.bill().picoUsd) - before;
  };
  const elsewhere = await cost({});
  const inside = await cost({ headers });
  const set = (subject: string, period: 'day' | 'week') =>
    gate.app.ledger.setBudget('local', {
      subject,
      period,
      zone: 'Australia/Lord_Howe',
      limitPicoUsd: parseUsd('1'),
      onCap: 'refuse',
    });
  const spent = {
    'project:bot': inside,
    'env:acme/prod': inside,
    'env:acme/dev': elsewhere,
    org: inside + elsewhere,
  };
  for (const subject of Object.keys(spent)) await set(subject, 'week');
  const now = () =>
    Object.fromEntries(
      Object.keys(spent).map((subject) => [
        subject,
        gate.app.ledger.list(subject)[0]?.spentPicoUsd as bigint,
      ]),
    );
  expect(now()).toEqual(spent);
  const more = await cost({ headers });
  const then = {
    'project:bot': inside + more,
    'env:acme/prod': inside + more,
    'env:acme/dev': elsewhere,
    org: inside + elsewhere + more,
  };
  expect(now()).toEqual(then);
  await gate.restart();
  expect(now()).toEqual(then);
  // The smallest of them stops the call, whichever it is.
  for (const subject of ['project:bot', 'env:acme/prod', 'org']) {
    const limit = (tight: string) =>
      gate.app.ledger.setBudget('local', {
        subject,
        period: 'day',
        limitPicoUsd: parseUsd(tight),
        onCap: 'refuse',
      });
    await limit('0.000001');
    const refused = await gate.chat({}, { headers });
    expect([refused.status, await refused.text()]).toEqual([
      402,
      expect.stringContaining(budgetId(subject, 'day')),
    ]);
    await limit('1');
    await cost({ headers });
  }
});

function highestCommitment(gate: OpenGate): bigint {
  const holds = new Map<string, bigint>();
  let committed = 0n;
  let highest = 0n;
  for (const entry of gate.events(/^call\.(?:start|end)$/)) {
    const id = String(entry['id']);
    if (entry['action'] === 'call.start') {
      holds.set(id, BigInt(String(entry['holdPicoUsd'])));
      committed += holds.get(id)!;
    } else {
      committed += BigInt(String(entry['costPicoUsd'])) - holds.get(id)!;
    }
    if (committed > highest) highest = committed;
  }
  return highest;
}
