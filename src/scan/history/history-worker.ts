/** A thread that takes its share of the packs of a history. */
import { prepareSkimming } from '../../detect/skim.ts';
import { doPackWork, type PackWork } from './pack-work.ts';

declare const self: Worker;

self.addEventListener('message', ({ data }: MessageEvent<PackWork>): void => void work(data));

/** Between two pauses. Memory of what was unpacked is given back in these. */
const PAUSE_MS = 50;

async function work(share: PackWork): Promise<void> {
  await prepareSkimming();
  const steps = doPackWork(share);
  let pausedAt = performance.now();
  let step = steps.next();
  for (; !step.done; step = steps.next()) {
    if (performance.now() - pausedAt < PAUSE_MS) continue;
    await Bun.sleep(0);
    pausedAt = performance.now();
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker has no origin
  postMessage(step.value);
}
