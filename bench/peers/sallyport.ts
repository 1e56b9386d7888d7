/**
 * Sallyport itself: `sallyport up` as a process on a prepared data folder, with everything on that a call passes: a sealed key, a token, a
 * budget of its team and one of its own. What a call leaves to do (the journal's sync, the index) is counted as well.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { parseUsd } from '../../src/core/money.ts';
import { Secret } from '../../src/core/secret.ts';
import { BUN, type Child, Lines, start, stop } from '../process.ts';
import { CHAT_PATH, CLIENT_HEADERS, type JournalCount, type Peer } from './peer.ts';

const ROOT = join(import.meta.dir, '..', '..');
export const MAIN = join(ROOT, 'src', 'main.ts');
const DAY_MS = 86_400_000;
const MAX_POLLS = 200;
const LIMIT = parseUsd('100000');

export interface Prepared {
  readonly data: string;
  readonly token: string;
  readonly adminToken: string;
}

interface Status {
  readonly journal: { readonly entries: number; readonly lag: number; readonly syncs?: number };
}

/** `checkout` is another copy of this repository, or this one. */
export async function startSallyport(
  upstream: string,
  key: string,
  checkout: string = ROOT,
  name = 'sallyport',
): Promise<Peer> {
  const data = mkdtempSync(join(tmpdir(), 'sallyport-bench-data-'));
  let child: Child | undefined;
  const dispose = async (): Promise<void> => {
    if (child) await stop(child);
    rmSync(data, { recursive: true, force: true });
  };
  try {
    const prepared = await prepare(data, upstream, key);
    const main = join(checkout, 'src', 'main.ts');
    const flags = ['--data', data, '--port', '0', '--admin-port', '0', '--json'];
    child = start([...BUN, main, 'up', ...flags], { env: { HOME: data, SALLYPORT_LOG_LEVEL: 'warn' } });
    const ready = (await new Lines(child).next()) as { gateway: string; admin: string };
    const status = (): Promise<Status> => readStatus(ready.admin, prepared.adminToken);
    return {
      name,
      pid: child.pid,
      target: {
        url: ready.gateway + CHAT_PATH,
        headers: { ...CLIENT_HEADERS, authorization: `Bearer ${prepared.token}` },
      },
      pingUrl: `${ready.gateway}/healthz`,
      weight: 0.75,
      caughtUp: () => caughtUp(status),
      journal: async (): Promise<JournalCount> => {
        const { journal } = await status();
        return { entries: journal.entries, syncs: journal.syncs ?? null };
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Makes a data folder with a team, a key for `upstream`, two budgets and a token. */
export async function prepare(data: string, upstream: string, key: string): Promise<Prepared> {
  const flags = { data, port: '0', adminPort: '0' };
  const app = await startApp(readConfig(flags, { SALLYPORT_LOG_LEVEL: 'error' }));
  try {
    const all = { principal: 'local', scopes: ['*'] };
    await app.teams.add('local', 'bench');
    using secret = Secret.fromText(key);
    const slot = { name: 'bench', provider: 'groq', origin: upstream, allowPrivateOrigin: true };
    await app.vault.addKey('local', slot, secret);
    const life = { environment: 'dev', lifetimeMs: DAY_MS };
    const caller = await app.tokens.issue(all, { ...life, team: 'bench', scopes: ['call:groq/*'] });
    const admin = await app.tokens.issue(all, {
      ...life,
      type: 'admin',
      team: null,
      scopes: ['status:read'],
    });
    const limit = { limitPicoUsd: LIMIT, onCap: 'refuse' } as const;
    await app.ledger.setBudget('local', { subject: 'team:bench', period: 'month', ...limit });
    await app.ledger.setBudget('local', { subject: `token:${caller.token.id}`, period: 'total', ...limit });
    return { data, token: caller.text, adminToken: admin.text };
  } finally {
    await app.stop('prepared');
  }
}

async function readStatus(admin: string, token: string): Promise<Status> {
  const reply = await fetch(`${admin}/v1/status`, { headers: { authorization: `Bearer ${token}` } });
  if (!reply.ok) throw new Error(`The status was refused: ${await reply.text()}`);
  return (await reply.json()) as Status;
}

/** Waits until every entry of the journal is in the tables. */
async function caughtUp(status: () => Promise<Status>): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    await Bun.sleep(100);
    if ((await status()).journal.lag === 0) return;
  }
  throw new Error('The audit index did not catch up.');
}
