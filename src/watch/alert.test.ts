import { expect, test } from 'bun:test';
import type { EntryBody, PlacedEntry } from '../audit/entry.ts';
import { alertOf, type Owners, wants } from './alert.ts';
import { ownersIn } from './owners.ts';
import { ALERT_TYPES } from './terms.ts';

const owners: Owners = {
  budget: (id) => ({ subject: `team:${id}`, team: id }),
  keyTeam: (slot) => (slot === 'groq' ? 'chat' : null),
};

function placed(body: EntryBody, seq = 7): PlacedEntry {
  return {
    entry: Object.assign({ seq, at: '2026-11-21T12:00:00.000Z' }, body),
    position: { stream: 'n1@000003', seq, hash: Buffer.alloc(32, seq), segment: 1, offset: 9 },
  };
}
const derive = (body: EntryBody, seq?: number) => alertOf(placed(body, seq), 'inst', owners);

const budget = {
  budget: 'chat',
  period: '2026-11',
  principal: 'system',
  percent: 0,
  spentPicoUsd: '16000000000000',
  heldPicoUsd: '400000000000',
  limitPicoUsd: '20000000000000',
  deltaPicoUsd: '0',
  reason: null,
} as const;
const EXAMPLES: EntryBody[] = [
  { ...budget, action: 'budget.alert', percent: 80 },
  { ...budget, action: 'budget.exhausted', percent: 100 },
  { ...budget, action: 'budget.paused', percent: 100 },
  { ...budget, action: 'budget.overrun', overrunPicoUsd: '5000000000' },
  {
    action: 'key.rejected',
    keyId: 'groq@2',
    provider: 'groq',
    status: 401,
    errorCode: 'x',
    principal: 'gateway',
  },
  {
    action: 'key.age',
    principal: 'system',
    keyId: 'groq@2',
    provider: 'groq',
    environment: 'prod',
    stage: 'due',
    ageDays: 91,
    cadenceDays: 90,
  },
  { action: 'auth.burst', principal: 'system', count: 40, windowSeconds: 60, addresses: 1, threshold: 30 },
  { action: 'clock.jumped', principal: 'system', jumpMs: -90_000, stoppedAt: '2026-11-21T12:00:00.000Z' },
  { action: 'clock.resumed', principal: 'local', jumpMs: 90_000, stoppedAt: '2026-11-21T12:00:00.000Z' },
  { action: 'disk.low', principal: 'system', freeBytes: 1048576, totalBytes: 9, thresholdBytes: 8 },
  { action: 'disk.recovered', principal: 'system', freeBytes: 1048576, totalBytes: 9, thresholdBytes: 8 },
  exposedKey('active'),
  {
    action: 'control.token.expose',
    principal: 'admin:t',
    records: [
      {
        kind: 'token',
        id: 'tok',
        revision: 2,
        body: { id: 'tok', team: 'chat', revokedReason: 'found at src/a.ts:1:2' },
        resealed: false,
      },
    ],
  },
];

function exposedKey(state: string): EntryBody {
  const exposed = { at: 'x', by: 'admin:t', place: 'src/a.ts:1:2', reason: null, cleared: null };
  const body = { slot: 'groq', version: 2, state, exposed };
  return {
    action: 'control.key.expose',
    principal: 'admin:t',
    records: [{ kind: 'key_version', id: 'groq@2', revision: 3, body, resealed: false }],
  };
}

test('there is an example of every type that can be asked for, and each is told', () => {
  const types = EXAMPLES.map((body) => derive(body)!.alert.type);
  expect(types).toEqual([...ALERT_TYPES]);
});

test.each([
  [
    'budget.alert',
    'warning',
    'The budget chat has reached 80 %: $16.00 spent and $0.40 held of $20.00 in 2026-11.',
    'chat',
  ],
  ['budget.paused', 'critical', expect.stringContaining('sallyport budget resume chat'), 'chat'],
  ['budget.overrun', 'warning', expect.stringContaining('$0.005 more than was held'), 'chat'],
  ['key.rejected', 'critical', expect.stringContaining('sallyport key verify groq'), 'chat'],
  ['key.age', 'warning', expect.stringContaining('91 days old'), 'chat'],
  ['auth.burst', 'warning', expect.stringContaining('from 1 address.'), null],
  ['clock.jumped', 'warning', expect.stringContaining('90 seconds back'), null],
  ['disk.low', 'critical', expect.stringContaining('1 MB free'), null],
  ['key.exposed', 'critical', expect.stringContaining('groq@2 was found outside, at src/a.ts:1:2.'), 'chat'],
  [
    'token.exposed',
    'critical',
    expect.stringContaining('tok was found outside and has been revoked'),
    'chat',
  ],
] as const)('%s says how bad it is, what to do, and whose it is', (type, severity, summary, team) => {
  const derived = EXAMPLES.map((body) => derive(body)!).find(({ alert }) => alert.type === type)!;
  expect(derived.team).toBe(team);
  expect(derived.alert).toMatchObject({
    severity,
    summary,
    instance: 'inst',
    timestamp: '2026-11-21T12:00:00.000Z',
  });
  expect(derived.alert.data['entry']).toBe('n1@000003#7');
});

test('calls go on with an exposed key only while it is the one in use', () => {
  const said = (state: string): string => derive(exposedKey(state))!.alert.summary;
  expect(said('active')).toContain('Calls go on with it');
  expect(said('retired')).not.toContain('Calls go on with it');
});

test('no call, refusal, change or start is told by itself', () => {
  for (const body of [
    { action: 'journal.open', instance: 'i', version: '1', previous: null, tornBytes: 0 },
    { action: 'auth.refused', address: 'a_1', tokenId: null, count: 99, errorCode: 'token.invalid' },
    { action: 'control.token.issue', principal: 'local', records: [] },
    { ...budget, action: 'budget.resumed' },
    { ...budget, action: 'budget.opened' },
  ] as EntryBody[])
    expect(derive(body)).toBeNull();
});

test('ids do not change between versions: receivers that have seen one know it', () => {
  const [threshold, , paused] = EXAMPLES;
  expect(derive(threshold!)!.alert.id).toBe('alr_9166e2f4860e9281e50f43f9683557be');
  expect(derive(paused!)!.alert.id).toBe('alr_3e3a0f57965456d9ddf877867d1b5202');
});

test('an event that happens once is the same wherever its entry stands; one that can happen again is another each time', () => {
  const ids = (body: EntryBody): number =>
    new Set([derive(body, 1), derive(body, 2)].map((one) => one!.alert.id)).size;
  const same = EXAMPLES.filter((body) => ids(body) === 1).map(({ action }) => action);
  expect(same).toEqual(['budget.alert', 'budget.overrun', 'key.age']);
  const other = alertOf(placed(EXAMPLES[0]!), 'another instance', owners)!.alert.id;
  expect(other).not.toBe(derive(EXAMPLES[0]!)!.alert.id);
});

test('a pattern is a type, a group or everything', () => {
  expect(wants(['*'], 'disk.low')).toBe(true);
  expect(wants(['budget.*', 'key.age'], 'budget.paused')).toBe(true);
  expect(wants(['budget.*', 'key.age'], 'key.age')).toBe(true);
  expect(wants(['budget.*', 'key.age'], 'key.rejected')).toBe(false);
  expect(wants([], 'disk.low')).toBe(false);
});

test('a budget belongs to the team of its subject, whatever that is', () => {
  const bodies: Record<string, object> = {
    'budget b-team': { subject: 'team:chat' },
    'budget b-env': { subject: 'env:chat/prod' },
    'budget b-project': { subject: 'project:bot' },
    'budget b-token': { subject: 'token:t1' },
    'budget b-org': { subject: 'org' },
    'budget b-lost': { subject: 'project:gone' },
    'project bot': { team: 'chat' },
    'token t1': { team: 'chat' },
    'provider_key groq': { team: 'chat' },
    'provider_key shared': { team: null },
  };
  const found = ownersIn({
    get: (kind, id) => {
      const body = bodies[`${kind} ${id}`];
      return body && { kind, id, revision: 1, body, sealed: null };
    },
  });
  const teams = ['team', 'env', 'project', 'token', 'org', 'lost'].map(
    (name) => found.budget(`b-${name}`).team,
  );
  expect(teams).toEqual(['chat', 'chat', 'chat', 'chat', null, null]);
  expect(found.budget('unknown')).toEqual({ subject: null, team: null });
  expect(['groq', 'shared', 'unknown'].map((slot) => found.keyTeam(slot))).toEqual(['chat', null, null]);
});
