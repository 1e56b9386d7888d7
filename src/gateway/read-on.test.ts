import { expect, test } from 'bun:test';
import type { ReplyBody } from './http1/exchange.ts';
import { readOn, SMALL_READ_BYTES } from './read-on.ts';
import { StreamMeter } from './stream-meter.ts';

const encoder = new TextEncoder();
const line = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
const text = (content: string): string => line({ choices: [{ index: 0, delta: { content } }] });
const USAGE = line({ choices: [], usage: { prompt_tokens: 50, completion_tokens: 20 } });
const LARGE = text('x'.repeat(SMALL_READ_BYTES));

interface Rig {
  readonly meter: StreamMeter;
  readonly reader: Pick<ReplyBody, 'read'>;
  /** How much of what there was is read. */
  reads: number;
}

/** A provider that sent these pieces already, and then is silent, or goes on for ever. */
function sent(pieces: Iterable<string | Error | null>): Rig {
  const next = pieces[Symbol.iterator]();
  const rig: Rig = {
    meter: new StreamMeter({ dropUsageChunk: false }),
    reads: 0,
    reader: {
      read: () => {
        const { done, value } = next.next();
        if (done === true) return new Promise(() => undefined);
        rig.reads += 1;
        if (value instanceof Error) return Promise.reject(value);
        return Promise.resolve(value === null ? null : encoder.encode(value));
      },
    },
  };
  return rig;
}

/** A clock that goes on by `step` whenever it is looked at. */
function stepping(step: number): () => number {
  let ms = 0;
  return () => (ms += step);
}

const real = (): number => performance.now();

test('what was sent is read up to the usage, behind which nothing counts', async () => {
  const rig = sent([LARGE, text('b'), USAGE, text('never')]);
  expect(await readOn(rig.reader, rig.meter, real)).toBe(true);
  expect(rig.meter.usage).toMatchObject({ completionTokens: 20 });
  expect(rig.reads).toBe(3);
});

test('an end and a break are ends: there is nothing more to read', async () => {
  for (const last of [null, new Error('reset')]) {
    const rig = sent([text('a'), `data: {"choices":[{"index":0,"delta":{"content":"unfinished"}}]}`, last]);
    expect(await readOn(rig.reader, rig.meter, real)).toBe(true);
    // The unfinished line counts as well.
    expect(rig.meter.completionTokens()).toBeGreaterThanOrEqual(2);
  }
});

test('a provider that goes on at its own pace is left after a moment, caught up with', async () => {
  const rig = sent([LARGE, text('a')]);
  expect(await readOn(rig.reader, rig.meter, real)).toBe(true);
  const dripping = sent(
    (function* () {
      for (;;) yield text('a');
    })(),
  );
  expect(await readOn(dripping.reader, dripping.meter, stepping(10))).toBe(true);
  expect(dripping.reads).toBeLessThan(40);
});

test('a provider that floods is left behind after a bound of time or of bytes, whichever is first', async () => {
  function* flood(): Generator<string> {
    for (;;) yield LARGE;
  }
  const timed = sent(flood());
  expect(await readOn(timed.reader, timed.meter, stepping(10))).toBe(false);
  expect(timed.reads).toBeLessThan(220);
  const sized = sent(flood());
  expect(await readOn(sized.reader, sized.meter, () => 0)).toBe(false);
  expect(sized.meter.bytes).toBeWithin(1024 * 1024, 2 * 1024 * 1024);
});
