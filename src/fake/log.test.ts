import { expect, test } from 'bun:test';
import { CallLog } from './log.ts';

const arrival = {
  method: 'POST',
  path: '/v1/chat/completions',
  key: null,
  requestId: null,
  headers: {},
  bodyBytes: 0,
  bodySha256: '',
};

test('the log keeps the last 50,000 calls and never reuses a sequence number', () => {
  const log = new CallLog();
  for (let i = 0; i < 123_456; i += 1) log.open(arrival);
  const calls = log.list();
  expect(calls).toHaveLength(50_000);
  expect(calls[0]!.seq).toBe(123_456 - 50_000 + 1);
  expect(calls.at(-1)!.seq).toBe(123_456);
  expect(log.list(123_455)).toHaveLength(1);
});

test('a listed call is a copy', () => {
  const log = new CallLog();
  const record = log.open(arrival);
  const [before] = log.list();
  record.status = 200;
  expect(before!.status).toBe(0);
});
