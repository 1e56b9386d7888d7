/** What findings pass through on their way to the report, in order: what is allowed first, since nobody asks further about that. */
import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ALLOW_FILE, type AllowLine } from '../scan/allow-file.ts';
import { type Allowances, type AllowOptions, AllowStage } from '../scan/allow-stage.ts';
import type { AllowPlace } from '../scan/allowances.ts';
import type { Collector, StageMaker } from '../scan/sink.ts';
import type { ServerValues } from './client.ts';
import type { Io } from './io.ts';
import type { Source } from './scan-source.ts';

const MOST_UNUSED = 10;

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
  const { env } = io;
  const cwd = folderOf(source, io.cwd);
  const nowMs = io.wallMs();
  const { allowances: from = { by: 'files' } } = source;
  const place = (): AllowPlace => (typeof from === 'function' ? from() : from);
  const load = async () =>
    (await import('../scan/allowances.ts')).loadAllowances(place(), { cwd, env }, nowMs);
  // A hook looks for them when it has a finding (and a push is known by then); a long scan does not begin while they are malformed.
  const isLate = source.kind === 'staged' || typeof from === 'function';
  const allowances = isLate ? load : await load();
  const saw = typeof allowances === 'function' ? null : wholeOf(source, cwd, allowances);
  const options: AllowOptions =
    saw === null ? { nowMs } : { nowMs, unused: (lines) => result.notes.push(...unusedNotes(lines, saw)) };
  return [(next) => new AllowStage(next, allowances, options), ...asking];
}

/** What a scan sees all of, so that a line that nothing came of can be told; null for those that see a part. */
function wholeOf({ kind, paths = [] }: Source, cwd: string, { top }: Allowances): string | null {
  if (kind === 'history') return 'the history';
  const isWhole = kind === 'paths' && paths.length === 0 && top !== undefined;
  return isWhole && realpathSync(top) === realpathSync(cwd) ? 'the files' : null;
}

/** The folder whose repository's allowances hold: that of the first path that was named, else the current one. */
function folderOf({ paths: [first] = [] }: Source, cwd: string): string {
  if (first === undefined) return cwd;
  const path = resolve(cwd, first);
  try {
    return statSync(path).isDirectory() ? path : dirname(path);
  } catch {
    // That it cannot be read, the scan says.
    return cwd;
  }
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

function unusedNotes(lines: readonly AllowLine[], where: string): string[] {
  const shown = lines
    .slice(0, MOST_UNUSED)
    .map(
      ({ number, rule, reason, until }) =>
        `${ALLOW_FILE}, line ${number}, allows nothing that is in ${where}: ${rule} until ${until}, ${reason}`,
    );
  const more = lines.length - shown.length;
  return [
    ...shown,
    ...(more > 0 ? [`${ALLOW_FILE}: ${more} more lines allow nothing that is in ${where}`] : []),
    ...(where === 'the files' ? ['the history may still need them: sallyport scan --history'] : []),
  ];
}
