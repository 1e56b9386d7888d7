/** What findings pass through on their way to the report, in order: what is allowed first, since nobody asks further about that. */
import type { Collector, StageMaker } from '../scan/sink.ts';
import type { Io } from './io.ts';
import type { Source } from './scan-source.ts';

/** A stage that has something to say besides its findings adds it to the notes or the problems of `result`. */
export function stagesOf(_source: Source, _io: Io, _result: Collector): Promise<readonly StageMaker[]> {
  return Promise.resolve([]);
}
