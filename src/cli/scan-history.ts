/** `scan --history`: how far it is shows on a terminal, and an interrupt ends it in order, so that the next one goes on from there. */
import { scanHistory } from '../scan/history/history.ts';
import { progressOn } from '../scan/progress.ts';
import type { Sink } from '../scan/sink.ts';
import type { Io } from './io.ts';
import type { SourceChoice } from './scan-source.ts';

export async function scanHistoryFor(choice: SourceChoice, io: Io, sink: Sink): Promise<void> {
  const { cwd, env } = io;
  const { generic, layers, images } = choice;
  const stop = new AbortController();
  void io.stopped().then(() => stop.abort());
  await scanHistory(
    {
      git: { cwd, env },
      progress: progressOn(io, !choice['no-progress']),
      stop: stop.signal,
      fresh: choice['no-cache'],
      images,
      ...(generic === undefined ? {} : { generic }),
      ...(layers === undefined ? {} : { layers }),
    },
    sink,
  );
}
