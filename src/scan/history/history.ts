/**
 * The whole history of a repository: every object that is in it, also of merges, stashes, deleted branches and notes, each once; and the names of refs and
 * their logs. First a coarse look at all of it straight from the packs, then a closer one at what may hold something, then the question where that
 * belongs. A scan that was cut off goes on where it was.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findDeep } from '../../detect/deep.ts';
import { describe } from '../../core/errors.ts';
import { CleanBlobs } from '../clean-blobs.ts';
import type { Look } from '../content.ts';
import { findingOf } from '../finding.ts';
import { type GitOptions, runGit } from '../git.ts';
import { IdSet } from '../id-set.ts';
import type { Progress } from '../progress.ts';
import type { Sink } from '../sink.ts';
import { attribute } from './attribute.ts';
import { CloserLook } from './closer-look.ts';
import { placedFindings } from './emit.ts';
import { Inspector } from './inspector.ts';
import { searchStored } from './lfs.ts';
import { objectFolders, refuseSpecial } from './object-folders.ts';
import { type HistoryPlace, probeHistory } from './probe.ts';
import { survey, type SurveyOptions } from './survey.ts';
import { openUniverse, suspectsOf, type Universe } from './universe.ts';

export interface HistoryOptions extends Look {
  readonly git: GitOptions;
  readonly progress: Progress;
  readonly stop: AbortSignal;
  /** Neither reads nor keeps what is known to be clean. */
  readonly fresh?: boolean;
  /** Every object through git, none from a pack: for comparison. */
  readonly throughGit?: boolean;
  readonly survey?: Pick<SurveyOptions, 'threads' | 'mostMappedBytes' | 'saveMs'>;
}

/** Throws `config.invalid` where there is no repository; whatever else goes wrong is told to the sink as a problem. */
export async function scanHistory(options: HistoryOptions, sink: Sink): Promise<void> {
  const place = await probeHistory(options.git);
  if (place.isShallow) {
    sink.problem(
      'this clone is shallow, so older commits are not in it: git fetch --unshallow (in CI: fetch-depth: 0)',
    );
  }
  try {
    await new HistoryScan(options, place, sink).run();
  } catch (error) {
    sink.problem(describe(error));
  } finally {
    options.progress.end();
  }
}

class HistoryScan {
  readonly #options: HistoryOptions;
  readonly #place: HistoryPlace;
  readonly #sink: Sink;
  readonly #depth: Look;
  readonly #clean: CleanBlobs;

  constructor(options: HistoryOptions, place: HistoryPlace, sink: Sink) {
    this.#options = options;
    this.#place = place;
    this.#sink = sink;
    const { generic, layers } = options;
    this.#depth = {
      ...(generic === undefined ? {} : { generic }),
      ...(layers === undefined ? {} : { layers }),
    };
    this.#clean = new CleanBlobs({
      env: options.fresh ? {} : options.git.env,
      gitFolder: place.gitFolder,
      idBytes: place.idBytes,
      depth: this.#depth,
    });
  }

  async run(): Promise<void> {
    for (const folder of objectFolders(this.#place.objects, this.#options.git.env)) refuseSpecial(folder);
    await this.#refs();
    const universe = this.#options.throughGit ? null : this.#openUniverse();
    const inspector = new Inspector(universe?.all ?? new IdSet(Buffer.alloc(0), this.#place.idBytes));
    const look = new CloserLook(
      {
        depth: this.#depth,
        images: this.#options.images,
        git: this.#place.git,
        sink: this.#sink,
        clean: this.#clean,
        progress: this.#options.progress,
        stop: this.#options.stop,
      },
      inspector,
    );
    if (universe) {
      this.#sink.looked(universe.all.size, 0);
      const { survey: settings, progress, stop } = this.#options;
      const seen = await survey(universe, this.#clean, { progress, stop, depth: this.#depth, ...settings });
      this.#sink.looked(0, seen.bytes);
      inspector.learn(seen);
      if (this.#wasStopped(universe)) return;
      await look.objects([...new Set([...suspectsOf(universe), ...look.named()])]);
    } else {
      await look.everything();
      this.#sink.looked(look.done, 0);
    }
    // Folders that were looked at just now told more names.
    await look.objects(look.named());
    if (!this.#options.stop.aborted) await searchStored(look, this.#place.gitFolder, this.#sink);
    this.#clean.save();
    if (this.#wasStopped(universe)) return;
    await this.#report(look);
    if (universe) await this.#findMissing(inspector);
  }

  /** Null when a pack is of a kind that only git knows. */
  #openUniverse(): Universe | null {
    try {
      return openUniverse(this.#place.objects, this.#place.idBytes, this.#place.git.env, this.#clean);
    } catch {
      return null;
    }
  }

  #wasStopped(universe: Universe | null): boolean {
    if (!this.#options.stop.aborted) return false;
    this.#clean.save();
    const of = universe ? ` of ${universe.all.size} objects` : '';
    this.#sink.problem(`it was stopped before the end${of}; the same command goes on from there`);
    return true;
  }

  async #report(look: CloserLook): Promise<void> {
    const blobs = new Set(look.dirty.filter(({ kind }) => kind === 'blob').map(({ id }) => id));
    const names = new Set(
      look.dirty.flatMap(({ kind, findings, placeholder }) =>
        kind === 'tree' ? findings.map(({ path }) => path.slice(placeholder.length + 1)) : [],
      ),
    );
    const attribution = await attribute(this.#place.git, blobs, names);
    for (const finding of placedFindings(look.dirty, attribution)) this.#sink.finding(finding);
  }

  /** Names of branches and tags, and what the logs of refs say. */
  async #refs(): Promise<void> {
    const { code, out } = await runGit(['for-each-ref', '--format=%(refname)'], this.#place.git);
    if (code === 0) this.#searchNames(out);
    else this.#sink.problem('git does not list the refs');
    for (const folder of new Set([this.#place.gitFolder, ...worktreeFolders(this.#place.gitFolder)])) {
      for (const path of filesBelow(join(folder, 'logs'))) {
        const name = path.slice(join(folder, 'logs').length + 1);
        this.#searchLines(readFileSync(path), `(log of ${name})`);
      }
    }
  }

  #searchNames(names: Buffer): void {
    for (const found of findDeep(names, 0, names.length, this.#depth)) {
      const start = names.lastIndexOf(0x0a, found.start) + 1;
      const end = names.indexOf(0x0a, found.start);
      const path = names.toString('utf8', start, end < 0 ? names.length : end);
      if (found.sure) this.#sink.finding(findingOf(found, { path, line: 0, column: 0 }));
    }
  }

  #searchLines(text: Buffer, path: string): void {
    for (const found of findDeep(text, 0, text.length, this.#depth)) {
      if (!found.sure) continue;
      const before = text.toString('utf8', 0, found.start).split('\n');
      this.#sink.finding(
        findingOf(found, { path, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }),
      );
    }
  }

  /** What is named and not there matters only if something leads to it: what git has thrown away may name what it has thrown away too. */
  async #findMissing({ missing }: Inspector): Promise<void> {
    if (missing.size === 0 && !this.#place.isPartial) return;
    const { code, out } = await runGit(
      ['rev-list', '--objects', '--all', '--reflog', '--missing=print', '--quiet'],
      this.#place.git,
    );
    const lost = out.toString('latin1').match(/^\?\w+/gm) ?? [];
    if (code === 0 && lost.length === 0) return;
    const count = lost.length > 0 ? `${lost.length} objects are` : 'some objects are';
    this.#sink.problem(
      this.#place.isPartial
        ? `this is a partial clone, and ${count} not in it: git config --unset remote.origin.partialclonefilter, then git fetch --refetch; or clone without --filter`
        : `${count} missing from this repository: git fsck names them; fetch them from another clone`,
    );
  }
}

function worktreeFolders(gitFolder: string): string[] {
  const folder = join(gitFolder, 'worktrees');
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
