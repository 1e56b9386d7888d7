import { expect, test } from 'bun:test';
import { callEnd, callStart } from '../../test/support/journal-lab.ts';
import { type Entry, type EntryBody, type Position } from './entry.ts';
import { endRow, otherRow, startRow } from './index-rows.ts';

const position: Position = { stream: 'n1@000002', seq: 9, hash: Buffer.alloc(32), segment: 1, offset: 5 };
const at = '2026-11-21T12:00:00.123Z';
const entry = <T extends EntryBody>(body: T): Entry & T => ({ seq: 9, at, ...body }) as Entry & T;

test('a call has one row: who and what from its start, the outcome from its end', () => {
  const start = startRow(entry(callStart('req_1', '1000', { metadata: { stream: true } })), position);
  expect(start).toMatchObject({
    id: 'req_1',
    stream: 'n1@000002',
    seq: 9,
    atMs: Date.parse(at),
    action: 'call',
    team: 'acme',
    tokenId: 't',
    keyId: 'groq@1',
    boundPicoUsd: 1000n,
    costPicoUsd: 0n,
    result: null,
    metadata: '{"stream":true}',
    charges: '[{"budget":"team-acme-month","period":"2026-11"}]',
  });
  const outcome = callEnd('req_1', '9007199254740993', {
    result: 'error',
    errorCode: 'upstream.timeout',
    overrunPicoUsd: '7',
  });
  expect(endRow(start, outcome)).toEqual({
    ...start,
    promptTokens: 7,
    completionTokens: 5,
    cachedTokens: 1,
    costPicoUsd: 9_007_199_254_740_993n,
    overrunPicoUsd: 7n,
    basis: 'usage',
    latencyMs: 12,
    result: 'error',
    errorCode: 'upstream.timeout',
  });
});

const {
  action: _,
  keyId: __,
  holdPicoUsd: ___,
  charges: ____,
  metadata: _____,
  ...subject
} = callStart('req_2');
const budget = {
  budget: 'b',
  period: '2026-11',
  principal: 'local',
  percent: 80,
  spentPicoUsd: '8',
  heldPicoUsd: '1',
  limitPicoUsd: '10',
  deltaPicoUsd: '0',
  reason: null,
};

const bodies: [EntryBody, object, object][] = [
  [
    { ...subject, action: 'call.refused', errorCode: 'access.model' },
    {
      id: 'req_2',
      result: 'error',
      errorCode: 'access.model',
      tokenId: 't',
      model: 'm',
      principal: 'token:t',
    },
    {},
  ],
  [
    { ...subject, action: 'call.refused', errorCode: 'limit.rate', count: 31 },
    { id: 'req_2', result: 'error', errorCode: 'limit.rate', tokenId: 't' },
    { count: 31 },
  ],
  [
    { action: 'auth.refused', address: 'a_1', tokenId: 't', count: 7, errorCode: 'token.invalid' },
    {
      id: 'n1@000002#9',
      address: 'a_1',
      tokenId: 't',
      errorCode: 'token.invalid',
      principal: null,
      result: null,
    },
    { count: 7 },
  ],
  [
    { action: 'journal.open', instance: 'i', version: '1', previous: null, tornBytes: 3 },
    { principal: null },
    { version: '1', tornBytes: 3 },
  ],
  [{ action: 'journal.close', reason: 'SIGTERM' }, { action: 'journal.close' }, { reason: 'SIGTERM' }],
  [
    {
      action: 'key.rejected',
      keyId: 'k@1',
      provider: 'groq',
      status: 401,
      errorCode: 'x',
      principal: 'gateway',
    },
    { keyId: 'k@1', errorCode: 'x', principal: 'gateway' },
    { provider: 'groq', status: 401 },
  ],
  ...(
    [
      'budget.alert',
      'budget.exhausted',
      'budget.paused',
      'budget.resumed',
      'budget.adjusted',
      'budget.opened',
    ] as const
  ).map((action): [EntryBody, object, object] => {
    const { principal, ...metadata } = budget;
    return [{ ...budget, action }, { action, principal }, metadata];
  }),
  [
    {
      action: 'app.entry',
      event: 'login.failed',
      principal: 'admin:t',
      userId: 'u_1',
      team: 'chat',
      project: null,
      environment: 'prod',
      resource: 'login',
      provider: null,
      model: null,
      promptTokens: 0,
      completionTokens: 3,
      costPicoUsd: '0',
      latencyMs: 4,
      result: 'error',
      errorCode: 'bad_password',
      metadata: { attempts: 3 },
    },
    {
      id: 'n1@000002#9',
      action: 'app.login.failed',
      principal: 'admin:t',
      userId: 'u_1',
      team: 'chat',
      environment: 'prod',
      resource: 'login',
      completionTokens: 3,
      latencyMs: 4,
      result: 'error',
      errorCode: 'bad_password',
    },
    { attempts: 3 },
  ],
  [
    {
      action: 'control.team.add',
      principal: 'local',
      records: [{ kind: 'team', id: 'a', revision: 1, body: { secretish: 'x' }, resealed: false }],
    },
    { principal: 'local' },
    { records: [{ kind: 'team', id: 'a', revision: 1 }] },
  ],
];

test.each(bodies.map((row) => [row[0].action, row] as const))(
  '%s has a row of its own',
  (_name, [body, fields, metadata]) => {
    const row = otherRow(entry(body), position);
    expect(row).toMatchObject({ stream: 'n1@000002', seq: 9, atMs: Date.parse(at), ...fields });
    expect(JSON.parse(row.metadata)).toEqual(metadata);
    expect(row).toMatchObject({ costPicoUsd: 0n, promptTokens: 0, charges: '[]' });
  },
);
