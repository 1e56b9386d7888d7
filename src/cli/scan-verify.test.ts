import { expect, test } from 'bun:test';
import { sample } from '../detect/samples.ts';
import { RULES } from '../detect/rules.ts';
import { findingOf } from '../scan/finding.ts';
import { reportOf } from '../scan/report.ts';
import { Collector, scanThrough, toAll } from '../scan/sink.ts';
import { verifyStage } from './scan-verify.ts';
import { run } from './test-io.ts';

const KEY = `gsk_${sample('alnum', 52)}`;

test('findings say what the provider answered, in every format; allowed ones are not asked about', async () => {
  let requests = 0;
  using server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () => {
      requests += 1;
      return Response.json({ error: { code: 'invalid_api_key' } }, { status: 401 });
    },
  });
  const rule = RULES.find(({ id }) => id === 'groq-api-key');
  if (!rule) throw new Error('no rule');
  const found = { rule, sure: true, encodings: [], value: KEY, start: 0, end: KEY.length };
  const place = { path: 'a.ts', line: 1, column: 1 };
  let json = '';
  let text = '';
  const options = {
    kind: 'paths',
    what: 'a test',
    showAllowed: true,
    colour: () => false,
    version: '0.0.0',
    startedAtMs: 0,
    nowMs: () => 0,
  } as const;
  const reports = [
    await reportOf('json', { ...options, write: (piece) => (json += piece) }),
    await reportOf('text', { ...options, write: (piece) => (text += piece) }),
  ];
  const result = new Collector();
  const scan = (sink: Collector | Parameters<typeof toAll>[0][number]): Promise<void> => {
    for (const line of [1, 2]) sink.finding(findingOf(found, { ...place, line }));
    sink.finding(
      findingOf({ ...found, value: KEY.replace('gsk', 'gsx'), mark: 'a test' }, { ...place, line: 3 }),
    );
    return Promise.resolve();
  };
  const stage = verifyStage({ originFor: () => server.url.origin });
  await scanThrough(scan, [stage], toAll([result, ...reports]));
  for (const report of reports) report.end(result);
  expect(requests).toBe(1);
  const lines = json
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ event, verified }) => [event, verified])).toEqual([
    ['finding', 'dead'],
    ['finding', 'dead'],
    ['allowed', undefined],
    ['summary', undefined],
  ]);
  expect(text).toContain('    dead: the provider does not know it (any more)');
  expect(json + text).not.toContain(KEY.slice(4, 30));
});

test('no hook asks a provider', async () => {
  for (const [argv, env] of [
    [['scan', '--staged', '--verify'], {}],
    [['scan', '--stdin', '--verify'], { GIT_INDEX_FILE: '.git/index' }],
    [['scan', '--stdin', '--verify'], { PRE_COMMIT: '1' }],
  ] as const) {
    const { code, err } = await run(argv, { env, stdin: `key = ${KEY}\n` });
    expect([code, err]).toEqual([2, expect.stringContaining('over the network') as string]);
  }
});
