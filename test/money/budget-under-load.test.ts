/** Budgets that are set up while calls begin and end: each starts with exactly what its subject has spent and what it holds. */
import { expect, test } from 'bun:test';
import type { BudgetEvent, Entry } from '../../src/audit/entry.ts';
import type { PicoUsd } from '../../src/core/money.ts';
import { PERIODS } from '../../src/ledger/period.ts';
import { entries, journaledCalls } from '../support/calls.ts';
import { LOCAL, type OpenGate, openGate } from '../support/harness.ts';

const LIMIT = 10n ** 15n;

/** Calls without a pause from so many clients, until `over` says so. */
async function load(gate: OpenGate, tokens: readonly string[], over: () => boolean): Promise<void> {
  const client = async (number: number): Promise<void> => {
    const headers = {
      authorization: `Bearer ${tokens[number % tokens.length]!}`,
      'content-type': 'application/json',
    };
    while (!over()) await (await gate.chat({ max_completion_tokens: 5 + number }, { headers })).text();
  };
  await Promise.all(Array.from({ length: 12 }, (_, number) => client(number)));
}

/** What a budget has to have spent in the end, by the order of the journal alone. */
function expected(
  all: readonly Entry[],
  budget: string,
  gate: OpenGate,
  matches: (call: string) => boolean,
): bigint {
  const opened = all.find(
    (entry): entry is Entry & BudgetEvent => entry.action === 'budget.opened' && entry.budget === budget,
  )!;
  let spent = 0n;
  for (const [id, { start, ends }] of journaledCalls(gate)) {
    if (!matches(id)) continue;
    const [end] = ends;
    const ran = start.seq < opened.seq && end!.seq > opened.seq;
    // A call in flight counts with its hold, and is not charged again.
    spent += BigInt(ran ? start.holdPicoUsd : end!.costPicoUsd);
  }
  return spent;
}

test('no call is missed or counted twice by a budget that is set up under load', async () => {
  await using gate = await openGate();
  await gate.app.teams.addProject('local', 'bot', 'acme');
  const issued = await gate.app.tokens.issue(LOCAL, {
    team: 'acme',
    project: 'bot',
    environment: 'prod',
    scopes: ['call:groq/*'],
    lifetimeMs: 86_400_000,
  });
  gate.fake.setKnobs({ ttftMs: 3 });
  const subjects = [
    'org',
    'team:acme',
    'project:bot',
    'env:acme/dev',
    'env:acme/prod',
    `token:${gate.tokenId}`,
    `token:${issued.token.id}`,
  ];
  let over = false;
  const loading = load(gate, [gate.token, issued.text], () => over);
  const ids: string[] = [];
  let inFlight = 0;
  for (const subject of subjects) {
    for (const period of PERIODS) {
      const view = await gate.app.ledger.setBudget('local', {
        subject,
        period,
        limitPicoUsd: LIMIT as PicoUsd,
      });
      ids.push(view.definition.id);
      inFlight += gate.app.liveCalls();
    }
  }
  over = true;
  await loading;
  expect(inFlight).toBeGreaterThan(0);

  const all = entries(gate);
  const calls = journaledCalls(gate);
  const counted = (subject: string) => (id: string) => {
    const { team, project, environment, tokenId } = calls.get(id)!.start;
    return [
      'org',
      `team:${team}`,
      `project:${project}`,
      `env:${team}/${environment}`,
      `token:${tokenId}`,
    ].includes(subject);
  };
  expect(calls.size).toBeGreaterThan(50);
  for (const id of ids) {
    const { definition, spentPicoUsd, heldPicoUsd } = gate.app.ledger.view(id);
    const sum = expected(all, id, gate, counted(definition.subject));
    expect([id, spentPicoUsd, heldPicoUsd]).toEqual([id, sum as PicoUsd, 0n as PicoUsd]);
  }
  // And a restart, which reads the journal and the tables, says the same.
  const before = ids.map((id) => gate.app.ledger.view(id).spentPicoUsd);
  const app = await gate.restart();
  expect(ids.map((id) => app.ledger.view(id).spentPicoUsd)).toEqual(before);
});
