import { beforeEach, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { ControlEntry, RecordBook } from '../records/records.ts';
import type { Keyring } from '../vault/keyring.ts';
import { openSecrets } from './destinations.ts';
import { type DestinationInput, Directory } from './directory.ts';
import { createSender } from './sender.ts';
import { verifyStandardWebhook } from './webhooks.mjs';

const ADDRESSES: Readonly<Record<string, string[]>> = {
  'hooks.slack.com': ['3.5.7.9'],
  'hooks.example.org': ['93.184.215.14'],
  'smtp.example.org': ['93.184.215.15'],
  'inside.example.org': ['10.0.0.7'],
  'both.example.org': ['93.184.215.14', '10.0.0.7'],
  'metadata.example.org': ['169.254.169.254'],
};
const resolve = (host: string): Promise<string[]> => Promise.resolve(ADDRESSES[host] ?? []);
const URL_SECRET = ['T000', 'B000', 'abcdefghijklmnopqrstuvwx'].join('/');
const SLACK = { name: 'ops', type: 'slack', url: `https://hooks.slack.com/services/${URL_SECRET}` } as const;
const MAIL = { host: 'smtp.example.org', from: 'a@example.org', to: ['b@example.org'] };

let store: MemoryStore;
let keyring: Keyring;
let book: RecordBook;
let journal: ControlEntry[];
let clock: ManualClock;
let directory: Directory;
beforeEach(async () => {
  store = new MemoryStore();
  keyring = await testKeyring(store);
  ({ book, journal } = await openMemoryBook(store, keyring));
  clock = new ManualClock();
  directory = new Directory({ book, keyring, clock, resolve });
});

const refusalOf = async (input: object) => rejectionOf(directory.add('local', input as DestinationInput));

test('a destination is sealed for itself: neither journal nor record hold its URL, and it opens for no other', async () => {
  const { destination, secret } = await directory.add('local', SLACK);
  expect([destination.origin, secret]).toEqual(['https://hooks.slack.com', null]);
  expect(JSON.stringify([journal, store.records.map(({ body }) => body)])).not.toContain('services');
  const held = directory.get('ops');
  expect(openSecrets(held, keyring)).toEqual({ type: 'slack', url: SLACK.url });
  for (const change of [
    { id: 'dst_000000000000' },
    { origin: 'https://evil.example.org' },
    { version: 2 },
    { type: 'webhook' as const },
  ]) {
    const moved = { ...held, destination: { ...held.destination, ...change } };
    expect(() => openSecrets(moved, keyring)).toThrow('does not open');
  }
});

test.each([
  [{ ...SLACK, url: 'hooks.slack.com/services/x' }, 'not an https URL'],
  [{ ...SLACK, url: 'http://hooks.slack.com/services/x' }, 'without TLS'],
  [{ ...SLACK, url: 'http://hooks.slack.com/services/x', allowPrivate: true }, 'without TLS'],
  [{ ...SLACK, url: 'ftp://hooks.slack.com/x' }, 'not an https URL'],
  [{ ...SLACK, url: 'https://user:pass@hooks.slack.com/x' }, 'user name'],
  [{ ...SLACK, url: `https://hooks.slack.com/${'x'.repeat(3000)}` }, 'not an https URL'],
  [{ ...SLACK, url: 'https://127.0.0.1/x' }, 'loopback'],
  [{ ...SLACK, url: 'https://localhost/x' }, 'loopback'],
  [{ ...SLACK, url: 'https://[::ffff:10.0.0.1]/x' }, 'loopback'],
  [{ ...SLACK, url: 'https://inside.example.org/x' }, 'loopback'],
  [{ ...SLACK, url: 'https://both.example.org/x' }, 'loopback'],
  [{ ...SLACK, url: 'https://169.254.169.254/x', allowPrivate: true }, 'metadata'],
  [{ ...SLACK, url: 'https://metadata.example.org/x', allowPrivate: true }, 'metadata'],
  [{ ...SLACK, url: 'https://metadata.google.internal/x', allowPrivate: true }, 'metadata'],
  [{ ...SLACK, url: 'https://hooks.slack.com./x' }, 'dot'],
  [{ ...SLACK, name: 'two words' }, 'name'],
  [{ ...SLACK, events: [] }, 'nothing'],
  [{ ...SLACK, events: ['budget.paus'] }, 'none'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, host: 'smtp.example.org/x' } }, 'host name'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, host: 'inside.example.org' } }, 'loopback'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, tls: 'none' } }, 'without TLS'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, to: [] } }, '1 to 20'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, to: ['a@b.org\r\nBcc: c@d.org'] } }, 'address'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, from: 'Ann <a@b.org>' } }, 'address'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, to: ['a@b.org, c@d.org'] } }, 'address'],
  [{ name: 'm', type: 'email', mail: { ...MAIL, user: 'u' } }, 'go together'],
] as const)('is refused, with what to do, and without repeating it: %o', async (input, why) => {
  const error = await refusalOf(input);
  expect([error.code, error.message]).toEqual(['input.invalid', expect.stringContaining(why)]);
  expect(error.fix).toBeString();
  expect(`${error.message}${error.fix}`).not.toContain('services');
  expect(directory.active()).toEqual([]);
});

test('a name is taken once, by whoever is first, and is free again after its removal', async () => {
  const both = await Promise.allSettled([directory.add('local', SLACK), directory.add('local', SLACK)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const { id } = directory.get('ops').destination;
  await directory.remove('local', 'ops');
  expect((await rejectionOf(directory.remove('local', 'ops'))).code).toBe('not_found');
  expect(openSecrets(directory.find(id)!, keyring)).toEqual({ type: 'nothing' });
  expect((await directory.add('local', SLACK)).destination.id).not.toBe(id);
});

test('a record is read back as it was written by the next process', async () => {
  await directory.add('local', { ...SLACK, events: ['budget.*', 'key.age', 'budget.*'], team: 'chat' });
  const again = new Directory({ book: (await openMemoryBook(store, keyring)).book, keyring, clock, resolve });
  expect(again.active()).toEqual(directory.active());
  expect(again.get('ops').destination).toMatchObject({
    events: ['budget.*', 'key.age'],
    team: 'chat',
    state: 'active',
  });
});

test('of a webhook two secrets sign until the old one ends; a further one takes the place of the older', async () => {
  await directory.add('local', { name: 'hook', type: 'webhook', url: 'https://hooks.example.org/x' });
  const values = (): (string | number | null)[] => {
    const opened = openSecrets(directory.get('hook'), keyring);
    return opened.type === 'webhook'
      ? opened.secrets.flatMap(({ value, endsAtMs }) => [value, endsAtMs])
      : [];
  };
  const [first] = values();
  const { secret: second } = await directory.rotateSecret('local', 'hook', {});
  expect(values()).toEqual([second, null, first!, clock.wallMs() + 86_400_000]);
  const { secret: third } = await directory.rotateSecret('local', 'hook', { overlapMs: 1000 });
  expect(values()).toEqual([third, null, second, clock.wallMs() + 1000]);
  expect((await rejectionOf(directory.rotateSecret('local', 'nothook', {}))).code).toBe('not_found');
});

test('Slack takes a new URL of the same host only, mail a new password, and neither without one', async () => {
  await directory.add('local', SLACK);
  await directory.add('local', { name: 'm', type: 'email', mail: { ...MAIL, user: 'u', password: 'old' } });
  await directory.add('local', { name: 'open', type: 'email', mail: MAIL });
  await directory.rotateSecret('local', 'ops', { value: 'https://hooks.slack.com/services/new' });
  await directory.rotateSecret('local', 'm', { value: 'new' });
  expect(openSecrets(directory.get('ops'), keyring)).toMatchObject({
    url: 'https://hooks.slack.com/services/new',
  });
  expect(openSecrets(directory.get('m'), keyring)).toMatchObject({
    user: 'u',
    password: 'new',
    to: ['b@example.org'],
  });
  for (const [name, value] of [
    ['ops', undefined],
    ['ops', 'https://hooks.example.org/x'],
    ['m', ''],
    ['open', 'new'],
  ] as const)
    expect(
      (await rejectionOf(directory.rotateSecret('local', name, { ...(value !== undefined && { value }) })))
        .code,
    ).toBe('input.invalid');
});

test('a name that leads inside by the time of a message gets none', async () => {
  let requests = 0;
  using inside = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => new Response(String((requests += 1))),
  });
  let address = '93.184.215.14';
  const moving = () => Promise.resolve([address]);
  directory = new Directory({ book, keyring, clock, resolve: moving });
  await directory.add('local', {
    name: 'hook',
    type: 'webhook',
    url: `https://hooks.example.org:${inside.port}/x`,
  });
  address = '127.0.0.1';
  const send = createSender({ keyring, clock, userAgent: 'test', resolve: moving });
  const payload = JSON.stringify({ id: 'alr_1' });
  expect(await send(directory.get('hook'), payload, new AbortController().signal)).toEqual({
    delivered: false,
    error: expect.stringContaining('loopback') as never,
    retryAfterMs: null,
  });
  expect(requests).toBe(0);
});

test('an old secret signs nothing once it has ended', async () => {
  const headers: Headers[] = [];
  using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: (request) => {
      headers.push(request.headers);
      return new Response();
    },
  });
  const url = `http://127.0.0.1:${server.port}/`;
  const { secret: old } = await directory.add('local', {
    name: 'hook',
    type: 'webhook',
    url,
    allowPrivate: true,
  });
  const { secret: fresh } = await directory.rotateSecret('local', 'hook', { overlapMs: 1000 });
  const send = createSender({ keyring, clock, userAgent: 'test' });
  const payload = JSON.stringify({ id: 'alr_1' });
  const verified = async (): Promise<boolean[]> => {
    await send(directory.get('hook'), payload, new AbortController().signal);
    const options = { nowSeconds: clock.wallMs() / 1000 };
    return [old, fresh].map((secret) => verifyStandardWebhook(payload, headers.at(-1)!, secret!, options));
  };
  expect(await verified()).toEqual([true, true]);
  clock.pass(1000);
  expect(await verified()).toEqual([false, true]);
});
