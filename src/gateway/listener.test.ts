import { afterAll, expect, test } from 'bun:test';
import { rmSync, writeFileSync } from 'node:fs';
import { makeCertificate } from '../../test/support/certificate.ts';
import { tempFolder } from '../../test/support/harness.ts';
import { createLog } from '../core/log.ts';
import type { Certificate } from './certificate.ts';
import { Listener } from './listener.ts';

const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const logged: string[] = [];
const log = createLog({
  level: 'info',
  redact: (text) => text,
  sink: { write: (line) => void logged.push((JSON.parse(line) as { message: string }).message) },
});

function open(port: number, certificate: Certificate | null): Bun.Server<undefined> {
  return Bun.serve({
    hostname: '127.0.0.1',
    port,
    reusePort: false,
    development: false,
    ...(certificate && { tls: { cert: certificate.cert, key: certificate.key } }),
    fetch: () => new Response('ok'),
  });
}

const answers = (listener: Listener): Promise<boolean> =>
  fetch(`https://127.0.0.1:${listener.port}/`, { tls: { rejectUnauthorized: false }, keepalive: false }).then(
    ({ ok }) => ok,
    () => false,
  );

test('an expired certificate is served, with a warning for the operator', async () => {
  logged.length = 0;
  const listener = new Listener({ tls: makeCertificate(folder, 'a', 'late', -1000), port: 0, open }, log);
  expect(logged).toEqual(['The certificate has expired; clients will refuse it.']);
  expect(await answers(listener)).toBe(true);
  await listener.stop();
  expect(await answers(listener)).toBe(false);
});

test('a port that cannot be taken again is tried until it can, and a stop ends that', async () => {
  logged.length = 0;
  const tls = makeCertificate(folder, 'b', 'one');
  let blocked = false;
  const opening = (port: number, certificate: Certificate | null): Bun.Server<undefined> => {
    if (blocked) throw new Error('EADDRINUSE');
    return open(port, certificate);
  };
  const listener = new Listener({ tls, port: 0, open: opening }, log);
  blocked = true;
  const next = makeCertificate(folder, 'c', 'two');
  writeFileSync(tls.certFile, next.pem);
  writeFileSync(tls.keyFile, next.keyPem);
  listener.check();
  expect(logged[0]).toBe('The gateway could not listen again; this is tried every second.');
  expect(await answers(listener)).toBe(false);
  blocked = false;
  listener.check();
  expect(await answers(listener)).toBe(true);
  await listener.stop();
  listener.check();
  expect(await answers(listener)).toBe(false);
});

test('files that are touched, or away for a moment, change nothing', async () => {
  logged.length = 0;
  const tls = makeCertificate(folder, 'd', 'same');
  const listener = new Listener({ tls, port: 0, open }, log);
  writeFileSync(tls.certFile, tls.pem);
  listener.check();
  rmSync(tls.certFile);
  listener.check();
  expect(logged).toEqual([]);
  expect(await answers(listener)).toBe(true);
  await listener.stop();
});
