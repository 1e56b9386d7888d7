/** `fake`: the built-in provider on its own, for trying things out and for tests. */
import { startFake } from '../fake/fake.ts';
import { integer } from './args.ts';
import { defineCommand, EXIT } from './command.ts';
import { printJson } from './output.ts';

export const fake = defineCommand({
  name: 'fake',
  summary: 'Run a fake provider that answers like Groq, until it is told to stop.',
  options: {
    port: { type: 'string', value: 'N', help: 'port on 127.0.0.1 (default 0: any free one)' },
    json: { type: 'boolean', help: 'print the ready line as JSON' },
  },
  examples: ['sallyport fake --port 9000'],
  notes: ['It accepts whatever looks like a key, calls no model, and keeps its own bill under /__fake.'],
  run: async ({ values, io }) => {
    const upstream = startFake({ port: integer('--port', values.port ?? '0', 0, 65_535) });
    const stopped = io.stopped();
    if (values.json) printJson(io, { event: 'ready', url: upstream.url });
    else io.out(`fake provider at ${upstream.url}\n`);
    await stopped;
    await upstream.stop();
    return EXIT.ok;
  },
});
