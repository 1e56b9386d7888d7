/** `scan PATH...`: how far it is shows on a terminal. */
import { scanFiles } from '../scan/files/files.ts';
import { progressOn } from '../scan/progress.ts';
import type { Sink } from '../scan/sink.ts';
import type { Io } from './io.ts';
import type { SourceChoice } from './scan-source.ts';

export async function scanPathsFor(choice: SourceChoice, io: Io, sink: Sink): Promise<void> {
  const { cwd, env } = io;
  const { paths, generic = false, images } = choice;
  const progress = progressOn(io, !choice['no-progress']);
  try {
    await scanFiles(
      paths.length > 0 ? paths : ['.'],
      {
        cwd,
        env,
        allFiles: choice['all-files'],
        fresh: choice['no-cache'],
        content: { generic, images },
        progress,
      },
      sink,
    );
  } finally {
    progress.end();
  }
}
