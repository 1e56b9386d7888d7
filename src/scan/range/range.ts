/**
 * What a range of commits brings: every object that is in it and not in what was there before, of all its commits, also of those that a later one
 * takes back, and of merges. What stood in the same file before counts as old.
 */
import { findDeep } from '../../detect/deep.ts';
import { describe } from '../../core/errors.ts';
import { type ContentOptions, ContentScan } from '../content.ts';
import { type Finding, findingOf } from '../finding.ts';
import { complaint, type GitOptions, runGit } from '../git.ts';
import { plainGit } from '../history/probe.ts';
import { Collector, type Sink } from '../sink.ts';
import { firstSeen, type Suspect } from './first-seen.ts';
import { eachObject, type GitObject } from './objects.ts';
import { idsOf, type Revisions } from './revisions.ts';

/**
 * Throws `config.invalid` where there is no repository, or a revision that it does not have; whatever else goes wrong is told to the sink as a
 * problem.
 */
export async function scanRange(
  options: GitOptions,
  sink: Sink,
  revisions: Revisions,
  content: ContentOptions = {},
): Promise<void> {
  const git = plainGit(options);
  const ids = await idsOf(revisions, git);
  if (ids === null) {
    sink.problem(CUT);
    return;
  }
  try {
    await new RangeScan(git, sink, ids, { ...content, possible: true }).run();
  } catch (error) {
    sink.problem(describe(error));
  }
}

const CUT =
  'this clone is shallow and does not have the whole range: git fetch --unshallow (in CI: fetch-depth: 0)';

class RangeScan {
  readonly #git: GitOptions;
  readonly #sink: Sink;
  readonly #revisions: Revisions;
  readonly #content: ContentOptions;
  readonly #input: string;

  constructor(git: GitOptions, sink: Sink, revisions: Revisions, content: ContentOptions) {
    this.#git = git;
    this.#sink = sink;
    this.#revisions = revisions;
    this.#content = content;
    this.#input = [...revisions.include, ...revisions.exclude.map((id) => `^${id}`)]
      .map((line) => `${line}\n`)
      .join('');
  }

  async run(): Promise<void> {
    if (this.#revisions.include.length === 0) return;
    const paths = await this.#objects();
    await this.#checkShallow(paths);
    const suspects: Suspect[] = [];
    await eachObject([...paths.keys()], this.#git, {
      object: (object) => this.#look(object, paths.get(object.id) ?? '', suspects),
      missing: (at) => this.#sink.problem(`object ${[...paths.keys()][at] ?? ''} is missing in this clone`),
      tooLarge: (id, size) =>
        this.#sink.problem(`${paths.get(id) ?? id} was not scanned: it has ${size} bytes`),
    });
    const known = await this.#before(suspects);
    for (const suspect of firstSeen(suspects)) {
      const { path, findings } = suspect;
      const fresh = findings.filter(({ fingerprint }) => known.get(path)?.has(fingerprint) !== true);
      if (fresh.length === 0) continue;
      const commit = await this.#commitOf(suspect);
      for (const finding of fresh) this.#sink.finding({ ...finding, ...(commit === null ? {} : { commit }) });
    }
  }

  /** The path of each new object; empty for commits. */
  async #objects(): Promise<Map<string, string>> {
    const out = await this.#say(['rev-list', '--objects', '--stdin']);
    const paths = new Map<string, string>();
    for (const line of out.split('\n')) {
      const space = line.indexOf(' ');
      if (line !== '')
        paths.set(space < 0 ? line : line.slice(0, space), space < 0 ? '' : line.slice(space + 1));
    }
    return paths;
  }

  /** A clone that was cut off in the middle of the range does not have all of it. */
  async #checkShallow(objects: ReadonlyMap<string, string>): Promise<void> {
    const path = (await this.#say(['rev-parse', '--git-path', 'shallow'])).trim();
    const file = Bun.file(path.startsWith('/') ? path : `${this.#git.cwd}/${path}`);
    if (!(await file.exists())) return;
    const cut = (await file.text()).split('\n').filter((id) => id !== '' && objects.has(id));
    if (cut.length > 0) this.#sink.problem(CUT);
  }

  async #look({ id, kind, bytes }: GitObject, path: string, suspects: Suspect[]): Promise<void> {
    if (kind === 'tree') {
      for (const name of treeNames(bytes, id.length / 2)) {
        const whole = path === '' ? name : `${path}/${name}`;
        const findings = nameFindings(name, whole, this.#content);
        // Each change in a folder makes a new tree with all its names.
        const isKnown = suspects.some((one) => one.isName && one.path === whole);
        if (findings.length > 0 && !isKnown) suspects.push({ id, path: whole, isName: true, findings });
      }
      return;
    }
    const start = kind === 'blob' ? 0 : messageStart(bytes);
    const named = kind === 'blob' ? path || id : kind === 'tag' ? '(tag)' : '(commit message)';
    this.#sink.looked(1, bytes.length);
    const say = (problem: string): void => this.#sink.problem(problem);
    const findings = await this.#search(named, bytes.subarray(start), say);
    // Who made it, and whatever else somebody wrote there.
    if (start > 0) findings.push(...(await this.#search('(commit header)', bytes.subarray(0, start), say)));
    if (findings.length > 0)
      suspects.push({ id, path: kind === 'blob' ? path : '', isName: false, findings });
  }

  async #search(path: string, bytes: Buffer, onProblem: (text: string) => void): Promise<Finding[]> {
    const found = new Collector();
    await new ContentScan(found, this.#content).scan({ path, bytes });
    for (const [kind, count] of found.skipped) this.#sink.skip(kind, count);
    for (const problem of found.problems) onProblem(problem);
    return [...found.findings, ...found.allowed];
  }

  /** What the same files held where the range begins, by path. */
  async #before(suspects: readonly Suspect[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const known = new Map<string, Set<string>>();
    const paths = [...new Set(suspects.map(({ path }) => path))].filter((path) => path !== '');
    if (paths.length === 0 || this.#revisions.exclude.length === 0) return known;
    const out = await this.#say(['rev-list', '--boundary', '--stdin']);
    const boundaries = out.split('\n').flatMap((line) => (line.startsWith('-') ? [line.slice(1)] : []));
    const names = boundaries.flatMap((commit) => paths.map((path) => ({ path, name: `${commit}:${path}` })));
    await eachObject(
      names.map(({ name }) => name),
      this.#git,
      {
        missing: () => undefined,
        tooLarge: () => undefined,
        object: async ({ kind, at, bytes }) => {
          const path = names[at]?.path ?? '';
          const prints = known.get(path) ?? new Set();
          known.set(path, prints);
          const old = kind === 'blob' ? await this.#search(path, bytes, () => undefined) : [];
          const named = nameFindings(path.slice(path.lastIndexOf('/') + 1), path, this.#content);
          for (const { fingerprint } of [...old, ...named]) prints.add(fingerprint);
        },
      },
    );
    return known;
  }

  /** The first commit of the range that brings it. */
  async #commitOf({ id, path, isName }: Suspect): Promise<string | null> {
    const log = [
      'log',
      '--stdin',
      '--format=%H',
      '--full-history',
      '-m',
      '--no-patch',
      '--no-show-signature',
      '--no-mailmap',
    ];
    // A name that is a secret is in no argument, where other users of the machine would see it.
    if (isName) return lastLine(await this.#say(['--literal-pathspecs', ...log], `--\n${path}\n`));
    const own = await runGit(['cat-file', '-t', id], this.#git);
    if (own.out.toString().trim() === 'commit') return id;
    return lastLine(await this.#say([...log, `--find-object=${id}`]));
  }

  async #say(args: readonly string[], more = ''): Promise<string> {
    const { code, out, err } = await runGit(args, this.#git, this.#input + more);
    if (code !== 0) throw new Error(`git ${args[0] ?? ''} ended with ${code}: ${complaint(err)}`);
    return out.toString();
  }
}

function lastLine(text: string): string | null {
  return text.trimEnd().split('\n').at(-1) || null;
}

/** Of a commit or a tag, what people wrote begins behind the first empty line. */
function messageStart(bytes: Buffer): number {
  const at = bytes.indexOf('\n\n');
  return at < 0 ? bytes.length : at + 2;
}

/** Names are in trees: a file that is only moved is no new object, but its folder is. `name` is the last part of the path. */
function nameFindings(name: string, path: string, { generic = false }: ContentOptions): Finding[] {
  const bytes = Buffer.from(name);
  return findDeep(bytes, 0, bytes.length, { generic }).map((found) =>
    findingOf(found, { path, line: 0, column: 0 }),
  );
}

/** Of a tree, whose entries are mode, space, name, zero, id. */
function treeNames(bytes: Buffer, idBytes: number): string[] {
  const names: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const end = bytes.indexOf(0, space);
    if (space < 0 || end < 0) break;
    names.push(bytes.toString('utf8', space + 1, end));
    at = end + 1 + idBytes;
  }
  return names;
}
