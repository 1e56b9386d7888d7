import { expect, test } from 'bun:test';

/** The bound is the runtime's, read at its start: each case needs a process of its own. */
async function prove(
  value: string | undefined,
  atStart: string | null = value ?? null,
  files?: number,
): Promise<string> {
  const code = `
    import { proveUpstreamLimit } from ${JSON.stringify(new URL('upstream-limit.ts', import.meta.url).pathname)};
    await proveUpstreamLimit(${JSON.stringify(value)}).then(
      () => console.log('in force'),
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

test('a bound that the runtime took at its start is in force', async () => {
  expect(await prove('20000')).toBe('in force');
  expect(await prove('257')).toBe('in force');
  expect(await prove('65535')).toBe('in force');
  // Fewer than the default is a choice that the runtime keeps.
  expect(await prove('50')).toBe('in force');
});

test('a bound that was set too late is not, and the start is refused', async () => {
  expect(await prove('20000', null)).toMatch(/^config\.invalid .*only 256 upstream requests ran at once/);
}, 20_000);

test.each([undefined, '', '0', '-1', 'many', '20000.5', '65536', '70000', ' 20000'])(
  '%p is no bound, and the runtime would go by its default',
  async (value) => {
    expect(await prove(value)).toMatch(/^config\.invalid .*from 1 to 65535/);
  },
);

test('too few open files refuse the start with the way to raise them', async () => {
  expect(await prove('20000', '20000', 200)).toMatch(/^config\.invalid .*ulimit -n 65536/);
});
