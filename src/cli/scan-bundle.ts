/** `scan --bundle`: what is found, and what is no leak by itself and leads to one. */
import { scanBundle } from '../scan/bundle/bundle.ts';
import type { Look } from '../scan/content.ts';
import { lineOf } from '../scan/reports/names.ts';
import type { Sink } from '../scan/sink.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

export async function scanBundleFor(
  folders: readonly string[],
  look: Look,
  io: Io,
  sink: Sink,
): Promise<void> {
  const { browserClients } = await scanBundle({ cwd: io.cwd, folders, look }, sink);
  for (const path of browserClients)
    note(
      io,
      `${lineOf(path)} lets a provider's client run in browsers (dangerouslyAllowBrowser): whatever key it is given, every visitor has. Call from your server, through the gateway`,
    );
}
