import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import type { Alert } from './alert.ts';
import type { Destination } from './destinations.ts';
import { sendMail, subjectOf, textOf } from './email.ts';

const alert: Alert = {
  id: 'alr_1',
  type: 'budget.paused',
  severity: 'critical',
  timestamp: '2026-11-21T12:00:00.000Z',
  instance: 'i',
  summary: 'The budget b is used up.',
  data: { budget: 'b', percent: 100, subject: null },
};

test('a mail server that says nothing does not hold up the end of the process', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const connected = new Promise((resolve) => server.once('connection', resolve));
  const stopping = new AbortController();
  const sending = sendMail({
    alert,
    destination: { origin: `smtp://127.0.0.1:${port}`, tls: 'starttls' } as Destination,
    secrets: { type: 'email', from: 'a@example.org', to: ['b@example.org'], user: null, password: null },
    signal: stopping.signal,
  });
  await connected;
  stopping.abort();
  // Cut off, and not by its own patience (`ETIMEDOUT`).
  expect(await sending).toMatchObject({ delivered: false, error: 'no mail (EABORT)' });
  server.close();
});

test('subject and text say what it is about', () => {
  expect(subjectOf(alert)).toBe('[Sallyport] critical: budget.paused (b)');
  expect(textOf(alert)).toBe(
    'The budget b is used up.\n\nbudget: b\npercent: 100\ntime: 2026-11-21T12:00:00.000Z\ninstance: i\nalert: alr_1\n',
  );
});
