/**
 * A second implementation of docs/spec/audit-log.md, written from the page alone on node:crypto: it makes the journal in audit-log/, breaks
 * copies of it in every way that the page names, and verifies both.
 * Rewrite the folder: `bun test/vectors/audit-log-vectors.ts`.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** File name below the journal folder to content. */
export type Files = ReadonlyMap<string, Buffer>;

const hashOf = (previous: Uint8Array, json: string | Buffer): Buffer =>
  createHash('sha256').update('sallyport.audit.v1\n').update(previous).update(json).digest();

const segment = (stream: string, number: number): string =>
  `${stream}/${String(number).padStart(6, '0')}.jsonl`;

/** Verifies a journal (sections 1 to 4 and 6). Returns how many entries it has and how many bytes of a torn tail; throws where it is broken. */
export function verifyIndependently(files: Files): { entries: number; tornBytes: number } {
  const streams = new Map<string, number[]>();
  for (const name of files.keys()) {
    const [, stream = '', number = ''] = /^([a-z0-9]+@\d{6,})\/(\d{6,})\.jsonl$/.exec(name) ?? [];
    if (stream !== '') streams.set(stream, [...(streams.get(stream) ?? []), Number(number)]);
  }
  const boot = (stream: string): number => Number(stream.split('@')[1]);
  const order = [...streams.keys()].toSorted((a, b) => boot(a) - boot(b));
  const result = { entries: 0, tornBytes: 0 };
  let head: { stream: string; seq: number; hash: string } | null = null;
  for (const stream of order) {
    let previous: Buffer = Buffer.alloc(32);
    let seq = 0;
    const numbers = (streams.get(stream) ?? []).toSorted((a, b) => a - b);
    for (const [index, number] of numbers.entries()) {
      if (number !== index + 1) throw new Error('a segment is missing');
      const content = files.get(segment(stream, number));
      const lines = (content ?? Buffer.alloc(0)).toString('latin1').split('\n');
      const rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, json = '', stated = ''] = /^([^\t]{2,})\t([A-Za-z0-9_-]{43})$/.exec(line) ?? [];
        const hash = hashOf(previous, Buffer.from(json, 'latin1'));
        if (hash.toString('base64url') !== stated) throw new Error('a hash does not follow');
        const entry = JSON.parse(Buffer.from(json, 'latin1').toString('utf8')) as Record<
          string,
          unknown
        > | null;
        if (entry?.['seq'] !== seq + 1) throw new Error('a number does not follow');
        if (seq === 0 && entry['action'] !== 'journal.open') throw new Error('no journal.open');
        if (seq === 0 && JSON.stringify(entry['previous']) !== JSON.stringify(head))
          throw new Error('a wrong citation');
        previous = hash;
        seq += 1;
        result.entries += 1;
      }
      const last = stream === order.at(-1) && number === numbers.at(-1);
      if (rest !== '' && !last) throw new Error('cut short before the end');
      result.tornBytes = rest.length;
    }
    if (seq > 0) head = { stream, seq, hash: previous.toString('base64url') };
  }
  return result;
}

const SUBJECT = {
  principal: 'token:Ab3dEf6hIj9k',
  userId: 'u_Qm7dYwV2n4R8sT1xZ3bCkA',
  team: 'acme',
  project: null,
  environment: 'dev',
  tokenId: 'Ab3dEf6hIj9k',
  resource: 'groq/chat/completions',
  provider: 'groq',
  model: 'openai/gpt-oss-20b',
  address: 'a_h2Kp9LxW5vN0qE6tYcJ7fg',
};
const CHARGES = [{ budget: 'team-acme-month', period: '2026-11' }];
const END = {
  result: 'success',
  errorCode: null,
  promptTokens: 11,
  completionTokens: 7,
  cachedTokens: 0,
  costPicoUsd: '2925000',
  basis: 'usage',
  overrunPicoUsd: '0',
  charges: CHARGES,
  latencyMs: 184,
  recovered: false,
};
const BUDGET = {
  budget: 'team-acme-month',
  period: '2026-11',
  principal: 'system',
  percent: 0,
  spentPicoUsd: '2925000',
  heldPicoUsd: '0',
  limitPicoUsd: '5000000',
  deltaPicoUsd: '0',
  reason: null,
};
const KEY = {
  keyId: 'groq@1',
  provider: 'groq',
  status: 401,
  errorCode: 'invalid_api_key',
  principal: 'gateway',
};
const DISK = {
  principal: 'system',
  freeBytes: 900_000_000,
  totalBytes: 20_000_000_000,
  thresholdBytes: 1_073_741_824,
};
const ALERT = { principal: 'local', destination: 'ops', alert: 'alr_Vector0AlertVector0Aler0' };
/** What is watched for, and what became of the alerts about it. */
const WATCHED: readonly Body[] = [
  {
    action: 'auth.burst',
    principal: 'system',
    count: 30,
    windowSeconds: 60,
    addresses: 2,
    threshold: 30,
  },
  {
    action: 'key.age',
    principal: 'system',
    keyId: 'groq@1',
    provider: 'groq',
    environment: null,
    stage: 'due',
    ageDays: 90,
    cadenceDays: 90,
  },
  {
    action: 'leak.lookup',
    principal: 'admin:Ab3dEf6hIj9k',
    asked: 3,
    keys: ['groq@1'],
    tokens: ['Ab3dEf6hIj9k'],
  },
  { ...DISK, action: 'disk.low' },
  { ...DISK, action: 'disk.recovered', freeBytes: 3_000_000_000 },
  { ...ALERT, action: 'alert.tested', delivered: true, error: null },
  { ...ALERT, action: 'alert.undelivered', principal: 'system', delivered: false, error: 'status 500' },
];
const OPEN = { action: 'journal.open', instance: 'Vector0Instance1', version: '0.1.0' };

type Body = Readonly<Record<string, unknown>> & { readonly action: string };

/** Streams, each a list of segments, each a list of entries: every action once at least. */
const JOURNAL: readonly (readonly (readonly Body[])[])[] = [
  [
    [
      { ...OPEN, previous: null, tornBytes: 0 },
      {
        action: 'control.team.add',
        principal: 'local',
        records: [{ kind: 'team', id: 'acme', revision: 1, body: { id: 'acme' }, resealed: false }],
      },
      {
        action: 'call.start',
        id: 'req_vector0001',
        ...SUBJECT,
        keyId: 'groq@1',
        holdPicoUsd: '30000000',
        charges: CHARGES,
        metadata: { stream: true },
      },
      { action: 'call.progress', id: 'req_vector0001', boundPicoUsd: '9000000', completionTokens: 25 },
      { action: 'call.end', id: 'req_vector0001', ...END },
    ],
    [
      { ...BUDGET, action: 'budget.alert', percent: 50 },
      { ...BUDGET, action: 'budget.exhausted', percent: 100 },
      { ...BUDGET, action: 'budget.paused', percent: 100 },
      { ...BUDGET, action: 'budget.resumed', principal: 'local' },
      {
        ...BUDGET,
        action: 'budget.adjusted',
        principal: 'local',
        deltaPicoUsd: '-5',
        reason: 'tab\t"quotes"\nand ünïcödé \u2028',
      },
      { ...BUDGET, action: 'budget.opened' },
    ],
    [
      {
        action: 'call.start',
        id: 'req_vector0002',
        ...SUBJECT,
        model: null,
        userId: null,
        keyId: 'groq@1',
        holdPicoUsd: '0',
        charges: [],
        metadata: {},
      },
    ],
  ],
  [
    [
      { ...OPEN, tornBytes: 17 },
      {
        action: 'call.end',
        id: 'req_vector0002',
        ...END,
        result: 'error',
        errorCode: 'gateway.died',
        costPicoUsd: '0',
        basis: 'hold',
        charges: [],
        recovered: true,
      },
      { action: 'call.refused', id: 'req_vector0003', ...SUBJECT, errorCode: 'access.model' },
      { action: 'auth.refused', address: 'others', tokenId: null, count: 12, errorCode: 'token.invalid' },
      { ...KEY, action: 'key.rejected' },
      { ...KEY, action: 'key.verified', status: 200, errorCode: null, principal: 'local' },
      ...WATCHED,
      {
        action: 'app.entry',
        event: 'login.failed',
        principal: 'token:Ab3dEf6hIj9k',
        userId: 'u_Qm7dYwV2n4R8sT1xZ3bCkA',
        team: 'acme',
        project: null,
        environment: 'dev',
        resource: null,
        provider: null,
        model: null,
        promptTokens: 0,
        completionTokens: 0,
        costPicoUsd: '0',
        latencyMs: null,
        result: 'error',
        errorCode: 'wrong_password',
        metadata: { attempt: 3 },
      },
      { action: 'journal.close', reason: 'SIGTERM' },
    ],
  ],
  [
    [
      { ...OPEN, tornBytes: 0 },
      {
        action: 'auth.refused',
        address: 'a_h2Kp9LxW5vN0qE6tYcJ7fg',
        tokenId: null,
        count: 1,
        errorCode: 'token.invalid',
      },
    ],
  ],
];

export function makeJournal(): Files {
  const files = new Map<string, Buffer>();
  let head: object | null = null;
  let atMs = Date.parse('2026-11-21T12:00:00.000Z');
  for (const [boot, segments] of JOURNAL.entries()) {
    const stream = `n1@${String(boot + 1).padStart(6, '0')}`;
    let previous: Buffer = Buffer.alloc(32);
    let seq = 0;
    for (const [index, bodies] of segments.entries()) {
      const lines: string[] = [];
      for (const body of bodies) {
        seq += 1;
        atMs += 137;
        const cited = seq === 1 ? { previous: head } : {};
        const json = JSON.stringify({ seq, at: new Date(atMs).toISOString(), ...body, ...cited });
        previous = hashOf(previous, json);
        lines.push(`${json}\t${previous.toString('base64url')}\n`);
      }
      files.set(segment(stream, index + 1), Buffer.from(lines.join('')));
    }
    head = { stream, seq, hash: previous.toString('base64url') };
  }
  return files;
}

export interface Variant {
  readonly class: string;
  readonly files: Files;
  /** Entries and torn bytes, or null where the journal is broken. */
  readonly expected: { readonly entries: number; readonly tornBytes: number } | null;
}

/** The journal broken, or cut, in every way that the specification names. */
export function makeVariants(valid: Files): Variant[] {
  const all = [...valid.keys()];
  const [first = '', second = ''] = all;
  const newest = all.at(-1) ?? '';
  const total = verifyIndependently(valid).entries;
  const linesOf = (name: string): string[] =>
    (valid.get(name) ?? Buffer.alloc(0)).toString('utf8').split('\n').slice(0, -1);
  const put = (name: string, content: string | Buffer): Files =>
    new Map([...valid, [name, Buffer.from(content as string)]]);
  const lines = (name: string, change: (all: string[]) => string[]): Files =>
    put(
      name,
      change(linesOf(name))
        .map((line) => `${line}\n`)
        .join(''),
    );
  const drop = (...names: string[]): Files =>
    new Map([...valid].filter(([name]) => !names.some((gone) => name.startsWith(gone))));
  const broken = (kind: string, files: Files): Variant => ({ class: kind, files, expected: null });
  const whole = (kind: string, files: Files, entries: number, tornBytes: number): Variant => ({
    class: kind,
    files,
    expected: { entries, tornBytes },
  });
  const [open = ''] = linesOf(newest);
  const crafted = (json: string): Files =>
    put('n1@000004/000001.jsonl', `${json}\t${hashOf(Buffer.alloc(32), json).toString('base64url')}\n`);
  const [lastLine = ''] = linesOf(newest).slice(-1);
  const lastHead = {
    stream: newest.split('/')[0],
    seq: linesOf(newest).length,
    hash: lastLine.split('\t')[1],
  };
  const citing = (previous: unknown): string =>
    JSON.stringify({ seq: 1, at: '2026-11-21T13:00:00.000Z', ...OPEN, previous, tornBytes: 0 });
  const size = valid.get(newest)?.length ?? 0;
  return [
    broken(
      'changed-byte',
      lines(first, (at) => at.with(2, (at[2] ?? '').replace('"acme"', '"acmf"'))),
    ),
    broken(
      'changed-hash',
      lines(first, (at) =>
        at.with(
          2,
          (at[2] ?? '').replace(/.(?=.$)/, (char) => (char === 'A' ? 'B' : 'A')),
        ),
      ),
    ),
    broken(
      'respelled-hash',
      lines(first, (at) => at.with(2, respell(at[2] ?? ''))),
    ),
    broken(
      'removed-line',
      lines(first, (at) => at.toSpliced(2, 1)),
    ),
    broken(
      'doubled-line',
      lines(first, (at) => at.toSpliced(2, 0, at[2] ?? '')),
    ),
    broken(
      'swapped-lines',
      lines(first, (at) => at.with(2, at[3] ?? '').with(3, at[2] ?? '')),
    ),
    broken(
      'inserted-line',
      lines(first, (at) => at.toSpliced(2, 0, open)),
    ),
    broken(
      'empty-line',
      lines(first, (at) => at.toSpliced(2, 0, '')),
    ),
    broken(
      'no-hash',
      lines(first, (at) => at.with(2, (at[2] ?? '').split('\t')[0] ?? '')),
    ),
    broken('missing-segment', drop(second)),
    broken('missing-last-segment', drop('n1@000001/000003.jsonl')),
    broken('missing-stream', drop('n1@000002')),
    broken('missing-first-stream', drop('n1@000001')),
    broken(
      'exchanged-segments',
      new Map([
        ...valid,
        [first, valid.get(second) ?? Buffer.alloc(0)],
        [second, valid.get(first) ?? Buffer.alloc(0)],
      ]),
    ),
    broken('cut-before-the-end', put(first, (valid.get(first) ?? Buffer.alloc(0)).subarray(0, -5))),
    broken(
      'text-behind-the-end',
      put(newest, Buffer.concat([valid.get(newest) ?? Buffer.alloc(0), Buffer.from('half a line\n')])),
    ),
    broken('wrong-citation', crafted(citing({ stream: 'n1@000003', seq: 2, hash: 'A'.repeat(43) }))),
    broken('wrong-citation-number', crafted(citing({ ...lastHead, seq: lastHead.seq + 1 }))),
    broken('no-citation', crafted(citing(null))),
    broken('no-open', crafted(citing(lastHead).replace('journal.open', 'journal.close'))),
    broken('wrong-number', crafted(citing(null).replace('"seq":1', '"seq":2'))),
    broken('not-an-entry', crafted('null')),
    broken('not-json', crafted('{"seq":1,')),
    whole('one-stream-more', crafted(citing(lastHead)), total + 1, 0),
    whole(
      'torn-tail',
      put(newest, Buffer.concat([valid.get(newest) ?? Buffer.alloc(0), Buffer.from('{"seq":3,"at":"2')])),
      total,
      16,
    ),
    whole(
      'torn-line-feed',
      put(newest, (valid.get(newest) ?? Buffer.alloc(0)).subarray(0, -1)),
      total - 1,
      size - open.length - 2,
    ),
    whole('empty-last-stream', put('n1@000004/000001.jsonl', ''), total, 0),
    whole(
      'lines-cut-from-the-end',
      lines(newest, (at) => at.slice(0, 1)),
      total - 1,
      0,
    ),
    whole('newest-stream-removed', drop('n1@000003'), total - 2, 0),
    whole('rewritten-chain', rewritten(), total, 0),
  ];
}

/** The same hash with its two spare bits set: other characters, the same 32 bytes. */
function respell(line: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return line.slice(0, -1) + (alphabet[alphabet.indexOf(line.slice(-1)) + 1] ?? '');
}

/** A journal with one amount changed, and every hash and citation behind it made anew: whoever can write the files can do this. */
function rewritten(): Files {
  const streams = new Map<string, string[][]>();
  for (const [name, content] of makeJournal()) {
    const [stream = ''] = name.split('/');
    const jsons = content
      .toString('utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[0] ?? '');
    streams.set(stream, [...(streams.get(stream) ?? []), jsons]);
  }
  const files = new Map<string, Buffer>();
  let head: object | null = null;
  for (const [stream, segments] of streams) {
    let previous: Buffer = Buffer.alloc(32);
    let seq = 0;
    for (const [index, jsons] of segments.entries()) {
      const lines = jsons.map((json) => {
        const entry = JSON.parse(json) as Record<string, unknown>;
        if (entry['costPicoUsd'] === '2925000') entry['costPicoUsd'] = '1';
        if ('previous' in entry) entry['previous'] = head;
        const changed = JSON.stringify(entry);
        previous = hashOf(previous, changed);
        seq += 1;
        return `${changed}\t${previous.toString('base64url')}\n`;
      });
      files.set(segment(stream, index + 1), Buffer.from(lines.join('')));
    }
    head = { stream, seq, hash: previous.toString('base64url') };
  }
  return files;
}

export function writeJournal(folder: string, files: Files): void {
  for (const [name, content] of files) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

export function loadJournal(folder: string): Files {
  const names = (readdirSync(folder, { recursive: true }) as string[]).filter((name) =>
    name.endsWith('.jsonl'),
  );
  return new Map(names.toSorted().map((name) => [name, readFileSync(join(folder, name))]));
}

if (import.meta.main) {
  const folder = new URL('audit-log', import.meta.url).pathname;
  rmSync(folder, { recursive: true, force: true });
  writeJournal(folder, makeJournal());
}
