/**
 * Named points at which a test can kill the process for real. Armed only by SALLYPORT_FAILPOINT=<name>[:<nth hit>], which whoever starts
 * the process sets; a marker file proves that the point was reached. Unarmed, a point costs one comparison.
 */
import { writeFileSync } from 'node:fs';

export type FailpointName =
  | 'after-append'
  | 'after-send'
  | 'mid-stream'
  | 'in-settle'
  | 'in-commit'
  | 'in-record-commit'
  | 'in-recovery'
  | 'before-alert-send'
  | 'after-alert-send'
  | 'in-alert-settle'
  | 'in-survey'
  | 'in-clean-save';

const [armed, nth = '1'] = (process.env['SALLYPORT_FAILPOINT'] ?? '').split(':');
let hits = 0;

export function failpoint(name: FailpointName): void {
  if (name !== armed) return;
  hits += 1;
  if (hits < Number(nth)) return;
  const marker = process.env['SALLYPORT_FAILPOINT_MARKER'];
  if (marker) writeFileSync(marker, `${name} ${hits}\n`);
  process.kill(process.pid, 'SIGKILL');
  // SIGKILL is not always delivered before the next statement: nothing of this process may run on.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}
