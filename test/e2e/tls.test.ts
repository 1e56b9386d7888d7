/** The gateway's own TLS: what it refuses to start with, and certificates that are renewed under running streams. */
import { afterAll, expect, test } from 'bun:test';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type SecureVersion } from 'node:tls';
import { eventually } from '../support/calls.ts';
import { type MadeCertificate, makeCertificate } from '../support/certificate.ts';
import { MODEL, openGate, type OpenGate, startProcess, tempFolder } from '../support/harness.ts';
import { rejectionOf, thrownBy } from '../support/refusal.ts';
import { chatJson } from '../support/setup.ts';

const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const certificate = (commonName: string): MadeCertificate =>
  makeCertificate(folder, `pair-${(made += 1)}`, commonName);
const variables = ({ certFile, keyFile }: MadeCertificate) => ({
  SALLYPORT_TLS_CERT: certFile,
  SALLYPORT_TLS_KEY: keyFile,
});

/** The way renewals are done: the new file takes the place of the old one at once. */
function replace(target: MadeCertificate, source: Partial<Pick<MadeCertificate, 'pem' | 'keyPem'>>): void {
  for (const [path, text] of [
    [target.certFile, source.pem],
    [target.keyFile, source.keyPem],
  ] as const) {
    if (text === undefined) continue;
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

/** The common name that a new handshake is shown. */
function shown(url: string, maxVersion: SecureVersion = 'TLSv1.3'): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(
    {
      host: '127.0.0.1',
      port: Number(new URL(url).port),
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion,
    },
    () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.end();
    },
  );
  socket.on('error', reject);
  return promise;
}

/** A handshake that is under way at the very moment of the change may be reset: nothing was sent on it. */
function becomes(url: string, commonName: string): Promise<void> {
  return eventually(async () => (await shown(url).catch(() => '')) === commonName);
}

function call(gate: OpenGate, trusted: MadeCertificate, change: object = {}): Promise<Response> {
  return fetch(`${gate.url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gate.token}`, 'content-type': 'application/json' },
    body: chatJson(change),
    tls: { ca: trusted.pem },
    keepalive: false,
  });
}

test('a call is answered over TLS that the client can verify, and not without', async () => {
  const own = certificate('gate');
  await using gate = await openGate({ variables: { SALLYPORT_HOST: '0.0.0.0', ...variables(own) } });
  expect(gate.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  expect((await call(gate, own)).status).toBe(200);
  expect(await thrownBy(call(gate, certificate('another')))).toBeInstanceOf(Error);
  const plain = await fetch(`${gate.url.replace('https', 'http')}/healthz`).then(
    ({ status }) => status,
    () => 'broken',
  );
  expect(plain).toBe('broken');
});

test('TLS 1.2 and 1.3 only', async () => {
  await using gate = await openGate({ variables: variables(certificate('gate')) });
  expect(await shown(gate.url, 'TLSv1.3')).toBe('gate');
  expect(await shown(gate.url, 'TLSv1.2')).toBe('gate');
  for (const old of ['TLSv1.1', 'TLSv1'] as const)
    expect(await thrownBy(shown(gate.url, old))).toBeInstanceOf(Error);
});

test('new handshakes get a renewed certificate while a stream runs on the old one to its end', async () => {
  const [own, next] = [certificate('old'), certificate('new')];
  await using gate = await openGate({ budgetUsd: '100', variables: variables(own) });
  gate.fake.setKnobs({ tokensPerSecond: 40, completionTokens: 60 });
  const stream = await call(gate, own, { stream: true, max_completion_tokens: 100 });
  const text = stream.text();
  replace(own, next);
  gate.app.reloadCertificate();
  expect(await shown(gate.url)).toBe('new');
  expect((await call(gate, next)).status).toBe(200);
  expect(await thrownBy(call(gate, own))).toBeInstanceOf(Error);
  expect(await text).toEndWith('data: [DONE]\n\n');
  expect(gate.events('call.end').map(({ result, basis }) => [result, basis])).toEqual([
    ['success', 'usage'],
    ['success', 'usage'],
  ]);
});

test('a stop waits for streams on every certificate there was', async () => {
  const own = certificate('first');
  const gate = await openGate({ budgetUsd: '100', variables: variables(own) });
  gate.fake.setKnobs({ tokensPerSecond: 40, completionTokens: 40 });
  const streams = [await call(gate, own, { stream: true })];
  for (const name of ['second', 'third']) {
    const next = certificate(name);
    replace(own, next);
    gate.app.reloadCertificate();
    streams.push(await call(gate, next, { stream: true }));
  }
  const texts = streams.map((stream) => stream.text());
  await gate[Symbol.asyncDispose]();
  for (const text of await Promise.all(texts)) expect(text).toEndWith('data: [DONE]\n\n');
});

test('a changed file is noticed without being told; a pair that does not fit is not used', async () => {
  const [own, next] = [certificate('old'), certificate('new')];
  await using gate = await openGate({ variables: variables(own) });
  replace(own, { pem: next.pem });
  gate.app.reloadCertificate();
  expect(await shown(gate.url)).toBe('old');
  replace(own, { keyPem: next.keyPem });
  await becomes(gate.url, 'new');
  writeFileSync(own.certFile, 'half a certif');
  chmodSync(own.keyFile, 0o644);
  await Bun.sleep(1200);
  expect(await shown(gate.url)).toBe('new');
});

test('a real process renews at SIGHUP and runs on', async () => {
  const [own, next] = [certificate('old'), certificate('new')];
  const data = tempFolder();
  const running = await startProcess(data, variables(own));
  expect(await shown(running.gateway)).toBe('old');
  replace(own, next);
  running.kill('SIGHUP');
  await becomes(running.gateway, 'new');
  const answer = await fetch(`${running.gateway}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${String(running.ready['token'])}` },
    body: JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'hi' }] }),
    tls: { ca: next.pem },
  });
  expect(answer.status).toBe(200);
  running.kill('SIGTERM');
  expect(await running.exited).toBe(0);
  expect(running.stderr()).not.toContain('PRIVATE KEY');
  rmSync(data, { recursive: true });
});

test.each([
  [
    'a private key that others can read',
    (own: MadeCertificate) => chmodSync(own.keyFile, 0o640),
    'chmod 600',
  ],
  [
    'the key of another certificate',
    (own: MadeCertificate) => replace(own, { keyPem: certificate('b').keyPem }),
    'pair',
  ],
  ['a missing key', (own: MadeCertificate) => rmSync(own.keyFile), 'can read'],
  ['a missing certificate', (own: MadeCertificate) => rmSync(own.certFile), 'can read'],
  ['no certificate in the file', (own: MadeCertificate) => writeFileSync(own.certFile, 'x'), 'BEGIN'],
  ['no key in the file', (own: MadeCertificate) => writeFileSync(own.keyFile, 'x'), 'passphrase'],
])('%s refuses to start', async (_, spoil, fix) => {
  const own = certificate('gate');
  spoil(own);
  const refused = await rejectionOf(openGate({ data: join(folder, 'data'), variables: variables(own) }));
  expect(refused.code).toBe('config.invalid');
  expect(refused.fix).toContain(fix);
});
