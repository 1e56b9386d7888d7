/** A gate that has something to tell, and its metrics. */
import { run } from '../../src/cli/test-io.ts';
import { eventually } from './calls.ts';
import type { OpenGate } from './harness.ts';
import { type Family, readExposition } from './prometheus.ts';
import { issueToken, postChat } from './setup.ts';

/** Calls of every kind, each to its end. */
export async function everyKindOfCall(gate: OpenGate): Promise<void> {
  const call = async (body: object, token = gate.token): Promise<void> => {
    await (await postChat(gate, body, { token })).text();
  };
  await call({});
  await call({ stream: true });
  await call({ model: 'openai/gpt-oss-120b' });
  for (const error of ['429_minute', '500', '200_html']) {
    gate.fake.setKnobs({ error } as never);
    await call({});
  }
  gate.fake.reset();
  gate.fake.setKnobs({ resetAfterChunks: 2 });
  await call({ stream: true }).catch(() => undefined);
  gate.fake.reset();
  await call({ model: 'invented/model-of-a-caller' });
  await call({ max_completion_tokens: -1 });
  await call({}, `${gate.token}x`);
  const other = await issueToken(gate, { scopes: ['call:openai/*'], environment: 'prod' });
  await call({}, other.text);
  await waitingCall(gate);
  const models = `${gate.url}/openai/v1/models`;
  await (await fetch(models, { headers: { authorization: `Bearer ${gate.token}` } })).text();
}

/** A call that waits until another one of the same key is over. */
async function waitingCall(gate: OpenGate): Promise<void> {
  const { limits } = gate.app.ledger;
  await limits.set('local', 'key:groq', { concurrency: 1 });
  await limits.set('local', 'team:acme', { queue: { length: 10, waitMs: 60_000 } });
  gate.fake.setKnobs({ tokensPerSecond: 5, completionTokens: 1000 });
  const leaving = new AbortController();
  const running = await postChat(gate, { stream: true }, { signal: leaving.signal });
  gate.fake.reset();
  const waiting = postChat(gate, {});
  await eventually(() => gate.app.waitingCalls() === 1);
  leaving.abort();
  await running.text().catch(() => undefined);
  await (await waiting).text();
  await limits.set('local', 'key:groq', { concurrency: null });
}

/** Throws when the command fails, or prints anything that is not as it should be. */
export async function scrape(gate: OpenGate): Promise<Map<string, Family>> {
  const { code, out, err } = await run(['metrics', '--data', gate.data]);
  if (code !== 0) throw new Error(err);
  return readExposition(out);
}
