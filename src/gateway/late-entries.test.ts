import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { callEnd } from '../../test/support/journal-lab.ts';
import type { EntryBody, Position } from '../audit/entry.ts';
import { silentLog } from '../core/log.ts';
import { LateEntries } from './late-entries.ts';

const position: Position = { stream: 's', seq: 1, hash: Buffer.alloc(32), segment: 1, offset: 1 };

test('whatever fails in between, entries reach the journal in their order and once', () => {
  const step = fc.oneof(fc.constant('record' as const), fc.constant('retry' as const), fc.boolean());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let works = true;
      let made = 0;
      const written: string[] = [];
      const append = (entry: EntryBody): Position => {
        if (!works) throw new Error('disk full');
        if (entry.action === 'call.end') written.push(entry.id);
        return position;
      };
      const late = new LateEntries(append, silentLog);
      for (const one of steps) {
        if (one === 'record') {
          late.record(callEnd(String(made)));
          made += 1;
        } else if (one === 'retry') late.retry();
        else works = one;
        const expected = Array.from({ length: written.length }, (_, index) => String(index));
        expect(written).toEqual(expected);
        expect(written.length + late.waiting).toBe(made);
      }
      works = true;
      late.retry();
      expect([written.length, late.waiting]).toEqual([made, 0]);
    }),
  );
});

test('the first failure is in the log, not every one', () => {
  const lines: string[] = [];
  const log = { ...silentLog, error: (message: string) => lines.push(message) };
  const late = new LateEntries(() => {
    throw new Error('disk full');
  }, log);
  for (let n = 0; n < 5; n += 1) late.record(callEnd(String(n)));
  late.retry();
  expect([lines.length, late.waiting]).toEqual([1, 5]);
});
