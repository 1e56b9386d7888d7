/** Mail over real SMTP: encrypted or not sent, logged in or not, the same message id for the same alert. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { sallyport } from '../support/cli.ts';
import { makeCertificate } from '../support/certificate.ts';
import { type RunningProcess, startProcess, tempFolder } from '../support/harness.ts';
import { type SmtpSink, startSmtpSink } from '../support/smtp-sink.ts';

const data = tempFolder();
const folder = tempFolder();
const trusted = makeCertificate(folder, 'trusted', 'localhost');
const other = makeCertificate(folder, 'other', 'localhost');
const LOGIN = { user: 'gateway', password: ['cor', 'rect ', 'horse'].join('') };
let gate: RunningProcess;
const sinks: SmtpSink[] = [];

beforeAll(async () => {
  gate = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'debug', NODE_EXTRA_CA_CERTS: trusted.certFile });
});
afterAll(async () => {
  gate.kill('SIGTERM');
  await gate.exited;
  for (const sink of sinks) await sink[Symbol.asyncDispose]();
  for (const path of [data, folder]) rmSync(path, { recursive: true, force: true });
});

async function sinkWith(options: Parameters<typeof startSmtpSink>[0]): Promise<SmtpSink> {
  const sink = await startSmtpSink(options);
  sinks.push(sink);
  return sink;
}

const FROM_TO = ['--from', 'sallyport@example.org', '--to', 'ann@example.org', '--to', 'ops@example.org'];

async function add(name: string, port: number, ...flags: string[]) {
  const line = [
    'alert',
    'add',
    name,
    '--type',
    'email',
    '--smtp',
    `localhost:${port}`,
    ...FROM_TO,
    '--allow-private',
  ];
  return sallyport(
    [...line, ...flags, '--json', '--data', data],
    flags.includes('--user') ? LOGIN.password : '',
  );
}

async function trial(name: string): Promise<{ delivered: boolean; error: string | null; alert: string }> {
  const { stdout } = await sallyport(['alert', 'test', name, '--json', '--data', data]);
  return JSON.parse(stdout) as { delivered: boolean; error: string | null; alert: string };
}

test('mail is sent by STARTTLS, logged in, to everybody, and nothing but the greeting goes in clear', async () => {
  const sink = await sinkWith({
    tls: 'starttls',
    certificate: trusted,
    login: `${LOGIN.user}:${LOGIN.password}`,
  });
  expect((await add('starttls', sink.port, '--user', LOGIN.user)).exitCode).toBe(0);
  const { delivered, error, alert } = await trial('starttls');
  expect([delivered, error]).toEqual([true, null]);
  expect(sink.inClear).toEqual([]);
  expect(sink.mails).toMatchObject([
    {
      from: 'sallyport@example.org',
      to: ['ann@example.org', 'ops@example.org'],
      encrypted: true,
      user: LOGIN.user,
    },
  ]);
  const { data: text } = sink.mails[0]!;
  expect(text).toContain('Subject: [Sallyport] info: test');
  expect(text).toContain(`Message-ID: <${alert}@example.org>`);
  expect(text).toContain('Auto-Submitted: auto-generated');
  expect(text).toContain('This is a test of the alert destination starttls.');
});

test('mail is sent over TLS from the first byte, without a login where none is asked for', async () => {
  const sink = await sinkWith({ tls: 'implicit', certificate: trusted });
  expect((await add('implicit', sink.port, '--tls', 'implicit')).exitCode).toBe(0);
  expect((await trial('implicit')).delivered).toBe(true);
  expect(sink.mails).toMatchObject([{ encrypted: true, user: null }]);
});

test('a certificate that nobody vouches for, or no STARTTLS: no mail, and no password in clear', async () => {
  const login = `${LOGIN.user}:${LOGIN.password}`;
  const forged = await sinkWith({ tls: 'starttls', certificate: other, login });
  await add('forged', forged.port, '--user', LOGIN.user);
  expect(await trial('forged')).toMatchObject({
    delivered: false,
    error: expect.stringMatching(/^no mail \(E/),
  });
  const stripped = await sinkWith({ tls: 'none', login });
  await add('stripped', stripped.port, '--user', LOGIN.user);
  expect(await trial('stripped')).toMatchObject({
    delivered: false,
    error: expect.stringMatching(/^mail refused|^no mail/),
  });
  expect([forged.mails, stripped.mails]).toEqual([[], []]);
  expect(forged.inClear).toEqual([]);
  expect(stripped.inClear.filter((line) => /^(AUTH|MAIL|RCPT|DATA)/.test(line))).toEqual([]);
});

test('a wrong password is no delivery, a new one is taken, and a recipient who is refused keeps mail from nobody else', async () => {
  const sink = await sinkWith({
    tls: 'starttls',
    certificate: trusted,
    login: 'gateway:another',
    refuse: ['ops@example.org'],
  });
  await add('wrong', sink.port, '--user', LOGIN.user);
  expect(await trial('wrong')).toMatchObject({ delivered: false, error: 'mail refused (EAUTH, status 535)' });
  const rotated = await sallyport(['alert', 'rotate-secret', 'wrong', '--json', '--data', data], 'another');
  expect([rotated.exitCode, JSON.parse(rotated.stdout)]).toEqual([
    0,
    expect.objectContaining({ secret: null }),
  ]);
  // Sent again for the one who is refused, the others would get it again each time.
  expect(await trial('wrong')).toMatchObject({
    delivered: true,
    error: 'the server refused 1 of 2 recipients',
  });
  expect(sink.mails).toMatchObject([{ to: ['ann@example.org'] }]);
});

test('without TLS only where it is allowed, and never with a password', async () => {
  const sink = await sinkWith({ tls: 'none' });
  expect((await add('clear', sink.port, '--tls', 'none')).exitCode).toBe(0);
  expect((await trial('clear')).delivered).toBe(true);
  const refused = await add('login', sink.port, '--tls', 'none', '--user', LOGIN.user);
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('not sent without TLS')]);
});

test('addresses and passwords are in no list, journal or log; show names the recipients', async () => {
  const list = await sallyport(['alert', 'list', '--json', '--data', data]);
  const show = await sallyport(['alert', 'show', 'starttls', '--json', '--data', data]);
  const audit = await sallyport(['audit', 'query', '--json', '--limit', '1000', '--data', data]);
  expect(JSON.parse(show.stdout)).toMatchObject({
    mail: { from: 'sallyport@example.org', to: ['ann@example.org', 'ops@example.org'], user: LOGIN.user },
  });
  for (const text of [list.stdout, audit.stdout, gate.stderr()]) {
    expect(text).not.toContain('ann@example.org');
    expect(text).not.toContain(LOGIN.password);
  }
  expect(show.stdout).not.toContain(LOGIN.password);
});
