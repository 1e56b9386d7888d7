import { afterAll, expect, test } from 'bun:test';
import type { Log } from '../../core/log.ts';
import { OtlpHeaders } from './headers.ts';
import { Sender, type Sent } from './sender.ts';

let answer: () => Response | Promise<Response> = () => Response.json({});
const paths: string[] = [];
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  fetch: (request) => {
    paths.push(new URL(request.url).pathname);
    return answer();
  },
});
afterAll(() => server.stop(true));

interface Rig {
  readonly sender: Sender;
  readonly lines: string[];
}

const SECRET = ['receiver', 'credential'].join('-');

function rig(endpoint = `http://127.0.0.1:${server.port}/base`): Rig {
  const lines: string[] = [];
  const say = (message: string, fields?: object): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const headers = OtlpHeaders.parse('X', `authorization=${SECRET}`);
  return { sender: new Sender({ endpoint, headers, userAgent: 'test' }, 'traces', log), lines };
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  (): Response =>
    new Response(SECRET, { status: code, headers });

test.each<[string, () => Response, Sent]>([
  ['accepts', () => Response.json({}), { kind: 'accepted', rejected: 0 }],
  ['accepts with no body', () => new Response(''), { kind: 'accepted', rejected: 0 }],
  [
    'warns but takes all',
    () => Response.json({ partialSuccess: { errorMessage: 'x' } }),
    { kind: 'accepted', rejected: 0 },
  ],
  [
    'takes a part',
    () => Response.json({ partialSuccess: { rejectedSpans: '3' } }),
    { kind: 'accepted', rejected: 3 },
  ],
  [
    'says nonsense',
    () => Response.json({ partialSuccess: { rejectedSpans: -1e99 } }),
    { kind: 'accepted', rejected: 0 },
  ],
  ['says too much', () => new Response('x'.repeat(1_000_000)), { kind: 'accepted', rejected: 0 }],
  ['is busy', status(429, { 'retry-after': '7' }), { kind: 'later', afterMs: 7000 }],
  ['is busy for a year', status(503, { 'retry-after': '31536000' }), { kind: 'later', afterMs: 60_000 }],
  [
    'is busy until a date',
    status(503, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }),
    { kind: 'later', afterMs: null },
  ],
  ['is not there', status(502), { kind: 'later', afterMs: null }],
  ['wants another credential', status(401), { kind: 'refused' }],
  ['finds it too large', status(413), { kind: 'refused' }],
  ['is broken', status(500), { kind: 'refused' }],
  ['is elsewhere', status(307, { location: '/other' }), { kind: 'refused' }],
])('a receiver that %s', async (_, reply, sent) => {
  answer = reply;
  paths.length = 0;
  const { sender, lines } = rig();
  expect(await sender.send('{}')).toEqual(sent);
  expect(paths).toEqual(['/base/v1/traces']);
  const good = sent.kind === 'accepted' && sent.rejected === 0;
  expect([sender.failures, lines.length]).toEqual(good ? [0, 0] : [1, 1]);
  expect(lines.join('')).not.toContain(SECRET);
});

test('a receiver that does not answer in time, or is not there, may be there later', async () => {
  answer = () => new Promise(() => undefined);
  expect(await rig().sender.send('{}', 20)).toEqual({ kind: 'later', afterMs: null });
  const { sender, lines } = rig('http://127.0.0.1:1');
  expect(await sender.send('{}')).toEqual({ kind: 'later', afterMs: null });
  expect(lines[0]).toContain('"receiver":"127.0.0.1:1"');
});

test('an outage is logged when it begins and when it is over, however long it is', async () => {
  const { sender, lines } = rig();
  for (let outage = 0; outage < 2; outage += 1) {
    answer = status(503);
    for (let attempt = 0; attempt < 5; attempt += 1) await sender.send('{}');
    answer = () => Response.json({});
    for (let attempt = 0; attempt < 3; attempt += 1) await sender.send('{}');
  }
  expect(lines.map((line) => line.slice(0, 22))).toEqual([
    'Telemetry is not taken',
    'Telemetry is taken aga',
    'Telemetry is not taken',
    'Telemetry is taken aga',
  ]);
  expect(sender.failures).toBe(10);
});
