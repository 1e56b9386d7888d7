import { expect, test } from 'bun:test';
import { eventually } from '../../test/support/calls.ts';
import { LoopDelay } from './loop-delay.ts';

test('a loop that is held is seen to be late by at least as long, less one tick', async () => {
  const loop = new LoopDelay();
  loop.start();
  try {
    const untilMs = performance.now() + 201;
    while (performance.now() < untilMs);
    await eventually(() => loop.seconds.count > 0);
  } finally {
    loop.stop();
  }
  expect(loop.seconds.sum).toBeGreaterThanOrEqual(0.1);
});
