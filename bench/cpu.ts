/**
 * CPU time of a process as the kernel counts it: user and system time of all its threads, of the children it has waited for, and of those
 * that run. Linux only. The kernel counts in ticks of 10 ms, so a measurement has to be long enough for one tick to be noise.
 */
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(Bun.spawnSync(['getconf', 'CLK_TCK']).stdout.toString()) || 100;
const POLL_MS = 50;
const QUIET_POLLS = 5;
const MAX_POLLS = 400;
/** The timers of an idle gateway may cost one tick within the quiet time. */
const QUIET_MS = 1000 / TICKS_PER_SECOND;

/** Milliseconds of CPU that a process and its children have used so far. Throws when it is gone. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program may hold spaces and brackets; behind its last bracket stands field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [14, 15, 16, 17].reduce((sum, field) => sum + Number(fields[field - 3]), 0);
  const running = childrenOf(pid).reduce((sum, child) => sum + cpuMs(child), 0);
  return (ticks * 1000) / TICKS_PER_SECOND + running;
}

/** Waits until the process does nothing any more. Throws when it is still busy after 20 s. */
export async function quiet(pid: number): Promise<void> {
  let before = cpuMs(pid);
  for (let poll = 0, still = 0; poll < MAX_POLLS; poll += 1) {
    await Bun.sleep(POLL_MS);
    const now = cpuMs(pid);
    still = now - before <= QUIET_MS ? still + 1 : 0;
    if (still === 0) before = now;
    if (still === QUIET_POLLS) return;
  }
  throw new Error(`Process ${pid} did not come to rest.`);
}

function childrenOf(pid: number): number[] {
  const children: number[] = [];
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim();
      if (text !== '') children.push(...text.split(' ').map(Number));
    } catch {
      // The thread has ended since.
    }
  }
  return children;
}
