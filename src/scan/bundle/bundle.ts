/**
 * What browsers get: the folders of a finished build, every file of them, source maps too. Each finding says which place of the sources it comes from, as
 * far as a map tells, and by what it got there.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { describe, SallyportError } from '../../core/errors.ts';
import { ContentScan, type Look } from '../content.ts';
import type { Finding } from '../finding.ts';
import { Collector, type Sink } from '../sink.ts';
import { causeOf, RUNS_IN_BROWSER } from './cause.ts';
import { variablesOf } from './env-names.ts';
import { SourceResolver } from './resolve.ts';

export interface BundleOptions {
  readonly cwd: string;
  /** Empty for those that builds have. */
  readonly folders: readonly string[];
  readonly look: Look;
}

export interface BundleHints {
  /** Files in which a provider's client is told to run in browsers. */
  readonly browserClients: readonly string[];
}

/** Where builds put what is published. */
const USUAL = [
  'dist',
  'build',
  'out',
  'public',
  'static',
  'www',
  '_site',
  '.next/static',
  '.output/public',
  '.vercel/output/static',
  '.svelte-kit/output/client',
  'storybook-static',
];
/** Meant for browsers, some of them. */
const MAYBE_PUBLIC = 'google-api-key';
const CHECK_RESTRICTION =
  'it may be meant for browsers: check that it is restricted to your pages and to what costs nothing, as Gemini takes the same keys';
const MOST_FILE_BYTES = 512 * 1024 * 1024;

/** Throws `input.invalid` when there is no such folder. */
export async function scanBundle(options: BundleOptions, sink: Sink): Promise<BundleHints> {
  const scan = new BundleScan(options, sink);
  for (const folder of foldersOf(options)) await scan.folder(folder);
  scan.tell();
  return scan;
}

function foldersOf({ cwd, folders }: BundleOptions): string[] {
  if (folders.length === 0) {
    const usual = USUAL.filter((name) => existsSync(join(cwd, name)));
    if (usual.length > 0) return usual;
    throw new SallyportError('input.invalid', `there is no build here: none of ${USUAL.join(', ')}`, {
      fix: 'build first, or name the folder: sallyport scan --bundle DIR',
    });
  }
  for (const folder of folders)
    if (!existsSync(resolve(cwd, folder)))
      throw new SallyportError('input.invalid', `there is no ${folder}`, {
        fix: 'build first, then name the folder that is published',
      });
  return [...folders];
}

class BundleScan implements BundleHints {
  readonly browserClients: string[] = [];
  readonly #options: BundleOptions;
  readonly #sink: Sink;
  readonly #variables: ReadonlyMap<string, string>;
  readonly #findings: Finding[] = [];
  readonly #seen = new Set<string>();
  /** Values that are in what is no map. */
  readonly #delivered = new Set<string>();

  constructor(options: BundleOptions, sink: Sink) {
    this.#options = options;
    this.#sink = sink;
    this.#variables = variablesOf(options.cwd);
  }

  async folder(path: string): Promise<void> {
    const whole = resolve(this.#options.cwd, path);
    // Links may lead in circles.
    const real = realpathSync(whole);
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    if (statSync(whole).isFile()) {
      await this.#file(whole);
      return;
    }
    let names: string[];
    try {
      names = readdirSync(whole).toSorted();
    } catch (error) {
      this.#sink.problem(`${path} was not read: ${describe(error)}`);
      return;
    }
    for (const name of names) {
      const inner = join(whole, name);
      const stats = statSync(inner, { throwIfNoEntry: false });
      if (stats?.isDirectory()) await this.folder(inner);
      else if (stats?.isFile()) await this.#file(inner);
      else if (!stats) this.#sink.problem(`${this.#shown(inner)} was not read: it leads nowhere`);
    }
  }

  tell(): void {
    for (const finding of this.#findings) {
      const onlyInMap = isInMap(finding) && !this.#delivered.has(finding.fingerprint);
      const cause = onlyInMap ? 'only in the source map: do not publish maps' : finding.cause;
      this.#sink.finding(cause === undefined ? finding : { ...finding, cause });
    }
  }

  async #file(path: string): Promise<void> {
    const shown = this.#shown(path);
    try {
      const { size } = statSync(path);
      this.#sink.looked(1, size);
      if (size > MOST_FILE_BYTES) throw new Error(`it is larger than ${MOST_FILE_BYTES} bytes`);
      await this.#content(path, shown, readFileSync(path));
    } catch (error) {
      this.#sink.problem(`${shown} was not scanned: ${describe(error)}`);
    }
  }

  async #content(path: string, shown: string, bytes: Buffer): Promise<void> {
    const inside = new Collector();
    await new ContentScan(inside, { ...this.#options.look, bundle: true }).scan({ path: shown, bytes });
    for (const problem of inside.problems) this.#sink.problem(problem);
    for (const [kind, count] of inside.skipped) this.#sink.skip(kind, count);
    const found = [...inside.findings, ...inside.allowed];
    if (RUNS_IN_BROWSER.test(bytes.toString('latin1'))) this.browserClients.push(shown);
    if (found.length === 0) return;
    const resolver = new SourceResolver(path, bytes, this.#options.cwd);
    const lines = bytes.toString('utf8').split('\n');
    for (const finding of found) {
      const isMap = isInMap(finding);
      if (!isMap) this.#delivered.add(finding.fingerprint);
      this.#findings.push(isMap ? withOwnOrigin(finding) : this.#explained(finding, resolver, lines));
    }
  }

  #explained(finding: Finding, resolver: SourceResolver, lines: readonly string[]): Finding {
    return finding.value.revealText((value) => {
      const isPlain = finding.file === undefined && finding.encodings.length === 0;
      const resolved = isPlain ? resolver.resolve(finding.line, finding.column, value) : null;
      const before = (lines[finding.line - 1] ?? '').slice(0, Math.max(0, finding.column - 1));
      const cause = causeOf({
        path: finding.path,
        value,
        before,
        source: resolved?.text ?? null,
        variable: this.#variables.get(value),
      });
      return {
        ...finding,
        ...(resolved ? { origin: resolved.origin } : {}),
        ...(cause === null ? {} : { cause }),
        ...(finding.rule.id === MAYBE_PUBLIC ? { remark: CHECK_RESTRICTION } : {}),
      };
    });
  }

  #shown(path: string): string {
    const way = relative(this.#options.cwd, path);
    return way.startsWith('..') || isAbsolute(way) ? path : way.replaceAll(sep, '/');
  }
}

function isInMap({ path }: Finding): boolean {
  return /\.map(?:!|$)/.test(path);
}

/** `dist/a.js.map!src/a.ts`: the map carries the source, so the place in it is the place. */
function withOwnOrigin(finding: Finding): Finding {
  const source = finding.path.split('!')[1];
  if (source === undefined) return finding;
  return {
    ...finding,
    origin: { path: source, line: finding.line, column: finding.column },
    cause: 'the source map carries the source',
  };
}
