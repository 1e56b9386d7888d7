/** A scan of a history as a process of its own, which keeps what it knows at every step: `history-process.ts FOLDER`. */
import { scanHistory } from '../../src/scan/history/history.ts';
import { NO_PROGRESS } from '../../src/scan/progress.ts';
import { Collector } from '../../src/scan/sink.ts';

await scanHistory(
  {
    git: { cwd: process.argv[2] ?? '', env: process.env },
    progress: NO_PROGRESS,
    stop: new AbortController().signal,
    survey: { threads: 1, saveMs: 0 },
  },
  new Collector(),
);
