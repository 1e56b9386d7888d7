/** Text that comes in through a pipe, of any length, in bounded memory: logs, the output of another program. */
import type { Depth } from '../detect/deep.ts';
import { findingOf } from './finding.ts';
import type { Sink } from './sink.ts';
import { TextScan } from './text-scan.ts';

/** What the text is called in reports. */
export const STDIN_PATH = '(standard input)';

export async function scanStdin(
  pieces: AsyncIterable<Uint8Array>,
  sink: Sink,
  { possible = false, ...depth }: Depth & { readonly possible?: boolean } = {},
): Promise<void> {
  const text = new TextScan((found, line, column) => {
    if (found.sure || possible) sink.finding(findingOf(found, { path: STDIN_PATH, line, column }));
  }, depth);
  sink.looked(1, 0);
  for await (const piece of pieces) {
    sink.looked(0, piece.length);
    text.add(piece);
  }
  text.end();
}
