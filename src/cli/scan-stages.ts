/** What findings pass through on their way to the report, in order: what is allowed first, since nobody asks further about that. */
import { whenNeeded } from '../scan/keep-until-end.ts';
import type { Collector, StageMaker } from '../scan/sink.ts';
import type { ServerValues } from './client.ts';
import type { Io } from './io.ts';
import type { Source } from './scan-source.ts';

export interface StageChoice extends ServerValues {
  readonly staged: boolean;
  readonly whose: boolean;
  readonly respond: boolean;
  readonly verify: boolean;
}

/** A stage that has something to say besides its findings adds it to the notes or the problems of `result`. */
export async function stagesOf(
  choice: StageChoice,
  source: Source,
  io: Io,
  result: Collector,
): Promise<readonly StageMaker[]> {
  const asking = await askingStages(choice, io, result);
  // A hook looks for what is allowed when it has a finding, and only then it is known what is pushed. A long scan does not begin while it is malformed.
  const isLate = source.kind === 'staged' || typeof source.allowances === 'function';
  const load = async (): Promise<StageMaker> =>
    (await import('./scan-allowances.ts')).allowStageOf(source, io, (text) => result.notes.push(text));
  return [isLate ? whenNeeded(load) : await load(), ...asking];
}

/** They ask others about what was found, each when it is asked for. */
async function askingStages(choice: StageChoice, io: Io, result: Collector): Promise<StageMaker[]> {
  const stages: StageMaker[] = [];
  if (choice.whose || choice.respond) {
    const { whoseStage } = await import('./scan-whose.ts');
    stages.push(whoseStage(choice, io, (text) => result.notes.push(text)));
  }
  if (choice.verify) {
    const { refuseInHook, verifyStage } = await import('./scan-verify.ts');
    refuseInHook(choice.staged, io);
    stages.push(verifyStage());
  }
  return stages;
}
