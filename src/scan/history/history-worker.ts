/** A thread that takes its share of the packs of a history. */
import { doPackWork, type PackWork } from './pack-work.ts';

declare const self: Worker;

self.addEventListener('message', ({ data }: MessageEvent<PackWork>): void => {
  const steps = doPackWork(data);
  let step = steps.next();
  while (!step.done) step = steps.next();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker has no origin
  postMessage(step.value);
});
