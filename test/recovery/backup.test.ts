/** Backups of a running gateway, and what is accepted as one (P2, P7, P12). */
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type App, startApp } from '../../src/app.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { type Ran, run, type TestIoOptions } from '../../src/cli/test-io.ts';
import { readConfig } from '../../src/config.ts';
import { Secret } from '../../src/core/secret.ts';
import { issueToken } from '../support/setup.ts';
import { fixtureKey, type OpenGate, openGate, tempFolder } from '../support/harness.ts';
import { leaksIn } from './leaks.ts';

let gate: OpenGate;
let away: string;
const archive = (): string => join(away, 'backup.tar');
const target = (): string => join(away, 'restored');
const cli = (line: readonly string[], options: TestIoOptions = {}): Promise<Ran> =>
  run(line, { ...options, env: { SALLYPORT_DATA: gate.data, ...options.env } });

beforeEach(async () => {
  gate = await openGate({ budgetUsd: '5' });
  away = tempFolder();
  await (await gate.chat()).text();
});
afterEach(async () => {
  await gate[Symbol.asyncDispose]();
  rmSync(away, { recursive: true, force: true });
});

async function backUp(...flags: string[]): Promise<Ran> {
  const done = await cli(['backup', '--out', archive(), '--json', ...flags]);
  expect([done.code, done.err]).toEqual([0, flags.length > 0 ? done.err : '']);
  return done;
}

/** With the root key in place, as `recovery restore` would put it there. */
function restore(...flags: string[]): Promise<Ran> {
  mkdirSync(target(), { recursive: true, mode: 0o700 });
  cpSync(join(gate.data, 'root.key'), join(target(), 'root.key'));
  return cli(['restore', '--from', archive(), '--data', target(), '--json', ...flags]);
}

async function onRestored<T>(look: (app: App) => T | Promise<T>): Promise<T> {
  const app = await startApp(
    readConfig({ data: target(), port: '0', adminPort: '0' }, { SALLYPORT_LOG_LEVEL: 'error' }),
  );
  try {
    return await look(app);
  } finally {
    await app.stop('looked');
  }
}

const health = async (app: App, token = gate.token): Promise<number> =>
  (await fetch(`${app.gatewayUrl}/health`, { headers: { authorization: `Bearer ${token}` } })).status;
const spent = (app: App): bigint => app.ledger.view('team-acme-month').spentPicoUsd;
const settled = (): bigint =>
  gate.events('call.end').reduce((sum, end) => sum + BigInt(String(end['costPicoUsd'])), 0n);

test('a backup under load restores to a state that verifies, with at least what had settled', async () => {
  let over = false;
  let failed = 0;
  const clients = Array.from({ length: 6 }, async (_, client) => {
    while (!over) {
      const reply = await gate.chat({ stream: client % 2 === 0 });
      await reply.text();
      if (reply.status !== 200) failed += 1;
    }
  });
  await Bun.sleep(200);
  const before = settled();
  await backUp();
  const after = gate.events('call.start').length;
  await Bun.sleep(100);
  expect(gate.events('call.start').length).toBeGreaterThan(after);
  over = true;
  await Promise.all(clients);
  expect([failed, before > 0n]).toEqual([0, true]);
  expect(statSync(archive()).mode & 0o777).toBe(0o600);
  expect(readdirSync(gate.data).filter((name) => name.includes('tmp'))).toEqual([]);

  const restored = await restore('--accept-older');
  expect(restored.code).toBe(0);
  expect(verifyJournal(join(target(), 'journal')).problem).toBeNull();
  await onRestored(async (app) => {
    expect(spent(app)).toBeGreaterThanOrEqual(before);
    expect(spent(app)).toBeLessThanOrEqual(gate.app.ledger.view('team-acme-month').limitPicoUsd);
    expect(await health(app)).toBe(200);
    const reply = await fetch(`${app.gatewayUrl}/openai/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gate.token}` },
      body: JSON.stringify({
        model: 'openai/gpt-oss-20b',
        messages: [{ role: 'user', content: 'hi' }],
        max_tokens: 9,
      }),
    });
    expect(reply.status).toBe(200);
    await reply.text();
  });
  expect(readFileSync(join(target(), 'journal', 'n1@000002', '000001.jsonl'), 'utf8')).toContain(
    'recovery.restored',
  );
  expect(verifyJournal(join(target(), 'journal')).problem).toBeNull();
}, 60_000);

describe('an older backup', () => {
  test('with the newer journal: what was revoked and spent since is in force', async () => {
    const other = await issueToken(gate);
    await backUp();
    await (await gate.chat()).text();
    await gate.app.tokens.revoke('local', gate.tokenId, 'test');
    const late = await issueToken(gate);
    const before = settled();
    await gate.app.stop('disk lost');
    const restored = await restore('--journal-from', gate.data);
    expect([restored.code, restored.json()['newer']]).toEqual([
      0,
      expect.objectContaining({ revoked: [gate.tokenId] }),
    ]);
    await onRestored(async (app) => {
      expect(await health(app)).toBe(401);
      expect(await health(app, other.text)).toBe(200);
      // Its verifier was never in the journal.
      expect(await health(app, late.text)).toBe(401);
      expect(spent(app)).toBe(before);
    });
  });

  test('also of a process that was killed, with an unfinished last line', async () => {
    await backUp();
    await gate.app.tokens.revoke('local', gate.tokenId, 'test');
    const copy = join(away, 'crashed');
    cpSync(join(gate.data, 'journal'), join(copy, 'journal'), { recursive: true });
    const segment = join(copy, 'journal', 'n1@000001', '000001.jsonl');
    writeFileSync(segment, `${readFileSync(segment, 'utf8')}{"seq":99`);
    expect((await restore('--journal-from', copy)).code).toBe(0);
    expect(await onRestored(health)).toBe(401);
  });

  test('without it is refused, and says what moment it is; nothing stays but the root key', async () => {
    const { createdAt } = (await backUp()).json();
    const refused = await restore();
    expect(refused.code).toBe(2);
    expect(refused.err).toContain(String(createdAt));
    expect(refused.err).toContain('--accept-older');
    expect(readdirSync(target())).toEqual(['root.key']);
  });

  test('accepted as such brings the token back, and says so', async () => {
    await backUp();
    await gate.app.tokens.revoke('local', gate.tokenId, 'test');
    const restored = await restore('--accept-older');
    expect([restored.code, restored.err.includes('valid again')]).toEqual([0, true]);
    expect(await onRestored(health)).toBe(200);
  });

  test('with a key that was replaced since starts, and says that the key is gone', async () => {
    await backUp();
    const origin = { origin: gate.fake.url, allowPrivateOrigin: true };
    const replaced = { name: 'groq', provider: 'groq', replace: true, ...origin };
    await gate.app.vault.addKey('local', replaced, Secret.fromText(fixtureKey()));
    await gate.app.stop('disk lost');
    expect((await restore('--journal-from', gate.data)).code).toBe(0);
    expect(await onRestored((app) => app.vault.show('groq').slot.activeVersion)).toBe(2);
  });

  test('with a journal that has nothing newer is treated as without one', async () => {
    const copy = join(away, 'before');
    cpSync(join(gate.data, 'journal'), join(copy, 'journal'), { recursive: true });
    await backUp();
    expect((await restore('--journal-from', copy)).code).toBe(2);
    expect((await restore('--journal-from', copy, '--accept-older')).code).toBe(0);
  });

  test('with the journal of another instance, or one that was edited, is refused', async () => {
    await backUp();
    await using other = await openGate();
    expect((await restore('--journal-from', other.data)).code).toBe(2);
    const edited = join(away, 'edited');
    cpSync(join(gate.data, 'journal'), join(edited, 'journal'), { recursive: true });
    const segment = join(edited, 'journal', 'n1@000001', '000001.jsonl');
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"acme"', '"acne"'));
    expect((await restore('--journal-from', edited)).code).toBe(1);
    expect(readdirSync(target())).toEqual(['root.key']);
  });
});

/** Where each file of an archive is. */
function filesIn(bytes: Buffer): { name: string; from: number; to: number }[] {
  const files = [];
  for (let at = 0; bytes[at] !== 0;) {
    const name = bytes.toString('latin1', at, at + 100).split('\0')[0]!;
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8);
    files.push({ name, from: at + 512, to: at + 512 + size });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

describe('an archive', () => {
  test('that was cut anywhere is refused, and nothing stays', async () => {
    await backUp();
    const whole = readFileSync(archive());
    const borders = filesIn(whole).flatMap(({ from, to }) => [from - 512, from, from + 1, to - 1]);
    for (const length of [...borders, 0, 100, whole.length - 1, whole.length - 512, whole.length - 1024]) {
      writeFileSync(archive(), whole.subarray(0, length));
      const { code, err } = await restore('--accept-older');
      expect([length, code, err !== '']).toEqual([length, 1, true]);
      expect(readdirSync(target())).toEqual(['root.key']);
    }
  });

  test('in which one byte of any file was changed is refused', async () => {
    await backUp();
    const whole = readFileSync(archive());
    const files = filesIn(whole);
    expect(files.map(({ name }) => name)).toEqual([
      'sallyport.db',
      'journal/n1@000001/000001.jsonl',
      'manifest.json',
      'manifest.mac',
    ]);
    for (const { name, from, to } of files) {
      for (const at of [from - 512, from - 300, from, Math.floor((from + to) / 2), to - 2]) {
        const edited = Buffer.from(whole);
        edited[at] = (edited[at] ?? 0) ^ 1;
        writeFileSync(archive(), edited);
        expect([name, at, (await restore('--accept-older')).code]).toEqual([name, at, 1]);
        expect(readdirSync(target())).toEqual(['root.key']);
      }
    }
  });

  test('with something behind its end, or a file too many, is refused', async () => {
    await backUp();
    const whole = readFileSync(archive());
    writeFileSync(archive(), Buffer.concat([whole, Buffer.from('x')]));
    expect((await restore('--accept-older')).code).toBe(1);
    const [first] = filesIn(whole);
    const again = whole.subarray(0, Math.ceil(first!.to / 512) * 512);
    writeFileSync(archive(), Buffer.concat([again, whole]));
    expect((await restore('--accept-older')).code).toBe(1);
  });

  test('that names a file outside the folder writes nothing there', async () => {
    await backUp();
    const whole = readFileSync(archive());
    const name = 'journal/../../escaped';
    whole.write(name.padEnd(100, '\0'), 0, 'latin1');
    whole.write('        ', 148);
    let sum = 0;
    for (const byte of whole.subarray(0, 512)) sum += byte;
    whole.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    writeFileSync(archive(), whole);
    expect((await restore('--accept-older')).code).toBe(1);
    expect(existsSync(join(away, 'escaped'))).toBe(false);
  });

  test('edited with all its hashes made to fit is refused for want of the root key', async () => {
    await backUp();
    const whole = readFileSync(archive());
    const journal = filesIn(whole)[1]!;
    const manifest = filesIn(whole)[2]!;
    const text = whole.toString('latin1', manifest.from, manifest.to);
    const created = /"createdAt": "(\d{4})/.exec(text)!;
    const later = text.replace(created[0], `"createdAt": "${Number(created[1]) + 1}`);
    whole.write(later, manifest.from, 'latin1');
    writeFileSync(archive(), whole);
    const refused = await restore('--accept-older');
    expect([refused.code, refused.err.includes('manifest')]).toEqual([1, true]);
    const hash = createHash('sha256').update(whole.subarray(journal.from, journal.to)).digest('hex');
    expect(text).toContain(hash);
  });

  test('needs the root key of its instance', async () => {
    await backUp();
    await using other = await openGate();
    mkdirSync(target(), { mode: 0o700 });
    const line = ['restore', '--from', archive(), '--data', target(), '--accept-older'];
    const without = await cli(line);
    expect([without.code, without.err.includes('rk_')]).toEqual([2, true]);
    cpSync(join(other.data, 'root.key'), join(target(), 'root.key'));
    expect((await cli(line)).code).toBe(2);
    expect(readdirSync(target())).toEqual(['root.key']);
  });

  test('holds no secret, unless the root key is asked for; then it restores by itself', async () => {
    const rootKey = readFileSync(join(gate.data, 'root.key'), 'utf8').trim().slice(22);
    await backUp();
    for (const secret of [rootKey, gate.key, gate.token]) expect(leaksIn(away, secret)).toEqual([]);
    rmSync(archive());
    const loud = await backUp('--with-root-key');
    expect(loud.err).toContain('THE ROOT KEY IS IN THIS ARCHIVE');
    expect(leaksIn(away, rootKey)).toEqual([archive()]);
    const line = ['restore', '--from', archive(), '--data', target(), '--accept-older'];
    expect((await cli(line)).code).toBe(0);
    expect(statSync(join(target(), 'root.key')).mode & 0o777).toBe(0o600);
    expect(await onRestored(health)).toBe(200);
  });

  test('is never written over something, and none is made of a root key that is no file', async () => {
    writeFileSync(archive(), 'precious');
    expect((await cli(['backup', '--out', archive()])).code).toBe(2);
    expect(readFileSync(archive(), 'utf8')).toBe('precious');
    expect((await cli(['backup', '--out', join(away, 'no', 'folder')])).code).toBe(3);
    expect(gate.events('recovery.backup')).toEqual([]);
  });
});

test('a data folder in which a restore was interrupted does not start', async () => {
  mkdirSync(target(), { mode: 0o700 });
  writeFileSync(join(target(), 'restoring.db'), 'half');
  const config = readConfig({ data: target(), port: '0', adminPort: '0' }, { SALLYPORT_LOG_LEVEL: 'error' });
  const error: unknown = await startApp(config).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'store.tampered' });
  expect(existsSync(join(target(), 'root.key'))).toBe(false);
});

test('a folder with anything in it is not restored into', async () => {
  await backUp();
  mkdirSync(target(), { mode: 0o700 });
  writeFileSync(join(target(), 'notes'), 'precious');
  const refused = await restore('--accept-older');
  expect([refused.code, readFileSync(join(target(), 'notes'), 'utf8')]).toEqual([2, 'precious']);
});

describe('an upgrade', () => {
  /** The database as version 1 of the schema had it. */
  async function downgrade(): Promise<void> {
    await gate.app.stop('downgrade');
    const database = new Database(join(gate.data, 'sallyport.db'));
    database.run('drop table key_uses');
    database.run('drop table alert_outbox');
    database.run('drop index audit_index_overrun');
    database.run('alter table audit_index drop column overrun_pico_usd');
    database.run('alter table budget_status drop column overrun_pico_usd');
    database.run('alter table instance drop column root_kdf');
    database.run('pragma user_version = 1');
    database.close();
  }

  test('is announced by --check, which changes nothing and misses a backup', async () => {
    expect((await cli(['upgrade', '--check', '--json'])).json()).toMatchObject({ ok: true, migrations: [] });
    await downgrade();
    const checked = await cli(['upgrade', '--check', '--json']);
    expect([checked.code, checked.json()]).toEqual([
      1,
      expect.objectContaining({
        ok: false,
        schema: 1,
        migrations: [2, 3, 4, 5],
        lastBackupAt: null,
        copies: [],
      }),
    ]);
    expect(checked.err).toContain('no backup is on record');
    await gate.restart();
    await backUp();
    await downgrade();
    expect((await cli(['upgrade', '--check'])).code).toBe(0);
  });

  test('keeps a private copy of the database as it was, and goes on', async () => {
    await downgrade();
    await gate.restart();
    expect((await gate.chat()).status).toBe(200);
    const folder = join(gate.data, 'before-upgrade');
    const [copy = '', ...others] = readdirSync(folder);
    expect([copy, others]).toEqual([expect.stringMatching(/^schema-1-.*\.db$/), []]);
    expect(statSync(join(folder, copy)).mode & 0o777).toBe(0o600);
    const kept = new Database(join(folder, copy), { readonly: true });
    expect(kept.query('select user_version from pragma_user_version').get()).toEqual({ user_version: 1 });
    expect(kept.query(`select count(*) as count from records where kind = 'token'`).get()).toEqual({
      count: 1,
    });
    kept.close();
    await gate.restart();
    expect(readdirSync(folder)).toEqual([copy]);
  });
});
