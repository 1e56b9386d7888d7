/** Whose address a call has when a proxy stands in front: of the client that a known proxy saw, never of one that the client names. */
import { expect, test } from 'bun:test';
import { openGate, type OpenGate } from '../support/harness.ts';
import { errorOf, issueToken, postChat } from '../support/setup.ts';

const OFFICE = '203.0.113.0/24';

/** What a token that is bound to the office gets, when the request says that it comes from there. */
async function bound(gate: OpenGate, forwarded: Readonly<Record<string, string>>): Promise<number> {
  const { text } = await issueToken(gate, { cidrs: [OFFICE] });
  const answer = await postChat(gate, {}, { token: text, headers: forwarded });
  if (answer.status !== 200) expect((await errorOf(answer)).message).toContain('address');
  return answer.status;
}

const behind = (ranges: string) => ({
  SALLYPORT_BEHIND_TLS_PROXY: '1',
  SALLYPORT_TRUSTED_PROXIES: ranges,
});

test('behind a known proxy a token is bound to the address that the proxy saw', async () => {
  await using gate = await openGate({ variables: behind('127.0.0.1, 10.0.0.0/8') });
  const statusOf = (header: string) => bound(gate, { 'x-forwarded-for': header });
  expect(await statusOf('203.0.113.9')).toBe(200);
  expect(await statusOf('203.0.113.9, 10.0.0.2')).toBe(200);
  expect(await statusOf('198.51.100.7')).toBe(403);
  // The client wrote the first entry itself.
  expect(await statusOf('203.0.113.9, 198.51.100.7')).toBe(403);
  expect(await statusOf('203.0.113.9, unknown')).toBe(403);
  expect(await statusOf('203.0.113.9, unknown, 10.0.0.2')).toBe(403);
  expect(await bound(gate, {})).toBe(403);
});

test('other headers that name a client are not believed, whoever sends them', async () => {
  await using gate = await openGate({ variables: behind('127.0.0.1') });
  for (const name of ['x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'x-client-ip'])
    expect(await bound(gate, { [name]: '203.0.113.9' })).toBe(403);
  expect(await bound(gate, { forwarded: 'for=203.0.113.9' })).toBe(403);
});

test('from anybody but the proxy the header is ignored, and without a proxy as well', async () => {
  for (const variables of [{}, behind('10.0.0.0/8')]) {
    await using gate = await openGate({ variables });
    expect(await bound(gate, { 'x-forwarded-for': '203.0.113.9' })).toBe(403);
    const { text } = await issueToken(gate, { cidrs: ['127.0.0.1'] });
    const sent = await postChat(gate, {}, { token: text, headers: { 'x-forwarded-for': '203.0.113.9' } });
    expect(sent.status).toBe(200);
  }
});

test('nothing about the way to us is passed on to the provider', async () => {
  await using gate = await openGate({ variables: behind('127.0.0.1') });
  const way = {
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-host': 'llm.example.com',
    'x-forwarded-proto': 'https',
    'x-real-ip': '203.0.113.9',
    forwarded: 'for=203.0.113.9;proto=https',
    via: '1.1 proxy',
  };
  expect((await postChat(gate, {}, { headers: way })).status).toBe(200);
  const [seen] = gate.fake.calls();
  expect(Object.keys(way).filter((name) => name in seen!.headers)).toEqual([]);
  expect(JSON.stringify(seen)).not.toContain('203.0.113.9');
});
