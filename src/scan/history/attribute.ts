/**
 * Where objects with findings belong: under which paths, and in which commit each first stood there. Asked only when something was found, and for all
 * of it at once. Every commit counts that is in the repository, also one that no branch leads to any more; of a merge only what neither side had.
 */
import { type GitOptions, runGit, streamGit } from '../git.ts';

export interface Appearance {
  readonly path: string;
  readonly commit: string;
  /** Commits in the order in which they were made, parents first. */
  readonly order: number;
}

export interface Attribution {
  /** By the id of a blob, its first appearance under each of its paths. */
  readonly blobs: ReadonlyMap<string, ReadonlyMap<string, Appearance>>;
  /** By a name of a file or folder, the first path that has it. */
  readonly names: ReadonlyMap<string, Appearance>;
  /** By the id of a blob, paths at which it is staged. */
  readonly staged: ReadonlyMap<string, readonly string[]>;
}

const DIFF_TREE = [
  'diff-tree',
  '--stdin',
  '-r',
  '-c',
  '--root',
  '--raw',
  '--no-abbrev',
  '--no-renames',
  '--no-ext-diff',
  '--ignore-submodules=none',
  '-O/dev/null',
  '-z',
] as const;
/** More would not fit on a command line; then all changes are read. */
const MOST_ASKED_FOR = 500;

export async function attribute(
  git: GitOptions,
  blobs: ReadonlySet<string>,
  names: ReadonlySet<string>,
): Promise<Attribution> {
  const reader = new ChangeReader(blobs, names);
  if (blobs.size + names.size === 0) return { blobs: reader.blobs, names: reader.names, staged: new Map() };
  await follow(git, ['--all', '--reflog'], '', reader);
  if (!reader.isComplete()) {
    const commits = await allCommits(git);
    if (commits !== '') await follow(git, ['--stdin', '--not', '--all', '--reflog'], commits, reader);
  }
  const left = [...blobs].filter((id) => !reader.blobs.has(id));
  return {
    blobs: reader.blobs,
    names: reader.names,
    staged: left.length > 0 ? await stagedPaths(git, left) : new Map(),
  };
}

/** What cannot be followed, in a damaged repository, leaves objects without a path, but not without a finding. */
async function follow(
  git: GitOptions,
  from: readonly string[],
  input: string,
  reader: ChangeReader,
): Promise<void> {
  const commits = await runGit(
    ['rev-list', '--date-order', '--reverse', '--ignore-missing', ...from],
    git,
    input,
  );
  if (commits.code !== 0 || commits.out.length === 0) return;
  const asked = reader.wanted();
  await streamGit(
    [...DIFF_TREE, ...(asked ? asked.map((id) => `--find-object=${id}`) : [])],
    git,
    (chunk) => reader.push(chunk),
    commits.out.toString('latin1'),
  );
  reader.end();
}

async function allCommits(git: GitOptions): Promise<string> {
  const { code, out } = await runGit(
    [
      'cat-file',
      '--batch-all-objects',
      '--batch-check=%(objecttype) %(objectname)',
      '--unordered',
      '--buffer',
    ],
    git,
  );
  if (code !== 0) return '';
  return [...out.toString('latin1').matchAll(/^commit (\w+)$/gm)].map(([, id = '']) => `${id}\n`).join('');
}

async function stagedPaths(git: GitOptions, ids: readonly string[]): Promise<Map<string, string[]>> {
  const wanted = new Set(ids);
  const paths = new Map<string, string[]>();
  const { code, out } = await runGit(['ls-files', '--stage', '-z', '--full-name', ':/'], git);
  if (code !== 0) return paths;
  for (const entry of out.toString('utf8').split('\0')) {
    const [, id = '', path = ''] = /^\d+ (\w+) \d\t(.*)$/s.exec(entry) ?? [];
    if (wanted.has(id)) paths.set(id, [...(paths.get(id) ?? []), path]);
  }
  return paths;
}

/** Reads `diff-tree --raw -z`: a commit's id, then for each change its line and its path, each with a zero byte behind. */
class ChangeReader {
  readonly blobs = new Map<string, Map<string, Appearance>>();
  readonly names = new Map<string, Appearance>();
  readonly #blobs: ReadonlySet<string>;
  readonly #names: ReadonlySet<string>;
  #carry = '';
  #commit = '';
  #order = 0;
  /** The object of the change whose path comes next. */
  #object: string | null = null;

  constructor(blobs: ReadonlySet<string>, names: ReadonlySet<string>) {
    this.#blobs = blobs;
    this.#names = names;
  }

  isComplete(): boolean {
    return (
      [...this.#blobs].every((id) => this.blobs.has(id)) &&
      [...this.#names].every((name) => this.names.has(name))
    );
  }

  /** What git is to look for; null for everything. */
  wanted(): string[] | null {
    return this.#names.size > 0 || this.#blobs.size > MOST_ASKED_FOR ? null : [...this.#blobs];
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    // Kept byte by byte until a path is whole.
    const fields = (this.#carry + bytes.toString('latin1')).split('\0');
    this.#carry = fields.pop() ?? '';
    for (const field of fields) this.#take(field);
  }

  end(): void {
    this.#carry = '';
    this.#object = null;
  }

  #take(field: string): void {
    if (this.#object !== null) {
      this.#change(this.#object, field);
      this.#object = null;
    } else if (field.startsWith(':')) this.#object = field.split(' ').at(-2) ?? '';
    else {
      this.#commit = field;
      this.#order += 1;
    }
  }

  #change(object: string, bytes: string): void {
    const isWanted = this.#blobs.has(object);
    if (!isWanted && this.#names.size === 0) return;
    const path = Buffer.from(bytes, 'latin1').toString('utf8');
    const appearance = { path, commit: this.#commit, order: this.#order };
    if (isWanted) {
      const places = this.blobs.get(object) ?? new Map<string, Appearance>();
      this.blobs.set(object, places);
      if (!places.has(path)) places.set(path, appearance);
    }
    if (this.#names.size > 0) this.#noteNames(appearance);
  }

  #noteNames({ path, commit, order }: Appearance): void {
    const parts = path.split('/');
    for (const [at, part] of parts.entries()) {
      if (!this.#names.has(part) || this.names.has(part)) continue;
      this.names.set(part, { path: parts.slice(0, at + 1).join('/'), commit, order });
    }
  }
}
