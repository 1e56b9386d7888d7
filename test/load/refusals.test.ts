/** What a token holder who is refused for ever leaves on the disk. */
import { expect, test } from 'bun:test';
import { statSync } from 'node:fs';
import { refusals } from '../support/calls.ts';
import { openGate } from '../support/harness.ts';
import { newestSegment } from '../support/small-disk.ts';
import { issueToken, postChat } from '../support/setup.ts';

const CALLS = 2000;

test('refused calls of one token are all on record, and grow the disk by little', async () => {
  await using gate = await openGate();
  const { text: token, id } = await issueToken(gate, { rateLimitRPM: 1 });
  expect((await postChat(gate, {}, { token })).status).toBe(200);
  const segment = newestSegment(gate.data);
  const before = statSync(segment).size;
  // Each with an end user of its own: that would fill the table of pseudonyms as well.
  const call = async (n: number): Promise<number> =>
    (await postChat(gate, { user: `user-${n}` }, { token })).status;
  const statuses: number[] = [];
  for (let n = 0; n < CALLS; n += 100)
    statuses.push(...(await Promise.all(Array.from({ length: 100 }, (_, m) => call(n + m)))));
  expect(new Set(statuses)).toEqual(new Set([429]));
  // Those of the last second are written when the process ends in order.
  await gate.restart();
  expect(refusals(gate).reduce((sum, { count = 1 }) => sum + count, 0)).toBe(CALLS);
  expect(statSync(segment).size - before).toBeLessThan(300_000);
  expect(refusals(gate).every(({ tokenId, errorCode }) => tokenId === id && errorCode === 'limit.rate')).toBe(
    true,
  );
  // The first of them stand by themselves, each with its own end user.
  expect(new Set(refusals(gate).map(({ userId }) => userId)).size).toBe(refusals(gate).length);
});
