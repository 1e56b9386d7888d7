/** A gate that has something to tell, and its metrics. */
import { run } from '../../src/cli/test-io.ts';
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
  const models = `${gate.url}/openai/v1/models`;
  await (await fetch(models, { headers: { authorization: `Bearer ${gate.token}` } })).text();
}

/** Throws when the command fails, or prints anything that is not as it should be. */
export async function scrape(gate: OpenGate): Promise<Map<string, Family>> {
  const { code, out, err } = await run(['metrics', '--data', gate.data]);
  if (code !== 0) throw new Error(err);
  return readExposition(out);
}
