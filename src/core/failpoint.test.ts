import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failpoint } from './failpoint.ts';

const FILE = new URL('failpoint.ts', import.meta.url).pathname;

/** Passes the point three times in a process of its own; gives the signal it died of and what the marker says. */
function run(armed: string | undefined): { signal: unknown; printed: string; marker: string | null } {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-failpoint-'));
  const marker = join(folder, 'marker');
  const script = `
    import { failpoint } from ${JSON.stringify(FILE)};
    for (let n = 1; n <= 3; n += 1) { failpoint('in-settle'); failpoint('in-commit'); process.stdout.write(String(n)); }
  `;
  const env: Record<string, string> = { SALLYPORT_FAILPOINT_MARKER: marker };
  if (armed !== undefined) env['SALLYPORT_FAILPOINT'] = armed;
  const child = Bun.spawnSync([process.execPath, '--no-env-file', '-e', script], { env });
  const result = {
    signal: child.signalCode ?? null,
    printed: child.stdout.toString(),
    marker: existsSync(marker) ? readFileSync(marker, 'utf8') : null,
  };
  rmSync(folder, { recursive: true });
  return result;
}

test('an unarmed point does nothing', () => {
  for (let n = 0; n < 1000; n += 1) failpoint('in-settle');
  expect(run(undefined)).toEqual({ signal: null, printed: '123', marker: null });
  expect(run('after-send')).toEqual({ signal: null, printed: '123', marker: null });
});

test('an armed point kills the process at the hit asked for, and leaves its mark', () => {
  expect(run('in-settle')).toEqual({ signal: 'SIGKILL', printed: '', marker: 'in-settle 1\n' });
  expect(run('in-commit:3')).toEqual({ signal: 'SIGKILL', printed: '12', marker: 'in-commit 3\n' });
});
