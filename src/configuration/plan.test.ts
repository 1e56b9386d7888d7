import { beforeEach, describe, expect, test } from 'bun:test';
import { type AdminRig, adminRig, adminWith, fixtureKey } from '../admin/test-rig.ts';
import { execute } from './execute.ts';
import type { Plan } from './plan.ts';
import { applied, contractOf, exported, goodPlan, planOf } from './test-contract.ts';
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
    expect(await planOf('version: 1', only)).toEqual({ revision: '', changes: [], unlisted: [], toDo: [] });
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

describe('keys', () => {
  const KEYS = `
version: 1
teams: { chat: }
keys:
  groq: { provider: groq }
  chat-prod: { provider: groq, team: chat, environment: prod, providerProject: proj_1 }
`;

  test('are declared, wait for their value, and are then what was declared', async () => {
    const { toDo } = await goodPlan(KEYS, contract);
    expect(toDo).toEqual([
      'key groq has no value yet: sallyport key add groq',
      'key chat-prod has no value yet: sallyport key add chat-prod',
    ]);
    await applied(KEYS, contract);
    const added = await rig.ask('POST', '/v1/keys', { name: 'chat-prod', value: fixtureKey('one') });
    expect(added.body).toMatchObject({ name: 'chat-prod', version: 1, state: 'active' });
    const slot = rig.deps.vault.select({ provider: 'groq', team: 'chat', environment: 'prod' });
    expect(slot).toMatchObject({ name: 'chat-prod', providerProject: 'proj_1' });
    expect(await goodPlan(KEYS, contract)).toMatchObject({
      changes: [],
      toDo: ['key groq has no value yet: sallyport key add groq'],
    });
    expect(await planOf(KEYS.replace('team: chat, ', ''), contract)).toMatchObject([
      { place: { line: 6 }, message: expect.stringContaining('the team of key chat-prod is chat') as string },
    ]);
    // Nothing is bound to the other one yet.
    expect((await goodPlan(KEYS.replace('groq }', 'openai }'), contract)).changes).toHaveLength(1);
  });

  test('that were disabled in an emergency stay so, unless the document says otherwise', async () => {
    await applied(KEYS, contract);
    await rig.ask('POST', '/v1/keys', { name: 'groq', value: fixtureKey('one') });
    const copy = await exported(contract);
    await rig.ask('POST', '/v1/keys/groq/state', { state: 'disabled' });
    for (const text of [KEYS, copy]) expect((await goodPlan(text, contract)).changes).toEqual([]);
    expect(await exported(contract)).toContain('state: disabled');
    const enabling = KEYS.replace('provider: groq }', 'provider: groq, state: active }');
    expect(short(await goodPlan(enabling, contract))).toMatchObject({
      changes: [['change key groq', ['state', 'disabled', 'active']]],
    });
  });

  test('that the document does not name are disabled by a pruning, last of all, and only once', async () => {
    await applied(KEYS, contract);
    const pruning = 'version: 1\nkeys: { openai: { provider: openai } }';
    expect((await goodPlan(pruning, contract)).unlisted).toHaveLength(2);
    expect(short(await goodPlan(pruning, contract, true))).toEqual({
      changes: [
        expect.arrayContaining(['add key openai']),
        ['disable key chat-prod', ['state', 'active', 'disabled']],
        ['disable key groq', ['state', 'active', 'disabled']],
      ],
      unlisted: [],
    });
    await applied(pruning, contract, true);
    expect((await goodPlan(pruning, contract, true)).changes).toEqual([]);
    const enabling = KEYS.replace('groq }', 'groq, state: active }').replace(
      'proj_1 }',
      'proj_1, state: active }',
    );
    await applied(enabling, contract);
    expect(rig.deps.vault.list().map(({ state }) => state)).toEqual(['active', 'active', 'active']);
  });

  test('a change of several steps that stops between them says that it was begun', async () => {
    const partly = contractOf(rig, adminWith('keys:read', 'keys:write'));
    const text = 'version: 1\nkeys: { elsewhere: { provider: groq, state: disabled } }';
    let calls = 0;
    const disturbed: RevisedContract = {
      callAt: async (...input) => {
        if (input[0] === 'key.state' && (calls += 1) === 1)
          await rig.ask('POST', '/v1/teams', { id: 'late' });
        return partly.callAt(...input);
      },
    };
    const { stop } = await applied(text, disturbed);
    expect([stop?.error.code, stop?.extent]).toEqual(['conflict', 'begun']);
    expect(short(await goodPlan(text, partly))).toMatchObject({
      changes: [['change key elsewhere', ['state', 'active', 'disabled']]],
    });
  });
});

describe('alerts', () => {
  const ALERTS = `
version: 1
teams: { chat: }
alerts:
  ops: { type: slack, url: { fromEnv: ALERT_OPS_URL }, events: ['budget.*'] }
  pager: { type: webhook, url: { fromEnv: ALERT_PAGER_URL } }
`;
  const ALERT_OPS_URL = ['https://hooks.slack.com/services', 'T000', 'B000', 'x'].join('/');
  const env = { ALERT_OPS_URL, ALERT_PAGER_URL: 'https://pager.example.org/in' };

  test('read what they must not say from the environment, and only when it is needed', async () => {
    expect(await planOf(ALERTS, contract, false, { ALERT_OPS_URL })).toMatchObject([
      {
        place: { line: 6, column: 27 },
        message: 'pager is new, and the variable ALERT_PAGER_URL is not set',
      },
    ]);
    // Where nothing will be applied, nobody needs to have it.
    expect((await goodPlan(ALERTS, contract, false, null)).changes).toHaveLength(3);
    const { toDo } = await goodPlan(ALERTS, contract, false, env);
    expect(toDo).toEqual([
      'once pager is added, get its signing secret for the receiver: sallyport alert rotate-secret pager',
    ]);
    expect((await applied(ALERTS, contract, false, env)).stop).toBeNull();
    expect(rig.deps.watch.directory.active().map(({ destination: { origin } }) => origin)).toEqual([
      'https://hooks.slack.com',
      'https://pager.example.org',
    ]);
    expect(await goodPlan(ALERTS, contract)).toMatchObject({ changes: [], toDo: [] });
    expect(await exported(contract)).not.toContain('services');
  });

  test('change what they are told; what is sealed for them stays', async () => {
    await applied(ALERTS, contract, false, env);
    const changed = ALERTS.replace("['budget.*']", '[key.age], team: chat');
    expect(short(await goodPlan(changed, contract))).toMatchObject({
      changes: [
        ['change alert destination ops', ['events', ['budget.*'], ['key.age']], ['team', null, 'chat']],
      ],
    });
    expect((await applied(changed, contract)).stop).toBeNull();
    expect((await goodPlan(changed, contract)).changes).toEqual([]);
    expect(await planOf(ALERTS.replace('webhook', 'slack'), contract)).toMatchObject([
      { message: expect.stringContaining('the type of alert destination pager cannot change') as string },
    ]);
  });

  test.each([
    ['type: email, url: { fromEnv: ALERT_X }', 'mail has no url'],
    ['type: email', 'mail is missing'],
    [
      'type: slack, url: { fromEnv: SALLYPORT_ADMIN_TOKEN }',
      'alerts.ops.url.fromEnv: a variable whose name begins with ALERT_, such as ALERT_OPS_URL',
    ],
    ['type: email, mail: { host: h, from: a@example.org, to: [nobody] }', 'A mail address is not one'],
    ['type: slack, mail: { host: h, from: a@example.org, to: [a@example.org] }', 'slack has no mail'],
    [
      'type: email, mail: { host: h, from: a@example.org, to: [a@example.org], user: u }',
      'user and password go together',
    ],
    [
      'type: slack, url: https://hooks.slack.com/services/x',
      'alerts.ops.url: never in this file: write { fromEnv: ALERT_NAME }',
    ],
    [
      'type: slack, url: { fromEnv: ALERT_X }, events: [budgt.paused]',
      expect.stringContaining('expected one of'),
    ],
  ])('%s is refused', async (written, message) => {
    const problems = await planOf(`version: 1\nalerts: { ops: { ${written} } }`, contract);
    expect(problems).toMatchObject([{ message }]);
  });
});

test('limits are those of teams and keys, each with what it can have', async () => {
  const text = `
version: 1
teams: { chat: }
keys: { groq: { provider: groq } }
limits:
  team:chat: { queue: { length: 100, wait: 90s }, queueWeight: 3 }
  key:groq: { rateLimitRPM: 30, concurrency: 5 }
`;
  expect((await applied(text, contract)).stop).toBeNull();
  expect(rig.deps.ledger.limits.view('team:chat')).toMatchObject({
    queue: { length: 100, waitMs: 90_000 },
    queueWeight: 3,
  });
  const other = text
    .replace('length: 100', 'length: 50')
    .replace('90s', '1500ms')
    .replace(', concurrency: 5', '');
  expect(short(await goodPlan(other, contract))).toMatchObject({
    changes: [
      ['change limits of team:chat', ['queue.length', 100, 50], ['queue.wait', '90s', '1500ms']],
      ['change limits of key:groq', ['concurrency', 5, null, 'left out']],
    ],
  });
  // A weight alone is a limit as well, and is exported.
  await applied(text.replace('queue: { length: 100, wait: 90s }, ', ''), contract);
  expect(await exported(contract)).toContain('queueWeight: 3');
  const wrong = 'version: 1\nlimits: { team:chat: { concurrency: 1 }, key:groq: { queueWeight: 2 } }';
  expect(await planOf(wrong, contract)).toMatchObject([
    { message: 'the concurrency of a team is not one of its limits here', fix: 'write it into teams.chat' },
    { message: 'a key has no queueWeight' },
  ]);
});

test('a preset is described completely, and those of Sallyport stay', async () => {
  const text = `
version: 1
presets:
  help:
    lifetime: 24h
    bounds: { messages: { atMost: 20, over: trim }, tools: refuse, injection: { action: filter } }
    budget: { limitUsd: 0.10, period: day }
`;
  await applied(text, contract);
  expect(short(await goodPlan(await exported(contract), contract))).toMatchObject({ changes: [] });
  expect(rig.deps.presets.get('help')).toMatchObject({
    builtIn: false,
    lifetimeMs: 86_400_000,
    bounds: {
      messages: { atMost: 20, over: 'trim' },
      text: null,
      tools: 'refuse',
      injection: { action: 'filter', phrases: [] },
    },
    budget: { limitPicoUsd: '100000000000', period: 'day', onCap: 'pause' },
  });
  const less = text.replace(', tools: refuse', '').replace('24h', '1d');
  expect(short(await goodPlan(less, contract))).toMatchObject({
    changes: [['change preset help', ['bounds.tools', 'refuse', null, 'left out']]],
  });
  expect(await planOf('version: 1\npresets: { dev: }', contract)).toMatchObject([
    { message: "the preset dev is one of Sallyport's own, and stays as it is" },
  ]);
});

test('another text of a template is a further version, which goes to whoever follows', async () => {
  const text = `
version: 1
teams: { chat: }
projects: { bot: { team: chat }, old: { team: chat } }
templates:
  help: { text: 'You help {{company}}.', variables: { company: Acme } }
bindings:
  project:bot: { template: help }
  project:old: { template: help, version: 1, values: { company: Old Inc } }
`;
  expect((await applied(text, contract)).stop).toBeNull();
  const other = text.replace("'You help {{company}}.', variables: { company: Acme }", 'You help.');
  expect(short(await goodPlan(other.replace(', values: { company: Old Inc }', ''), contract))).toMatchObject({
    changes: [
      [
        'change template help',
        ['text', 'You help {{company}}.', 'You help.'],
        ['variables', { company: 'Acme' }, {}, 'left out'],
      ],
      ['change binding of project:old', ['values', { company: 'Old Inc' }, {}, 'left out']],
    ],
  });
  expect((await applied(other, contract)).stop).toBeNull();
  expect((await goodPlan(other, contract)).changes).toEqual([]);
  const { templates } = rig.deps;
  expect(templates.of({ id: 'x', project: 'bot' })).toMatchObject({ id: 'help@2' });
  expect(templates.of({ id: 'x', project: 'old' })?.message).toContain('Old Inc');
  // A retired one is not there any more, and comes back as a further version.
  await rig.ask('POST', '/v1/templates/help/retire', {});
  expect((await goodPlan(other, contract)).changes).toMatchObject([{ action: 'add', id: 'help' }]);
});

test.each([
  [
    'templates: { support: { text: x } }',
    "the template support is one of Sallyport's own, and stays as it is",
  ],
  ['templates: { x: { text: "{{who}}" } }', 'The text has {{who}}, and there is no such variable'],
  [
    'bindings: { token:0aB1cD2eF3gH: { template: coder } }',
    'a template is bound to a project: write project:PROJECT',
  ],
  [
    'projects: { p: { team: chat } }\nbindings: { project:p: { template: codr } }',
    'there is no template "codr", neither here nor on the server',
  ],
])('%s is refused', async (written, message) => {
  await rig.ask('POST', '/v1/teams', { id: 'chat' });
  expect(await planOf(`version: 1\n${written}`, contract)).toMatchObject([{ message }]);
});
