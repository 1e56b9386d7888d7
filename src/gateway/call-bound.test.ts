import { expect, test } from 'bun:test';
import { refusalOf } from '../../test/support/refusal.ts';
import { callBound } from './call-bound.ts';

const UNSTATED = { calls: 2000, stated: false };

test('as many calls as are wanted run at once where open files allow them', () => {
  expect(callBound(UNSTATED, 4128)).toBe(2000);
  expect(callBound({ calls: 36, stated: true }, 200)).toBe(36);
  expect(callBound({ calls: 60_000, stated: true }, Infinity)).toBe(60_000);
});

test('where nobody stated a number there are fewer calls, and a start that could take next to none is refused', () => {
  expect(callBound(UNSTATED, 4127)).toBe(1999);
  expect(callBound(UNSTATED, 1024)).toBe(448);
  expect(callBound(UNSTATED, 256)).toBe(64);
  expect(refusalOf(() => callBound(UNSTATED, 255))).toMatchObject({
    code: 'config.invalid',
    fix: expect.stringContaining('ulimit -n 4128'),
  });
});

test('a number that was stated is that number or an error, which says what to raise', () => {
  expect(refusalOf(() => callBound({ calls: 449, stated: true }, 1024))).toMatchObject({
    code: 'config.invalid',
    message: '449 calls cannot run at once, but 448.',
    fix: expect.stringContaining('ulimit -n 1026'),
  });
});

test('the limit is that of this process', async () => {
  const code = `import { callBound } from ${JSON.stringify(new URL('call-bound.ts', import.meta.url).pathname)};
    console.log(callBound({ calls: 2000, stated: false }));`;
  const command = [process.execPath, '--no-env-file', '--config=/dev/null', '-e', code];
  const child = Bun.spawn(['sh', '-c', 'ulimit -n 1024; exec "$@"', 'sh', ...command], { stdout: 'pipe' });
  // The runtime raises its own limit up to the hard one, which `ulimit` has lowered as well.
  expect((await new Response(child.stdout).text()).trim()).toBe('448');
});
