import { expect, test } from 'bun:test';
import { Abort } from './abort.ts';

test('only the first abort counts, and each listener runs once', () => {
  const abort = new Abort();
  const ran: unknown[] = [];
  abort.onAbort(() => ran.push(['early', abort.reason]));
  expect(abort.aborted).toBe(false);
  abort.abort('first');
  abort.abort('second');
  abort.onAbort(() => ran.push(['late', abort.reason]));
  expect({ aborted: abort.aborted, reason: abort.reason }).toEqual({ aborted: true, reason: 'first' });
  expect(ran).toEqual([
    ['early', 'first'],
    ['late', 'first'],
  ]);
});

test('a listener may abort again', () => {
  const abort = new Abort();
  let runs = 0;
  abort.onAbort(() => {
    runs += 1;
    abort.abort('again');
  });
  abort.abort('first');
  expect([runs, abort.reason]).toEqual([1, 'first']);
});
