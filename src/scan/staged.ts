/**
 * The lines that the next commit would add: what `git diff --cached` shows as added, of text and binary files alike, whatever the
 * repository's settings and attributes say. Removed lines and context are never looked at.
 */
import { type Depth, findDeep } from '../detect/deep.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { type Finding, findingOf } from './finding.ts';
import { complaint, type GitOptions, runGit, streamGit } from './git.ts';
import { PatchReader } from './patch.ts';
import { noWorkTree } from './repository.ts';
import { TextScan } from './text-scan.ts';

export interface ScanResult {
  readonly findings: readonly Finding[];
  readonly files: number;
  readonly bytes: number;
  /** Why not everything was scanned; empty when it was. */
  readonly problems: readonly string[];
}

const DIFF = [
  'diff',
  '--cached',
  '--patch',
  '--unified=0',
  '--inter-hunk-context=0',
  // An attribute or a NUL byte must not hide a file; neither may a program of the repository's settings show it.
  '--text',
  '--no-textconv',
  '--no-ext-diff',
  '--no-color',
  '--find-renames',
  '--submodule=short',
  '--ignore-submodules=none',
  '--src-prefix=a/',
  '--dst-prefix=b/',
  '-O/dev/null',
  '--',
] as const;

/** Throws `config.invalid` where there is no repository; whatever else goes wrong is among the result's problems. */
export async function scanStaged(options: GitOptions, depth: Depth = {}): Promise<ScanResult> {
  const scan = new StagedScan(depth);
  try {
    const { code, err } = await streamGit(DIFF, options, (chunk) => scan.reader.push(chunk));
    if (code === 0) scan.reader.end();
    else {
      await checkRepository(options);
      scan.problems.push(`git diff ended with ${code}: ${complaint(err)}`);
    }
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'config.invalid') throw error;
    scan.problems.push(describe(error));
  }
  return scan;
}

class StagedScan implements ScanResult {
  readonly findings: Finding[] = [];
  readonly problems: string[] = [];
  files = 0;
  bytes = 0;
  #path = '';
  readonly #depth: Depth;
  readonly #text: TextScan;

  constructor(depth: Depth) {
    this.#depth = depth;
    this.#text = new TextScan(
      (found, line, column) => this.findings.push(findingOf(found, { path: this.#path, line, column })),
      depth,
    );
  }

  readonly reader = new PatchReader({
    file: () => {
      this.files += 1;
      this.#path = '(unknown)';
    },
    path: (path, isNew) => {
      if (isNew && path !== this.#path) this.#scanName(path);
      this.#path = path;
    },
    block: (line) => this.#text.start(line),
    added: (bytes) => {
      this.bytes += bytes.length;
      this.#text.add(bytes);
    },
    endBlock: () => this.#text.end(),
    notShown: (what) => this.problems.push(`git does not show the lines: ${what}`),
  });

  #scanName(path: string): void {
    const bytes = Buffer.from(path);
    for (const found of findDeep(bytes, 0, bytes.length, this.#depth)) {
      this.findings.push(findingOf(found, { path, line: 0, column: 0 }));
    }
  }
}

async function checkRepository(options: GitOptions): Promise<void> {
  const { code, out } = await runGit(['rev-parse', '--is-inside-work-tree'], options);
  if (code !== 0 || out.toString().trim() !== 'true') throw noWorkTree();
}
