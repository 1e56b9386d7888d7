/**
 * Reads what a provider has sent of a stream that nobody takes any more, so that it is charged for what it was: often the rest and the usage
 * are there already. Bounded in time and bytes; keeps nothing.
 */
import type { ReplyBody } from './http1/exchange.ts';
import type { StreamMeter } from './stream-meter.ts';

/** A read that had to wait and gives less than this has emptied what was there. */
export const SMALL_READ_BYTES = 16 * 1024;
/** After so long without more than small reads the rest is not sent yet; a provider whose sending we held up needs a round trip. */
const QUIET_MS = 300;
const MOST_MS = 2000;
const MOST_BYTES = 1024 * 1024;

/** Resolves to whether all that was sent is read. Never rejects: a stream that breaks has nothing more to read. */
export async function readOn(
  body: Pick<ReplyBody, 'read'>,
  meter: StreamMeter,
  monotonicMs: () => number,
): Promise<boolean> {
  const startMs = monotonicMs();
  let lastLargeMs = startMs;
  let bytes = 0;
  while (bytes < MOST_BYTES) {
    const untilQuiet = lastLargeMs + QUIET_MS <= startMs + MOST_MS;
    const leftMs = (untilQuiet ? lastLargeMs + QUIET_MS : startMs + MOST_MS) - monotonicMs();
    const read = leftMs > 0 ? await within(body.read(), leftMs) : undefined;
    if (read === undefined) return untilQuiet;
    if (read === null) {
      meter.end();
      return true;
    }
    meter.read(read);
    // Nothing that counts comes behind the usage.
    if (meter.usage !== null) return true;
    bytes += read.length;
    if (read.length >= SMALL_READ_BYTES) lastLargeMs = monotonicMs();
  }
  return false;
}

/** Undefined when nothing comes in time; a stream that breaks off has ended. */
function within(reading: Promise<Uint8Array | null>, ms: number): Promise<Uint8Array | null | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, undefined);
    const settle = (read: Uint8Array | null): void => {
      clearTimeout(timer);
      resolve(read);
    };
    reading.then(settle, () => settle(null));
  });
}
