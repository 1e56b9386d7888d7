/** The database and the files are not trusted (P2, P7, P12): whatever was changed while Sallyport was not running is refused at start, or undone. */
import { Database } from 'bun:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { chainHash } from '../../src/audit/chain.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { readConfig } from '../../src/config.ts';
import { Secret } from '../../src/core/secret.ts';
import { fixtureKey, LOCAL, type OpenGate, openGate } from '../support/harness.ts';

let gate: OpenGate;
const config = (): ReturnType<typeof readConfig> =>
  readConfig({ data: gate.data, port: '0', adminPort: '0' }, { SALLYPORT_LOG_LEVEL: 'error' });

beforeEach(async () => {
  gate = await openGate({ budgetUsd: '1' });
  await (await gate.chat()).text();
});

afterEach(async () => {
  await gate.fake.stop();
  rmSync(gate.data, { recursive: true, force: true });
});

/** Edits the database as somebody with the file would. */
function sql(statement: string, ...values: (string | number | Uint8Array)[]): void {
  const database = new Database(join(gate.data, 'sallyport.db'));
  const { changes } = database.query(statement).run(...values);
  database.close();
  expect(changes).toBeGreaterThan(0);
}

function copyOf(name: string): string {
  const copy = `${gate.data}-${name}`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(gate.data, copy, { recursive: true });
  return copy;
}

/** The code that a start is refused with. */
async function refusal(): Promise<string> {
  try {
    const app = await startApp(config());
    await app.stop('was not refused');
    return 'started';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a row that was edited by SQL', () => {
  test.each([
    [
      'a wider scope',
      `update records set body = replace(body, 'call:groq/*', 'call:*') where kind = 'token'`,
    ],
    [
      'a later expiry',
      `update records set body = replace(body, '"expiresAtMs":1', '"expiresAtMs":2') where kind = 'token'`,
    ],
    ['another revision', `update records set revision = revision + 1 where kind = 'token'`],
    ['another id', `update records set id = 'AAAAAAAAAAAA' where kind = 'token'`],
    [
      'a policy',
      `update records set body = replace(body, '"rateLimitRPM":null', '"rateLimitRPM":9') where kind = 'team'`,
    ],
    [
      'a budget limit',
      `update records set body = replace(body, '"1000000000000"', '"9000000000000"') where kind = 'budget'`,
    ],
    [
      'a key origin',
      `update records set body = replace(body, '127.0.0.1', '127.0.0.2') where kind = 'provider_key'`,
    ],
    ['what was spent', `update budget_status set spent_pico_usd = 0`],
    ['an overrun that was none', `update budget_status set overrun_pico_usd = 1`],
    ['the journal position', `update trust set seq = seq - 1`],
    ['a token without its row', `delete from records where kind = 'token'`],
    ['a budget status without its row', `delete from budget_status`],
    [
      'an open call that never was, in a period far away',
      `insert into audit_index (id, stream, seq, at_ms, action, prompt_tokens, completion_tokens, cached_tokens, cost_pico_usd, bound_pico_usd, charges, metadata) select 'req_x', stream, seq, at_ms, 'call', 0, 0, 0, 0, 0, '[{"budget":"team-acme-month","period":"2999-12"}]', '{}' from audit_index where action = 'call' limit 1`,
    ],
    ['no trust row', `delete from trust`],
  ])('stops the start: %s', async (_what, statement) => {
    await gate.app.stop('edit');
    sql(statement);
    expect(await refusal()).toBe('store.tampered');
  });

  test('stops the start: a new token with the MAC of another row', async () => {
    await gate.app.stop('edit');
    sql(
      `insert into records select kind, 'BBBBBBBBBBBB', revision, body, sealed, mac from records where kind = 'token'`,
    );
    expect(await refusal()).toBe('store.tampered');
  });

  test('stops the start: the sealed key of another slot', async () => {
    await gate.app.vault.addKey(
      'local',
      { name: 'other', provider: 'groq', origin: gate.fake.url, allowPrivateOrigin: true },
      Secret.fromText(fixtureKey()),
    );
    await gate.app.stop('edit');
    sql(
      `update records set sealed = (select sealed from records where id = 'other@1') where kind = 'key_version' and id = 'groq@1'`,
    );
    expect(await refusal()).toBe('store.tampered');
  });
});

describe('a revocation', () => {
  const status = async (url: string): Promise<number> =>
    (await fetch(`${url}/health`, { headers: { authorization: `Bearer ${gate.token}` } })).status;

  test('is not undone by putting the older row back: the start is refused', async () => {
    await gate.app.stop('copy');
    const before = copyOf('before');
    const app = await startApp(config());
    await app.tokens.revoke('local', gate.tokenId, 'test');
    await app.stop('revoked');
    const older = new Database(join(before, 'sallyport.db'))
      .query(`select body, mac, revision from records where id = ?`)
      .get(gate.tokenId);
    const row = older as { body: string; mac: Uint8Array; revision: number };
    sql(
      `update records set body = ?, mac = ?, revision = ? where id = ?`,
      row.body,
      row.mac,
      row.revision,
      gate.tokenId,
    );
    expect(await refusal()).toBe('store.tampered');
    rmSync(before, { recursive: true });
  });

  test('is not undone by putting the whole older database back: the journal applies it again, and what was spent', async () => {
    await gate.app.stop('copy');
    const before = copyOf('before');
    let app = await startApp(config());
    expect(await status(app.gatewayUrl)).toBe(200);
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
    await app.tokens.revoke('local', gate.tokenId, 'test');
    await app.stop('revoked');

    for (const file of readdirSync(gate.data).filter((name) => name.startsWith('sallyport.db')))
      rmSync(join(gate.data, file));
    for (const file of readdirSync(before).filter((name) => name.startsWith('sallyport.db'))) {
      cpSync(join(before, file), join(gate.data, file));
    }
    app = await startApp(config());
    expect(app.tokens.get(gate.tokenId).state).toBe('revoked');
    expect(await status(app.gatewayUrl)).toBe(401);
    expect(app.ledger.view('team-acme-month').spentPicoUsd).toBe(BigInt(gate.fake.bill().picoUsd) as never);
    await app.stop('checked');
    rmSync(before, { recursive: true });
  });
});

describe('the journal', () => {
  const lastSegment = (): string => {
    const folder = join(gate.data, 'journal');
    const stream = readdirSync(folder).toSorted().at(-1)!;
    return join(folder, stream, readdirSync(join(folder, stream)).toSorted().at(-1)!);
  };

  test('that lost its end, which the database has applied, stops the start', async () => {
    await gate.app.stop('cut');
    const path = lastSegment();
    const text = readFileSync(path, 'utf8');
    const shorter = text.slice(0, text.trimEnd().lastIndexOf('\n') + 1);
    truncateSync(path, Buffer.byteLength(shorter));
    expect(await refusal()).toBe('audit.broken');
  });

  test('that is missing stops the start', async () => {
    await gate.app.stop('delete');
    rmSync(join(gate.data, 'journal'), { recursive: true });
    expect(await refusal()).toBe('audit.broken');
  });

  test('without its database stops the start', async () => {
    await gate.app.stop('delete');
    for (const file of readdirSync(gate.data).filter((name) => name.startsWith('sallyport.db')))
      rmSync(join(gate.data, file));
    expect(await refusal()).toBe('store.tampered');
  });

  test('with an unfinished last line starts: that line was never answered for', async () => {
    await gate.app.stop('tear');
    const path = lastSegment();
    writeFileSync(path, `${readFileSync(path, 'utf8')}{"seq":99999,"at":"2026`);
    const app = await startApp(config());
    expect(app.tokens.get(gate.tokenId).state).toBe('active');
    await app.stop('started');
  });
});

describe('an entry that somebody else appended, with a perfect chain', () => {
  const append = (
    path: string,
    change: (entry: Record<string, unknown>) => Record<string, unknown>,
  ): void => {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const [json = '', hash = ''] = lines.at(-1)!.split('\t');
    const last = JSON.parse(json) as Record<string, unknown>;
    const forged = JSON.stringify(change({ ...last, seq: Number(last['seq']) + 1 }));
    const next = chainHash(Buffer.from(hash, 'base64url'), forged);
    writeFileSync(path, `${lines.join('\n')}\n${forged}\t${next.toString('base64url')}\n`);
  };

  test.each([
    [
      'a wider policy',
      {
        action: 'control.policy.set',
        principal: 'local',
        records: [{ kind: 'team', id: 'acme', revision: 2, resealed: false, body: { id: 'acme' } }],
      },
    ],
    [
      'a revocation undone',
      {
        action: 'control.token.issue',
        principal: 'local',
        records: [{ kind: 'token', id: 'x', revision: 9, resealed: false, body: {} }],
      },
    ],
    [
      'a budget relieved',
      { action: 'budget.adjusted', budget: 'team-acme-month', period: 'total', deltaPicoUsd: '-1' },
    ],
  ])('stops the start: %s', async (_what, entry) => {
    await gate.app.stop('forge');
    const folder = join(gate.data, 'journal');
    const stream = readdirSync(folder).toSorted().at(-1)!;
    append(join(folder, stream, '000001.jsonl'), ({ seq, at, mac }) => ({ seq, at, ...entry, mac }));
    expect(verifyJournal(folder).ok).toBe(true);
    expect(await refusal()).toBe('audit.broken');
  });
});

describe('the root key', () => {
  test('that is gone stops the start, and none is made in its place', async () => {
    await gate.app.stop('delete');
    rmSync(join(gate.data, 'root.key'));
    expect(await refusal()).toBe('vault.root_key_missing');
    expect(readdirSync(gate.data)).not.toContain('root.key');
  });

  test('of another installation stops the start, and the error names both fingerprints', async () => {
    await using other = await openGate();
    await gate.app.stop('swap');
    cpSync(join(other.data, 'root.key'), join(gate.data, 'root.key'));
    const error = (await startApp(config()).catch((thrown: unknown) => thrown)) as {
      code: string;
      message: string;
    };
    expect(error.code).toBe('vault.root_key_wrong');
    expect(error.message.match(/rk_[0-9a-f]{16}/g)?.length).toBe(2);
  });
});

test('one data folder, one process: a second start is refused at once', async () => {
  expect(await refusal()).toBe('data.locked');
  const again = await gate.app.tokens.issue(LOCAL, {
    team: 'acme',
    environment: 'dev',
    scopes: ['call:groq/*'],
    lifetimeMs: 1000,
  });
  expect(again.token.state).toBe('active');
  await gate.app.stop('done');
});

test('a data folder of the first schema is brought up to date, and its rows verify as they were', async () => {
  const before = gate.app.ledger.view('team-acme-month');
  await gate.app.stop('upgrade');
  const database = new Database(join(gate.data, 'sallyport.db'));
  for (const statement of [
    'drop table key_uses',
    'drop table alert_outbox',
    'drop index audit_index_overrun',
    'alter table audit_index drop column overrun_pico_usd',
    'alter table budget_status drop column overrun_pico_usd',
    'alter table instance drop column root_kdf',
    'pragma user_version = 1',
  ]) {
    database.run(statement);
  }
  database.close();
  const app = await startApp(config());
  expect(app.ledger.view('team-acme-month')).toEqual(before);
  expect(before.spentPicoUsd).toBeGreaterThan(0n);
  await app.stop('test');
});
