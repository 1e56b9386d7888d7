/**
 * The gateway as the soak looks into it: the same app that `sallyport up` runs, in a process of its own that says on request what it has in
 * memory after a collection. One line of JSON for each line that comes in; the first one says where it listens.
 */
import { heapStats } from 'bun:jsc';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';

/** Memory of the process right after a full collection. */
export interface MemorySample {
  readonly rssBytes: number;
  /** What JavaScript objects take, with what they hold outside the heap. */
  readonly heapBytes: number;
  readonly objects: number;
  readonly liveCalls: number;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

const [data = ''] = process.argv.slice(2);
const app = await startApp(
  readConfig(
    { data, port: '0', adminPort: '0' },
    { SALLYPORT_LOG_LEVEL: 'warn', SALLYPORT_DRAIN_SECONDS: '5' },
  ),
);
say({ url: app.gatewayUrl });

let text = '';
const decoder = new TextDecoder();
for await (const chunk of Bun.stdin.stream()) {
  text += decoder.decode(chunk, { stream: true });
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
    text = text.slice(end + 1);
    Bun.gc(true);
    const { heapSize, extraMemorySize, objectCount } = heapStats();
    const sample: MemorySample = {
      rssBytes: process.memoryUsage.rss(),
      heapBytes: heapSize + extraMemorySize,
      objects: objectCount,
      liveCalls: app.liveCalls(),
    };
    say(sample);
  }
}
await app.stop('the soak is over');
