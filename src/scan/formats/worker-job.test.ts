import { expect, test } from 'bun:test';
import { groqKey, scanContent } from './test-content.ts';
import { pdfOfPages } from './test-pdf.ts';
import { JobThread } from './worker-job.ts';

test('several scans at once each get what is theirs', async () => {
  const keys = Array.from({ length: 6 }, (_, index) => groqKey(index + 1));
  const scanned = await Promise.all(
    keys.map((key, at) => scanContent(`${at}.pdf`, pdfOfPages([`(${key}) Tj`]))),
  );
  expect(scanned.map(({ places }) => places)).toEqual(keys.map((_, at) => [`${at}.pdf:1:1 (page 1)`]));
});

test('a job that never ends is given up, and the next one has a thread of its own', async () => {
  const thread = new JobThread<object>('pdf-worker', 50);
  const never = { request: {}, transfer: [], onMessage: () => false };
  const outcomes = await Promise.allSettled([thread.run(never), thread.run(never)]);
  const reasons = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? String(outcome.reason) : 'done',
  );
  expect(reasons).toEqual(['Error: it takes too long', 'Error: it takes too long']);
});
