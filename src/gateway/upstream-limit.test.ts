import { expect, test } from 'bun:test';
import type { WantedCalls } from './upstream-limit.ts';

const UNSTATED = { calls: 2000, stated: false };
const stated = (calls: number): WantedCalls => ({ calls, stated: true });

interface Start {
  /** What the runtime was started with; by default what is proved. */
  readonly atStart?: string | null;
  readonly files?: number;
  readonly wanted?: WantedCalls;
}

/** The bound is the runtime's, read at its start: each case needs a process of its own. Resolves to the calls, or what was thrown. */
async function prove(value: string | undefined, start: Start = {}): Promise<string> {
  const { atStart = value ?? null, files, wanted = UNSTATED } = start;
  const code = `
    import { proveUpstreamLimit } from ${JSON.stringify(new URL('upstream-limit.ts', import.meta.url).pathname)};
    await proveUpstreamLimit(${JSON.stringify(value)}, ${JSON.stringify(wanted)}).then(
      (calls) => console.log(calls),
      ({ code, message, fix }) => console.log(code, message, fix),
    );
  `;
  const command = [process.execPath, '--no-env-file', '--config=/dev/null', '-e', code];
  const child = Bun.spawn(
    files === undefined ? command : ['sh', '-c', `ulimit -n ${files}; exec "$@"`, 'sh', ...command],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        PATH: process.env['PATH'] ?? '',
        ...(atStart === null ? {} : { BUN_CONFIG_MAX_HTTP_REQUESTS: atStart }),
      },
    },
  );
  return (await new Response(child.stdout).text()).trim();
}

test('a bound that the runtime took at its start is in force, and calls stay a tenth below it', async () => {
  expect(await prove('20000')).toBe('2000');
  expect(await prove('65535')).toBe('2000');
  expect(await prove('400')).toBe('360');
  expect(await prove('20000', { wanted: stated(3000) })).toBe('3000');
  // Fewer than the default is a choice that the runtime keeps.
  expect(await prove('50')).toBe('45');
});

test('a bound that was set too late is not, and the start is refused', async () => {
  const refused = await prove('20000', { atStart: null, wanted: stated(300) });
  expect(refused).toMatch(/^config\.invalid .*only 256 upstream requests ran at once/);
}, 20_000);

test.each([undefined, '', '0', '-1', 'many', '20000.5', '65536', '70000', ' 20000'])(
  '%p is no bound, and the runtime would go by its default',
  async (value) => {
    expect(await prove(value)).toMatch(/^config\.invalid .*from 1 to 65535/);
  },
);

test('more calls than were asked for by name cannot be taken silently: the start is refused, with both ways out', async () => {
  expect(await prove('400', { wanted: stated(361) })).toMatch(
    /^config\.invalid 361 calls .* but 360\. Set SALLYPORT_MAX_CALLS to 360 or less, or BUN_CONFIG_MAX_HTTP_REQUESTS to 402/,
  );
});

test('open files bound the calls as well: fewer where nobody stated a number, else the way to raise them', async () => {
  expect(await prove('20000', { files: 1024 })).toBe('448');
  expect(await prove('20000', { files: 200, wanted: stated(36) })).toBe('36');
  expect(await prove('20000', { files: 1024, wanted: stated(449) })).toMatch(
    /^config\.invalid .*ulimit -n 1026/,
  );
  expect(await prove('20000', { files: 200 })).toMatch(/^config\.invalid .*ulimit -n 4128/);
});
