import { expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { ControlEntry, RecordBook } from '../records/records.ts';
import type { Keyring } from '../vault/keyring.ts';
import { newToken, parseToken } from './token-format.ts';
import { MAX_LIFETIME_MS, Tokens, type TokenRequest } from './tokens.ts';
import { Teams } from './teams.ts';

const ROOT = { principal: 'local', scopes: ['*'] };
const REQUEST: TokenRequest = {
  team: 'acme',
  environment: 'dev',
  scopes: ['call:groq/*'],
  lifetimeMs: 60_000,
};

interface Rig {
  readonly store: MemoryStore;
  readonly keyring: Keyring;
  readonly clock: ManualClock;
  readonly book: RecordBook;
  readonly journal: ControlEntry[];
  readonly teams: Teams;
  readonly tokens: Tokens;
}

async function start(store: MemoryStore, keyring: Keyring, clock: ManualClock): Promise<Rig> {
  const { book, journal } = await openMemoryBook(store, keyring);
  const teams = new Teams({ book, clock });
  const tokens = new Tokens({ book, teams, clock, pepper: keyring.authenticator('token-pepper') });
  return { store, keyring, clock, book, journal, teams, tokens };
}

async function openRig(): Promise<Rig> {
  const store = new MemoryStore();
  const rig = await start(store, await testKeyring(store), new ManualClock());
  await rig.teams.add('local', 'acme');
  await rig.teams.add('local', 'other');
  await rig.teams.addProject('local', 'bot', 'acme');
  return rig;
}

const restart = ({ store, keyring, clock }: Rig): Promise<Rig> => start(store, keyring, clock);

test('a token works from the moment it is issued, also after a restart', async () => {
  const rig = await openRig();
  const { token, text } = await rig.tokens.issue(ROOT, REQUEST);
  expect(rig.tokens.authenticate(text)).toBe(token);
  const { tokens } = await restart(rig);
  expect(tokens.authenticate(text)).toMatchObject({ id: token.id, team: 'acme', scopes: ['call:groq/*'] });
});

test('nothing that is kept or journaled holds the secret', async () => {
  const { tokens, store, journal } = await openRig();
  const { text } = await tokens.issue(ROOT, REQUEST);
  const { id, secret } = parseToken(text)!;
  const kept = JSON.stringify([journal, store.records, store.trust, tokens.list()]);
  const bytes = Buffer.concat(store.records.flatMap(({ sealed }) => (sealed ? [Buffer.from(sealed)] : [])));
  expect(kept).toContain(id);
  for (let at = 0; at + 8 <= secret.length; at += 1) expect(kept).not.toContain(secret.slice(at, at + 8));
  expect(bytes.includes(secret.slice(0, 8))).toBe(false);
});

test('a stranger gets one and the same answer, whatever is wrong with the token', async () => {
  const { tokens, clock } = await openRig();
  const { text, token } = await tokens.issue(ROOT, REQUEST);
  const other = await tokens.issue(ROOT, REQUEST);
  const parts = parseToken(text)!;
  // A well-formed token with the id of a real one: only its secret is wrong.
  const withSecretOf = (secret: string): string => {
    const body = `sallyp_s${parts.id}_${secret}`;
    return body + checksumOf(body);
  };
  const wrong = [
    'x',
    '',
    text.slice(0, -1),
    text.toLowerCase(),
    newToken('service').text,
    withSecretOf('A'.repeat(32)),
    withSecretOf(parseToken(other.text)!.secret),
  ];
  const answers = (): Set<string> =>
    new Set(
      wrong.map((credential) => {
        const { code, message, fix, retryable } = refusalOf(() => tokens.authenticate(credential));
        return JSON.stringify([code, message, fix, retryable]);
      }),
    );
  const whileActive = answers();
  expect(whileActive.size).toBe(1);
  // Nor does it change when the token whose id is guessed ends.
  await tokens.revoke('local', token.id, null);
  clock.pass(120_000);
  expect(answers()).toEqual(whileActive);
});

function checksumOf(body: string): string {
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
  let rest = Bun.hash.crc32(body);
  let text = '';
  for (let place = 0; place < 6; place += 1) {
    text = digits[rest % 62]! + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

test('who holds the secret learns that the token is expired or revoked', async () => {
  const { tokens, clock } = await openRig();
  const { text } = await tokens.issue(ROOT, REQUEST);
  const revoked = await tokens.issue(ROOT, REQUEST);
  await tokens.revoke('local', revoked.token.id, 'leaked');
  expect(refusalOf(() => tokens.authenticate(revoked.text)).message).toContain('revoked');
  clock.pass(59_999);
  tokens.authenticate(text);
  clock.pass(1);
  const expired = refusalOf(() => tokens.authenticate(text));
  expect(expired).toMatchObject({ code: 'token.invalid', fix: expect.any(String), retryable: false });
  expect(expired.message).toContain(`expired on ${new Date(clock.wallMs()).toISOString()}`);
});

test('the type letter is part of what the secret vouches for', async () => {
  const { tokens } = await openRig();
  const { text } = await tokens.issue(ROOT, REQUEST);
  const body = `sallyp_a${text.slice(8, -6)}`;
  expect(refusalOf(() => tokens.authenticate(body + checksumOf(body))).code).toBe('token.invalid');
});

test('revoking twice, or twice at once, is one revocation with the first reason', async () => {
  const { tokens, journal } = await openRig();
  const { token } = await tokens.issue(ROOT, REQUEST);
  const cut: string[] = [];
  tokens.onRevoked((id) => cut.push(id));
  const before = journal.length;
  await Promise.all([tokens.revoke('local', token.id, 'first'), tokens.revoke('local', token.id, 'second')]);
  await tokens.revoke('local', token.id, 'third');
  expect(tokens.get(token.id)).toMatchObject({ state: 'revoked', revokedReason: 'first' });
  expect(journal.slice(before).map(({ action }) => action)).toEqual(['token.revoke']);
  expect(cut).toEqual([token.id]);
});

test('a revoked token stays revoked after a restart', async () => {
  const rig = await openRig();
  const { token, text } = await rig.tokens.issue(ROOT, REQUEST);
  await rig.tokens.revoke('local', token.id, null);
  const { tokens } = await restart(rig);
  expect(refusalOf(() => tokens.authenticate(text)).message).toContain('revoked');
});

test('a verifier that was exchanged in the database refuses the start', async () => {
  const rig = await openRig();
  const mine = await rig.tokens.issue(ROOT, REQUEST);
  const theirs = await rig.tokens.issue(ROOT, REQUEST);
  const { store } = rig;
  const own = store.records.find(({ id }) => id === theirs.token.id)!;
  const at = store.records.findIndex(({ id }) => id === mine.token.id);
  store.records = store.records.with(at, { ...store.records[at]!, sealed: own.sealed });
  expect((await rejectionOf(restart(rig))).code).toBe('store.tampered');
});

test('nobody grants a scope that they do not hold', async () => {
  const { tokens, journal } = await openRig();
  const before = journal.length;
  for (const [held, scopes] of [
    [['call:groq/*'], ['call:openai/x']],
    [['call:groq/a'], ['call:groq/*']],
    [['call:groq/*'], ['call:groq/a', 'call:*']],
    [[], ['call:groq/a']],
    [['tokens:*'], ['call:groq/a']],
  ] as const) {
    const issued = tokens.issue({ principal: 'token:x', scopes: held }, { ...REQUEST, scopes });
    expect((await rejectionOf(issued)).code).toBe('admin.forbidden');
  }
  expect(journal).toHaveLength(before);
  await tokens.issue(
    { principal: 'token:x', scopes: ['call:groq/*'] },
    { ...REQUEST, scopes: ['call:groq/a'] },
  );
});

test.each<[string, Partial<TokenRequest>, string]>([
  ['no scope', { scopes: [] }, 'input.invalid'],
  ['a scope of another form', { scopes: ['call:gr*q'] }, 'input.invalid'],
  ['an admin scope', { scopes: ['keys:read'] }, 'input.invalid'],
  ['every scope', { scopes: ['*'] }, 'input.invalid'],
  ['no team', { team: null }, 'input.invalid'],
  ['an unknown team', { team: 'acm' }, 'not_found'],
  ['an unknown project', { project: 'bit' }, 'not_found'],
  ['a project of another team', { team: 'other', project: 'bot' }, 'input.invalid'],
  ['an environment that is no name', { environment: '../prod' }, 'input.invalid'],
  ['no environment', { environment: '' }, 'input.invalid'],
  ['a life of no time', { lifetimeMs: 0 }, 'input.invalid'],
  ['a negative life', { lifetimeMs: -1 }, 'input.invalid'],
  ['a life of more than a year', { lifetimeMs: MAX_LIFETIME_MS + 1 }, 'input.invalid'],
  ['an endless life', { lifetimeMs: Infinity }, 'input.invalid'],
  ['a fraction of a life', { lifetimeMs: 1.5 }, 'input.invalid'],
  ['no number for a life', { lifetimeMs: Number.NaN }, 'input.invalid'],
  ['a name that is too long', { name: 'x'.repeat(101) }, 'input.invalid'],
  ['a negative rate', { rateLimitRPM: -1 }, 'input.invalid'],
  ['half a slot', { concurrency: 0.5 }, 'input.invalid'],
  ['a range that is none', { cidrs: ['10.0.0.0/64'] }, 'input.invalid'],
  ['a range with a zone', { cidrs: ['fe80::1%eth0/64'] }, 'input.invalid'],
  ['an admin token with a team', { type: 'admin', scopes: ['keys:read'] }, 'input.invalid'],
  ['a scope that names no model', { scopes: ['call:groq'] }, 'input.invalid'],
])('refused before anything is stored: %s', async (_, change, code) => {
  const rig = await openRig();
  const before = rig.journal.length;
  const error = await rejectionOf(rig.tokens.issue(ROOT, { ...REQUEST, ...change }));
  expect(error).toMatchObject({ code, fix: expect.any(String) });
  expect(rig.journal).toHaveLength(before);
  // And a restart finds nothing that it cannot read.
  expect((await restart(rig)).tokens.list()).toEqual([]);
});

test('the longest life, the longest name and every limit are kept as asked', async () => {
  const rig = await openRig();
  const change = {
    lifetimeMs: MAX_LIFETIME_MS,
    name: 'x'.repeat(100),
    rateLimitRPM: 0,
    concurrency: 3,
    project: 'bot',
  };
  const { token } = await rig.tokens.issue(ROOT, { ...REQUEST, ...change, cidrs: ['10.0.0.0/8'] });
  const again = (await restart(rig)).tokens.get(token.id);
  expect(again).toMatchObject({ name: change.name, rateLimitRPM: 0, concurrency: 3, project: 'bot' });
  expect(again.expiresAtMs).toBe(rig.clock.wallMs() + MAX_LIFETIME_MS);
  expect([again.allowsAddress('10.1.1.1'), again.allowsAddress('11.1.1.1')]).toEqual([true, false]);
  expect(token.allowsAddress('11.1.1.1')).toBe(false);
});

test('without ranges a token is bound to no address', async () => {
  const { tokens } = await openRig();
  const { token } = await tokens.issue(ROOT, REQUEST);
  expect([token.allowsAddress('10.1.1.1'), token.allowsAddress('')]).toEqual([true, true]);
});

test.each<[readonly string[], string | undefined, string | null]>([
  [['call:groq/*'], undefined, 'groq'],
  [['call:groq/a', 'call:groq/b'], undefined, 'groq'],
  [['call:groq/*', 'read:*'], undefined, 'groq'],
  [['call:groq/*', 'call:openai/*'], undefined, null],
  [['call:*'], undefined, null],
  [['read:*'], undefined, null],
  [['call:*'], 'openai', 'openai'],
  [['call:groq/*', 'call:openai/*'], 'openai', 'openai'],
])('with the scopes %p and %p asked for, the default provider is %p', async (scopes, asked, found) => {
  const { tokens } = await openRig();
  const { token } = await tokens.issue(ROOT, {
    ...REQUEST,
    scopes,
    ...(asked === undefined ? {} : { defaultProvider: asked }),
  });
  expect(token.defaultProvider).toBe(found);
});

test('an unknown id is named in the error, and what to do', async () => {
  const { tokens } = await openRig();
  expect(refusalOf(() => tokens.get('nope'))).toMatchObject({ code: 'not_found', fix: expect.any(String) });
  expect(tokens.find('nope')).toBeUndefined();
  expect((await rejectionOf(tokens.revoke('local', 'nope', null))).code).toBe('not_found');
});

test('tokens are listed in the order they were made', async () => {
  const { tokens, clock } = await openRig();
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) {
    ids.push((await tokens.issue(ROOT, REQUEST)).token.id);
    clock.pass(10);
  }
  expect(tokens.list().map(({ id }) => id)).toEqual(ids);
});

test('an admin token may hold call: scopes, which it can grant and not use', async () => {
  const rig = await openRig();
  const issuer = { principal: 'local', scopes: ['*'] };
  const request = { environment: 'prod', lifetimeMs: 60_000 };
  const scopes = ['tokens:write', 'call:groq/*'];
  const admin = await rig.tokens.issue(issuer, { ...request, type: 'admin', team: null, scopes });
  const holder = { principal: `admin:${admin.token.id}`, scopes: admin.token.scopes };
  const granted = await rig.tokens.issue(holder, {
    ...request,
    team: 'acme',
    scopes: ['call:groq/openai/*'],
  });
  expect(granted.token.scopes).toEqual(['call:groq/openai/*']);
  const beyond = rig.tokens.issue(holder, { ...request, team: 'acme', scopes: ['call:openai/*'] });
  expect((await rejectionOf(beyond)).code).toBe('admin.forbidden');
});

test('an admin token issues no other that lives longer, or works where it does not', async () => {
  const rig = await openRig();
  const bounds = { expiresAtMs: rig.clock.wallMs() + 60_000, cidrs: ['10.0.0.0/8'] };
  const holder = { principal: 'admin:x', scopes: ['*'], bounds };
  const child = { type: 'admin', team: null, environment: 'prod', scopes: ['keys:read'] } as const;
  const refused = async (change: object): Promise<string> =>
    (
      await rejectionOf(
        rig.tokens.issue(holder, { ...child, lifetimeMs: 1000, cidrs: ['10.0.0.0/8'], ...change }),
      )
    ).code;
  expect(await refused({ lifetimeMs: 60_001 })).toBe('admin.forbidden');
  expect(await refused({ cidrs: [] })).toBe('admin.forbidden');
  expect(await refused({ cidrs: ['10.0.0.0/8', '0.0.0.0/0'] })).toBe('admin.forbidden');
  const issued = await rig.tokens.issue(holder, { ...child, lifetimeMs: 1000, cidrs: ['10.0.0.0/8'] });
  expect(issued.token.scopes).toEqual(['keys:read']);
});

test('a record from before there were presets still verifies and works', async () => {
  const rig = await openRig();
  const { token, text } = await rig.tokens.issue(ROOT, REQUEST);
  const { body } = rig.book.get('token', token.id)!;
  const { preset, bounds, readsFor, ...older } = body as Record<string, unknown>;
  expect([preset, bounds, readsFor]).toEqual([null, null, null]);
  await rig.book.change('token.limits', 'local', () => [{ kind: 'token', id: token.id, body: older }]);
  const { tokens } = await restart(rig);
  expect(tokens.authenticate(text)).toMatchObject({
    id: token.id,
    preset: null,
    bounds: null,
    readsFor: null,
  });
});

test('a token reads for another one of its own team only', async () => {
  const { tokens } = await openRig();
  const { token: other } = await tokens.issue(ROOT, { ...REQUEST, team: 'other' });
  const request = { ...REQUEST, scopes: ['read:*'], readsFor: other.id };
  expect((await rejectionOf(tokens.issue(ROOT, request))).message).toContain('of its own team');
  const nobody = { ...request, readsFor: '000000000000' };
  expect((await rejectionOf(tokens.issue(ROOT, nobody))).code).toBe('not_found');
});
