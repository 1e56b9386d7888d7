/**
 * Files and folders that somebody names, as they stand on the disk: of a work tree all that git has, and all that the next `git add .` would take.
 * Only values that surely are secrets are reported, unless asked for more: in files that have long been there, a placeholder is an example.
 */
import { resolve } from 'node:path';
import { describe, SallyportError } from '../../core/errors.ts';
import { findingOf } from '../finding.ts';
import type { ContentOptions } from '../content.ts';
import type { Progress } from '../progress.ts';
import type { Sink } from '../sink.ts';
import { Crew } from './crew.ts';
import { type FileList, filesOf, filesOfNested, kindOfPath, type ListOptions } from './file-list.ts';
import { eachInNames, listOf, type NamedFile, namesIn, pathOf } from './file-names.ts';
import { FileScan } from './file-scan.ts';
import { KnownFiles } from './known-files.ts';

export interface FilesOptions extends ListOptions {
  /** Looks at files again that are as they were when nothing was found in them. */
  readonly fresh: boolean;
  readonly content: ContentOptions;
  readonly progress: Progress;
}

/** Throws `input.invalid` for a path that is not there; a folder that git does not list, and what cannot be read, is a problem. */
export async function scanFiles(paths: readonly string[], options: FilesOptions, sink: Sink): Promise<void> {
  const kinds = paths.map((path) => kindOfPath(path, options.cwd));
  const folders = paths.filter((_, at) => kinds[at] === 'folder');
  const lists = await Promise.all(folders.map((folder) => filesOf(folder, options).catch(unlisted)));
  const seen = new Seen(options.cwd);
  const named = seen.unseen(paths.filter((_, at) => kinds[at] !== 'folder').map((shown) => ({ shown })));
  scanNames(named, options, sink);
  const scan = new FileScan(sink, { ...options.content, cwd: options.cwd });
  for (const file of named) {
    if ((await scan.scan(file, true)) === 'special')
      sink.problem(`${file.shown} is neither a file nor a folder`);
  }
  const { cwd, env, content, fresh } = options;
  const known = fresh ? null : new KnownFiles({ env, cwd, paths, content });
  const dirty = new Set<string>();
  await scanLists(lists, { seen: paths.length > 1 ? seen : null, known, dirty }, options, sink);
  known?.remember((shown) => !dirty.has(shown));
}

interface ListState {
  readonly seen: Seen | null;
  readonly known: KnownFiles | null;
  /** In which something was found, or which were not read as a whole. */
  readonly dirty: Set<string>;
}

/** Of a folder that git does not list; the others are scanned all the same. */
function unlisted(error: unknown): FileList {
  if (!(error instanceof SallyportError) || error.code !== 'scan.incomplete') throw error;
  return { names: Buffer.alloc(0), problems: [`${describe(error)}; ${error.fix}`] };
}

/** Goes on into the repositories that are inside others, until there are none. */
async function scanLists(
  lists: readonly FileList[],
  { seen, known, dirty }: ListState,
  options: FilesOptions,
  sink: Sink,
): Promise<void> {
  for (const problem of lists.flatMap(({ problems }) => problems)) sink.problem(problem);
  const listed = Buffer.concat(lists.map(({ names }) => names));
  const files = seen ? seen.unseen(namesIn(listed)) : namesIn(listed);
  if (files.length === 0) return;
  scanNames(files, options, sink);
  const unknown = known ? files.filter((file) => !known.has(file)) : files;
  // They were looked at, though not today.
  sink.looked(files.length - unknown.length, 0);
  options.progress.begin(unknown.length, 'files');
  const all = unknown.length === files.length && !seen;
  const { folders: nested, notClean } = await new Crew(all ? listed : listOf(unknown), options).scan(sink);
  for (const shown of notClean) dirty.add(shown);
  const within = await Promise.all(nested.map((folder) => filesOfNested(folder, options)));
  if (within.length > 0) await scanLists(within, { seen, known, dirty }, options, sink);
}

/** Paths may overlap: each file counts once. */
class Seen {
  readonly #cwd: string;
  readonly #seen = new Set<string>();

  constructor(cwd: string) {
    this.#cwd = cwd;
  }

  unseen(files: readonly NamedFile[]): NamedFile[] {
    return files.filter((file) => {
      const path = pathOf(this.#cwd, file);
      const key = typeof path === 'string' ? resolve(path) : path.toString('latin1');
      const isNew = !this.#seen.has(key);
      this.#seen.add(key);
      return isNew;
    });
  }
}

function scanNames(files: readonly NamedFile[], { content }: FilesOptions, sink: Sink): void {
  const { possible = false, images: _, ...depth } = content;
  eachInNames(files, depth, (found, path) => {
    if (found.sure || possible) sink.finding(findingOf(found, { path, line: 0, column: 0 }));
  });
}
