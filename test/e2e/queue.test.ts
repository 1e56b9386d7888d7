/** Calls that wait for their turn, as callers and the provider see them. */
import { expect, test } from 'bun:test';
import Groq from 'groq-sdk';
import { eventually, journaledCalls, refusals } from '../support/calls.ts';
import { MODEL, type OpenGate, openGate } from '../support/harness.ts';
import { addKey, errorOf, issueToken, MESSAGES, postChat } from '../support/setup.ts';

const ANSWER = {
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'ok' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 },
};

interface Slow extends AsyncDisposable {
  readonly url: string;
  /** The users of the requests that came, in order. */
  readonly users: readonly string[];
  /** Answers the oldest request that is open; false when there is none. */
  answerOne(): boolean;
}

/** A provider that answers when it is told to. */
function startSlow(): Slow {
  const users: string[] = [];
  const open: (() => void)[] = [];
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    idleTimeout: 0,
    fetch: async (request) => {
      const body = (await request.json()) as { user: string };
      const { promise, resolve } = Promise.withResolvers<Response>();
      open.push(() => resolve(Response.json(ANSWER)));
      users.push(body.user);
      return promise;
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    users,
    answerOne: () => {
      const answer = open.shift();
      answer?.();
      return answer !== undefined;
    },
    [Symbol.asyncDispose]: async () => {
      for (const answer of open) answer();
      await server.stop(true);
    },
  };
}

interface Rig extends AsyncDisposable {
  readonly gate: OpenGate;
  readonly slow: Slow;
  readonly tokens: Readonly<Record<'acme' | 'other', string>>;
  /** A call of the team, named in the provider's list. */
  call(team: 'acme' | 'other', user: string, signal?: AbortSignal): Promise<Response>;
  /** Answers until nothing is open or waiting. */
  finish(): Promise<void>;
}

const ENVIRONMENT = 'slow';

/** Two teams whose calls share one provider key, which takes one call at a time. */
async function openRig(variables: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const gate = await openGate({ budgetUsd: '1000', variables });
  const slow = startSlow();
  const { teams, ledger } = gate.app;
  await teams.add('local', 'other');
  await addKey(gate, { name: ENVIRONMENT, provider: 'groq', origin: slow.url, environment: ENVIRONMENT });
  await ledger.limits.set('local', `key:${ENVIRONMENT}`, { concurrency: 1 });
  for (const team of ['acme', 'other'])
    await ledger.limits.set('local', `team:${team}`, { queue: { length: 500, waitMs: 60_000 } });
  const acme = await issueToken(gate, { environment: ENVIRONMENT });
  const other = await issueToken(gate, { environment: ENVIRONMENT, team: 'other' });
  const tokens = { acme: acme.text, other: other.text };
  return {
    gate,
    slow,
    tokens,
    call: (team, user, signal) =>
      postChat(gate, { user }, { token: tokens[team], ...(signal && { signal }) }),
    finish: async () => {
      await eventually(() => {
        slow.answerOne();
        return gate.app.waitingCalls() === 0 && gate.app.liveCalls() === 0;
      }, 10_000);
    },
    [Symbol.asyncDispose]: async () => {
      await slow[Symbol.asyncDispose]();
      await gate[Symbol.asyncDispose]();
    },
  };
}

const statusOf = (reply: Promise<Response>): Promise<number> => reply.then(({ status }) => status);

test('two hundred waiting calls of one team delay a call of another by one turn', async () => {
  await using rig = await openRig();
  const { gate, slow } = rig;
  const running = rig.call('acme', 'acme');
  await eventually(() => slow.users.length === 1);
  const waiting = Array.from({ length: 200 }, () => statusOf(rig.call('acme', 'acme')));
  await eventually(() => gate.app.waitingCalls() === 200, 10_000);
  const single = rig.call('other', 'other');
  await eventually(() => gate.app.waitingCalls() === 201);
  for (let turn = 1; turn <= 2; turn += 1) {
    slow.answerOne();
    await eventually(() => slow.users.length === turn + 1);
  }
  expect(slow.users).toEqual(['acme', 'acme', 'other']);
  await rig.finish();
  expect([(await single).status, (await running).status]).toEqual([200, 200]);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([200]));
  expect(slow.users).toHaveLength(202);
  // That it waited is on record, and counts as the caller saw it.
  const call = journaledCalls(gate).get((await single).headers.get('x-request-id') ?? '');
  const waitedMs = Number(call?.start.metadata['waitedMs']);
  expect(waitedMs).toBeGreaterThan(0);
  expect(call?.ends[0]?.latencyMs ?? 0).toBeGreaterThanOrEqual(waitedMs - 1);
});

test('a full queue is a 429 that SDKs understand; so is a wait that has lasted long enough', async () => {
  await using rig = await openRig();
  const { gate, slow } = rig;
  await gate.app.ledger.limits.set('local', 'team:acme', { queue: { length: 1, waitMs: 60_000 } });
  await gate.app.ledger.limits.set('local', 'team:other', { queue: { length: 1, waitMs: 50 } });
  const running = rig.call('acme', 'first');
  await eventually(() => slow.users.length === 1);
  const waiting = rig.call('acme', 'second');
  await eventually(() => gate.app.waitingCalls() === 1);
  const full = await rig.call('acme', 'third');
  expect([full.status, full.headers.get('retry-after'), (await errorOf(full)).code]).toEqual([
    429,
    '2',
    'rate_limit_exceeded',
  ]);
  const groq = new Groq({ baseURL: gate.url, apiKey: rig.tokens.other, maxRetries: 0 });
  const late = await groq.chat.completions.create({ model: MODEL, messages: MESSAGES }).then(
    () => null,
    (error: unknown) => error,
  );
  expect(late).toBeInstanceOf(Groq.RateLimitError);
  expect((late as InstanceType<typeof Groq.APIError>).headers?.get('retry-after')).toBe('1');
  expect(refusals(gate).map(({ errorCode }) => errorCode)).toEqual(['limit.queue', 'limit.queue']);
  await rig.finish();
  expect([(await running).status, (await waiting).status]).toEqual([200, 200]);
  expect(slow.users).toEqual(['first', 'second']);
});

test('a client that hangs up leaves the queue: its call is never sent, and its place is free', async () => {
  await using rig = await openRig();
  const { gate, slow } = rig;
  const running = rig.call('acme', 'first');
  await eventually(() => slow.users.length === 1);
  const leaving = new AbortController();
  const left = rig.call('acme', 'left', leaving.signal).catch(() => null);
  const stays = rig.call('acme', 'stays');
  await eventually(() => gate.app.waitingCalls() === 2);
  leaving.abort();
  await eventually(() => gate.app.waitingCalls() === 1);
  await rig.finish();
  expect([await left, (await running).status, (await stays).status]).toEqual([null, 200, 200]);
  expect(slow.users).toEqual(['first', 'stays']);
  expect(refusals(gate).map(({ errorCode }) => errorCode)).toEqual(['client.aborted']);
  expect(gate.app.ledger.list().every(({ heldPicoUsd }) => heldPicoUsd === 0n)).toBe(true);
});

test('at its turn a call is decided on again: by the policy, the budget and the token as they are then', async () => {
  await using rig = await openRig();
  const { gate, slow } = rig;
  const { id, text: token } = await issueToken(gate, { environment: ENVIRONMENT });
  const running = rig.call('other', 'first');
  await eventually(() => slow.users.length === 1);
  const forbidden = rig.call('acme', 'forbidden');
  const revoked = postChat(gate, { user: 'revoked' }, { token });
  await eventually(() => gate.app.waitingCalls() === 2);
  await gate.app.tokens.revoke('local', id, null);
  expect((await revoked).status).toBe(401);
  await gate.app.teams.setLimits('local', 'acme', { allowedModels: [] });
  await rig.finish();
  expect([(await running).status, (await forbidden).status]).toEqual([200, 403]);

  await gate.app.teams.setLimits('local', 'acme', { allowedModels: ['*'] });
  const again = rig.call('other', 'second');
  await eventually(() => slow.users.length === 2);
  const poor = rig.call('acme', 'poor');
  const next = rig.call('other', 'third');
  await eventually(() => gate.app.waitingCalls() === 2);
  gate.app.ledger.adjust('team-acme-month', 1000n * 10n ** 12n, 'test', 'local');
  await rig.finish();
  expect([(await again).status, (await poor).status, (await next).status]).toEqual([200, 402, 200]);
  expect(slow.users).toEqual(['first', 'second', 'third']);
});

test('a stop answers whoever waits at once, and lets what runs finish', async () => {
  const rig = await openRig({ SALLYPORT_DRAIN_SECONDS: '20' });
  await using slow = rig.slow;
  const running = rig.call('acme', 'first');
  await eventually(() => slow.users.length === 1);
  const waiting = [rig.call('acme', 'second'), rig.call('other', 'third')];
  await eventually(() => rig.gate.app.waitingCalls() === 2);
  const stopped = rig.gate[Symbol.asyncDispose]();
  for (const one of waiting) {
    const reply = await one;
    expect([reply.status, (await errorOf(reply)).code, reply.headers.get('retry-after')]).toEqual([
      503,
      'overloaded',
      '1',
    ]);
  }
  expect(slow.answerOne()).toBe(true);
  expect((await running).status).toBe(200);
  await stopped;
  expect(slow.users).toEqual(['first']);
});

test('requests per minute: who may wait does, where the wait is short enough; others get their 429', async () => {
  await using gate = await openGate();
  const { text: token, id } = await issueToken(gate, { rateLimitRPM: 1 });
  await gate.app.ledger.limits.set('local', `token:${id}`, { queue: { length: 5, waitMs: 20_000 } });
  expect((await postChat(gate, {}, { token })).status).toBe(200);
  // The minute lasts longer than the wait may.
  const refused = await postChat(gate, {}, { token });
  expect([refused.status, Number(refused.headers.get('retry-after')) > 50]).toEqual([429, true]);
  expect(gate.app.waitingCalls()).toBe(0);
});

test('models are listed at their turn as well', async () => {
  await using gate = await openGate();
  await gate.app.ledger.limits.set('local', 'team:acme', { queue: { length: 5, waitMs: 20_000 } });
  await gate.app.teams.setLimits('local', 'acme', { concurrency: 1 });
  gate.fake.setKnobs({ ttftMs: 200 });
  const running = gate.chat();
  await eventually(() => gate.app.liveCalls() === 1);
  const list = await fetch(`${gate.url}/openai/v1/models`, {
    headers: { authorization: `Bearer ${gate.token}` },
  });
  expect([list.status, (await running).status]).toEqual([200, 200]);
});
