import { beforeEach, describe, expect, test } from 'bun:test';
import { type AdminRig, adminRig, adminWith } from '../admin/test-rig.ts';
import { execute } from './execute.ts';
import type { Plan } from './plan.ts';
import { applied, contractOf, goodPlan, planOf } from './test-contract.ts';
import type { RevisedContract } from './state.ts';

let rig: AdminRig;
let contract: RevisedContract;
beforeEach(async () => {
  rig = await adminRig();
  contract = contractOf(rig);
});

const short = ({ changes, unlisted }: Plan): unknown => ({
  changes: changes.map(({ action, noun, id, fields }) => [
    `${action} ${noun} ${id}`,
    ...fields.map(({ field, from, to, leftOut }) => [field, from, to, ...(leftOut ? ['left out'] : [])]),
  ]),
  unlisted: unlisted.map(({ noun, id }) => `${noun} ${id}`),
});

const BASE = `
version: 1
environments: [preview]
teams:
  chat: { allowedModels: ['openai/gpt-oss-*'], monthlyBudgetUsd: 250, rateLimitRPM: 120 }
projects:
  bot: { team: chat }
limits:
  team:chat: { rateLimitTPM: 200000 }
budgets:
  env:chat/preview:
    day: { limitUsd: 4.50, zone: Europe/Berlin, onCap: refuse }
`;

describe('a plan', () => {
  test('names every field that changes, in the order in which things can be put in place', async () => {
    expect(short(await goodPlan(BASE, contract))).toEqual({
      changes: [
        ['add environment preview'],
        [
          'add team chat',
          ['allowedModels', undefined, ['openai/gpt-oss-*']],
          ['rateLimitRPM', undefined, 120],
        ],
        ['add project bot', ['team', undefined, 'chat']],
        ['add limits of team:chat', ['rateLimitTPM', null, 200000]],
        ['add budget team:chat per month', ['limitUsd', null, '250.00']],
        [
          'add budget env:chat/preview per day',
          ['limitUsd', null, '4.50'],
          ['zone', 'UTC', 'Europe/Berlin'],
          ['onCap', 'pause', 'refuse'],
        ],
      ],
      unlisted: [],
    });
    expect(rig.journal).toEqual([]);
  });

  test('shows what a field that was left out becomes, and lists what the document does not name', async () => {
    await applied(BASE, contract);
    await rig.ask('POST', '/v1/teams', { id: 'other' });
    await rig.ask('POST', '/v1/budgets', { subject: 'org', period: 'week', limitPicoUsd: '5000000000000' });
    const plan = await goodPlan('version: 1\nteams: { chat: { monthlyBudgetUsd: "300" } }', contract);
    expect(short(plan)).toEqual({
      changes: [
        [
          'change team chat',
          ['allowedModels', ['openai/gpt-oss-*'], ['*'], 'left out'],
          ['rateLimitRPM', 120, null, 'left out'],
        ],
        ['change budget team:chat per month', ['limitUsd', '250.00', '300.00']],
      ],
      unlisted: ['team other', 'budget env:chat/preview per day', 'budget org per week'],
    });
  });

  test('looks at nothing that the document is silent about, and asks for no other scope', async () => {
    const only = contractOf(rig, adminWith('teams:read'));
    expect(await planOf('version: 1', only)).toEqual({ revision: '', changes: [], unlisted: [] });
    await goodPlan('version: 1\nteams: { chat: {} }\nprojects: { bot: { team: chat } }', only);
    expect(planOf('version: 1\nlimits: {}', only)).rejects.toThrow('limits:read');
    expect(planOf('version: 1\nteams: { chat: { monthlyBudgetUsd: 5 } }', only)).rejects.toThrow(
      'budgets:read',
    );
  });

  test('is refused for what is not there, and for what cannot be made of what there is', async () => {
    await applied(BASE, contract);
    const text = `version: 1
teams:
  chat: { monthlyBudgetUsd: null }
  search:
projects:
  bot: { team: search }
  new: { team: serach }
budgets:
  env:chat/previw: { day: { limitUsd: 1 } }
  project:nowhere: { day: { limitUsd: 1 } }
`;
    const problems = await planOf(text, contract);
    expect(problems).toEqual([
      {
        place: { line: 3, column: 11 },
        message: 'the budget team:chat per month cannot be taken away',
        fix: 'raise it, or leave the line out',
      },
      {
        place: { line: 6, column: 10 },
        message: 'project bot belongs to team chat, and stays there',
        fix: 'write that team, or give the project of the other team a name of its own',
      },
      {
        place: { line: 7, column: 10 },
        message: 'there is no team "serach", neither here nor on the server',
        fix: 'did you mean "search"? If not, add it to teams',
      },
      {
        place: { line: 9, column: 22 },
        message: 'there is no environment "previw", neither here nor on the server',
        fix: 'did you mean "preview"? If not, add it to environments',
      },
      {
        place: { line: 10, column: 22 },
        message: 'there is no project "nowhere", neither here nor on the server',
        fix: 'add it to projects',
      },
    ]);
  });

  test('takes nothing away, whatever is not in the document', async () => {
    await applied(BASE, contract);
    const plan = await goodPlan(
      'version: 1\nenvironments:\nteams:\nprojects:\nlimits:\nbudgets:',
      contract,
      true,
    );
    expect(plan.changes).toEqual([]);
    expect(plan.unlisted).toHaveLength(6);
  });

  test('is made of one revision, though others change things while it is read', async () => {
    let intruders = 2;
    const disturbed: RevisedContract = {
      callAt: async (...input) => {
        const answer = await contract.callAt(...input);
        if (input[0] === 'team.list' && intruders-- > 0)
          await rig.ask('POST', '/v1/environments', { id: `e${intruders}` });
        return answer;
      },
    };
    const plan = await goodPlan(BASE, disturbed);
    expect(plan.revision).toBe(rig.deps.book.revision);
    intruders = Number.POSITIVE_INFINITY;
    let count = 0;
    const restless: RevisedContract = {
      callAt: async (...input) => {
        await rig.ask('POST', '/v1/environments', { id: `x${count++}` });
        return contract.callAt(...input);
      },
    };
    expect(goodPlan(BASE, restless)).rejects.toThrow('keeps changing');
  });
});

describe('applying', () => {
  test('journals every change under the one who applies, and nothing the second time', async () => {
    const admin = adminWith(
      'teams:read',
      'budgets:read',
      'limits:read',
      'teams:write',
      'budgets:write',
      'limits:write',
    );
    const { stop } = await applied(BASE, contractOf(rig, admin));
    expect(stop).toBeNull();
    expect(rig.journal.map(({ action, principal }) => [action, principal])).toEqual(
      ['environment.add', 'team.add', 'project.add', 'limit.set', 'budget.set', 'budget.set'].map(
        (action) => [action, admin.id],
      ),
    );
    expect((await goodPlan(BASE, contract)).changes).toEqual([]);
  });

  test('a plan that is out of date is refused before its first change', async () => {
    const plan = await goodPlan(BASE, contract);
    await rig.ask('POST', '/v1/teams', { id: 'late' });
    const journaled = rig.journal.length;
    const { applied: done, stop, left } = await execute(plan, contract);
    expect([done.length, stop?.error.code, stop?.extent, left.length]).toEqual([0, 'conflict', 'refused', 5]);
    expect(rig.journal).toHaveLength(journaled);
  });

  test('somebody who comes between two changes stops it there, and running it again does the rest', async () => {
    const plan = await goodPlan(BASE, contract);
    let writes = 0;
    const disturbed: RevisedContract = {
      callAt: async (...input) => {
        if ((writes += 1) === 3) await rig.ask('POST', '/v1/teams', { id: 'late' });
        return contract.callAt(...input);
      },
    };
    const first = await execute(plan, disturbed);
    expect(first.applied.map(({ id }) => id)).toEqual(['preview', 'chat']);
    expect([first.stop?.change.id, first.stop?.extent, first.left.length]).toEqual(['bot', 'refused', 3]);
    const second = await applied(BASE, contract);
    expect([second.stop, second.applied.length]).toEqual([null, 4]);
    expect((await goodPlan(BASE, contract)).changes).toEqual([]);
  });

  test('what the principal may not do stops it, after what it may', async () => {
    const admin = contractOf(rig, adminWith('teams:read', 'teams:write', 'limits:read', 'budgets:read'));
    const { applied: done, stop, left } = await applied(BASE, admin);
    expect(done).toHaveLength(3);
    expect(stop).toMatchObject({
      extent: 'refused',
      change: { section: 'limits' },
      error: { code: 'admin.forbidden' },
    });
    expect(left).toHaveLength(2);
  });

  test('an answer that does not come leaves it open whether the change was made', async () => {
    const lost: RevisedContract = {
      callAt: async (...input) => {
        const answer = await contract.callAt(...input);
        if (input[0] !== 'team.add') return answer;
        const { SallyportError } = await import('../core/errors.ts');
        throw new SallyportError('admin.unreachable', 'nothing answers');
      },
    };
    const { stop } = await applied(BASE, lost);
    expect([stop?.change.id, stop?.extent]).toEqual(['chat', 'unknown']);
    expect((await goodPlan(BASE, contract)).changes.map(({ id }) => id)).not.toContain('chat');
  });
});
