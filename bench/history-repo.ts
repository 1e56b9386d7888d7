/**
 * Makes a repository with a history of realistic size, the same for the same seed: text like code in some thousands of files, commits that change
 * a few lines of a few files, side branches that are merged, tags. Packed by `git gc`, as a clone has it.
 */
import { renameSync, rmSync } from 'node:fs';

export interface HistoryShape {
  readonly seed: number;
  readonly commits: number;
  /** How many files come into being over the whole history. */
  readonly files: number;
  /** Changes of a file, beside those that make one. */
  readonly edits: number;
  /** On average. */
  readonly fileBytes: number;
  /** Text to plant, by the number of the commit that adds it to a file. */
  readonly planted?: ReadonlyMap<number, string>;
}

/** About what the history of a scanner's own repository has: 18,000 commits, 57,000 blobs of 800 MB, a pack of 50 MB. */
export const LARGE: HistoryShape = {
  seed: 20_261_126,
  commits: 18_000,
  files: 3700,
  edits: 53_600,
  fileBytes: 14_000,
};

/** Writes the repository into `folder`, which must not be there. It is there only when it is whole. */
export async function makeHistory(folder: string, shape: HistoryShape): Promise<void> {
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  await git(['init', '--quiet', '--bare', '--initial-branch=main', unfinished]);
  const importing = Bun.spawn(
    ['git', '-C', unfinished, '-c', 'core.compression=1', 'fast-import', '--quiet', '--force'],
    { stdin: 'pipe', stdout: 'ignore', stderr: 'inherit' },
  );
  const writer = new Writer(importing.stdin);
  await new History(shape).write(writer);
  await writer.end();
  if ((await importing.exited) !== 0) throw new Error('git fast-import failed');
  // What fast-import did not store as a delta, a plain gc does not try again.
  await git(['-C', unfinished, 'repack', '-a', '-d', '-f', '-q', '--window=10', '--depth=50']);
  await git(['-C', unfinished, 'gc', '--quiet', '--prune=now']);
  renameSync(unfinished, folder);
}

async function git(args: readonly string[]): Promise<void> {
  const code = await Bun.spawn(['git', ...args], { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit' })
    .exited;
  if (code !== 0) throw new Error(`git ${args.join(' ')} ended with ${code}`);
}

const FLUSH_BYTES = 4 * 1024 * 1024;

class Writer {
  readonly #sink: Bun.FileSink;
  #pending = 0;

  constructor(sink: Bun.FileSink) {
    this.#sink = sink;
  }

  async write(text: string): Promise<void> {
    void this.#sink.write(text);
    this.#pending += text.length;
    if (this.#pending < FLUSH_BYTES) return;
    this.#pending = 0;
    await this.#sink.flush();
  }

  async end(): Promise<void> {
    await this.#sink.end();
  }
}

/** mulberry32. */
class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** Few are common. */
  skewed(limit: number): number {
    return Math.floor(this.next() ** 3 * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

const SYLLABLES =
  'ac ad al an ar as at be ca ce ch co cu de di do el en er et fa fi ge ha he in is it la le li lo ma me mi mo na ne no nu ob of on or pa pe po qu ra re ri ro sa se si so st ta te ti to tr un ur us va ve vi wa wi'.split(
    ' ',
  );

class Text {
  readonly #chance: Chance;
  readonly #words: string[] = [];

  constructor(chance: Chance) {
    this.#chance = chance;
    for (let count = 0; count < 4000; count += 1) {
      this.#words.push(Array.from({ length: 2 + chance.below(3) }, () => chance.pick(SYLLABLES)).join(''));
    }
  }

  word(): string {
    return this.#words[this.#chance.skewed(this.#words.length)] ?? '';
  }

  name(): string {
    const second = this.word();
    return this.word() + second.charAt(0).toUpperCase() + second.slice(1);
  }

  line(): string {
    const chance = this.#chance;
    const indent = ' '.repeat(2 * chance.below(5));
    const kind = chance.below(20);
    if (kind < 2) return '';
    if (kind < 5)
      return `${indent}// ${Array.from({ length: 4 + chance.below(9) }, () => this.word()).join(' ')}`;
    if (kind < 8) return `${indent}const ${this.name()} = ${this.name()}(${this.word()}, '${this.word()}');`;
    if (kind < 10)
      return `${indent}if (${this.name()}.${this.word()} !== ${chance.below(1000)}) return ${this.word()};`;
    if (kind < 12) return `${indent}"${this.word()}_${this.word()}": "${this.word()} ${this.word()}",`;
    if (kind < 13) return `import { ${this.name()} } from './${this.word()}-${this.word()}.ts';`;
    if (kind < 14 && chance.below(6) === 0) return `${indent}"integrity": "${this.#digest(64)}",`;
    if (kind < 16)
      return `${indent}${this.name()}.${this.name()}(${this.name()}, ${chance.below(100)}, ${this.word()});`;
    if (kind < 18) return `${indent}}`;
    return `${indent}export function ${this.name()}(${this.word()}: ${this.name()}): ${this.word()} {`;
  }

  #digest(length: number): string {
    let digits = '';
    while (digits.length < length) digits += this.#chance.below(2 ** 32).toString(16);
    return digits.slice(0, length);
  }

  lines(count: number): string[] {
    return Array.from({ length: count }, () => this.line());
  }
}

interface File {
  readonly path: string;
  readonly lines: string[];
}

const AUTHORS = 40;
const LINE_BYTES = 38;
const ENDINGS = ['ts', 'ts', 'ts', 'go', 'py', 'json', 'md', 'yaml', 'lock'];

class History {
  readonly #shape: HistoryShape;
  readonly #chance: Chance;
  readonly #text: Text;
  readonly #files: File[] = [];
  readonly #folders = ['src'];
  #mark = 0;
  #seconds = 1_500_000_000;

  constructor(shape: HistoryShape) {
    this.#shape = shape;
    this.#chance = new Chance(shape.seed);
    this.#text = new Text(this.#chance);
  }

  async write(writer: Writer): Promise<void> {
    const { commits, files, edits, planted } = this.#shape;
    let last = 0;
    let branch: { readonly tip: number; readonly touched: ReadonlyMap<string, string> } | null = null;
    for (let number = 1; number <= commits; number += 1) {
      const touched = new Map<string, string>();
      const due = (total: number): number =>
        Math.floor((total * number) / commits) - Math.floor((total * (number - 1)) / commits);
      for (let count = due(files); count > 0; count -= 1) this.#create(touched);
      for (let count = due(edits); count > 0; count -= 1) this.#edit(touched);
      const text = planted?.get(number);
      if (text !== undefined)
        touched.set(`src/planted-${number}.ts`, `// ${number}\nexport const value = '${text}';\n`);
      // One in eight is on a side branch, and the next one merges it.
      const merges = branch;
      if (branch === null && number > 2 && this.#chance.below(8) === 0) {
        const tip = await this.#commit(writer, `refs/heads/side`, [last], touched);
        branch = { tip, touched };
        continue;
      }
      branch = null;
      const parents = last === 0 ? [] : merges ? [last, merges.tip] : [last];
      const all = merges ? new Map([...merges.touched, ...touched]) : touched;
      last = await this.#commit(writer, 'refs/heads/main', parents, all);
      if (number % 500 === 0) await this.#tag(writer, `v${number}`, last);
    }
    await writer.write('reset refs/heads/side\nfrom 0000000000000000000000000000000000000000\n\n');
  }

  #create(touched: Map<string, string>): void {
    if (this.#chance.below(12) === 0) {
      this.#folders.push(
        `${this.#chance.pick(this.#folders).split('/').slice(0, 4).join('/')}/${this.#text.word()}`,
      );
    }
    const size = this.#shape.fileBytes * (0.1 + 3.6 * this.#chance.next() ** 3);
    const file = {
      path: `${this.#chance.pick(this.#folders)}/${this.#text.name()}${this.#files.length}.${this.#chance.pick(ENDINGS)}`,
      lines: this.#text.lines(Math.ceil(size / LINE_BYTES)),
    };
    this.#files.push(file);
    touched.set(file.path, textOf(file));
  }

  #edit(touched: Map<string, string>): void {
    const file = this.#files[this.#chance.skewed(this.#files.length)];
    if (!file) return;
    for (let hunks = 1 + this.#chance.skewed(5); hunks > 0; hunks -= 1) {
      const at = this.#chance.below(file.lines.length);
      const gone = this.#chance.skewed(9);
      const come = this.#chance.skewed(9);
      file.lines.splice(at, Math.max(gone, 1), ...this.#text.lines(Math.max(come, 1)));
    }
    touched.set(file.path, textOf(file));
  }

  async #commit(
    writer: Writer,
    ref: string,
    parents: readonly number[],
    touched: ReadonlyMap<string, string>,
  ): Promise<number> {
    this.#mark += 1;
    this.#seconds += 600 + this.#chance.below(9000);
    const author = `Author ${this.#chance.skewed(AUTHORS)} <author${this.#chance.skewed(AUTHORS)}@example.org>`;
    const message = `${this.#text.lines(1 + this.#chance.skewed(6)).join('\n')}\n${this.#mark}\n`;
    await writer.write(
      `commit ${ref}\nmark :${this.#mark}\nauthor ${author} ${this.#seconds} +0000\ncommitter ${author} ${this.#seconds} +0000\n${dataOf(message)}`,
    );
    const [first, ...others] = parents;
    if (first !== undefined) await writer.write(`from :${first}\n`);
    for (const other of others) await writer.write(`merge :${other}\n`);
    for (const [path, text] of touched) await writer.write(`M 100644 inline ${path}\n${dataOf(text)}`);
    await writer.write('\n');
    return this.#mark;
  }

  async #tag(writer: Writer, name: string, mark: number): Promise<void> {
    await writer.write(
      `tag ${name}\nfrom :${mark}\ntagger Author 1 <author1@example.org> ${this.#seconds} +0000\n${dataOf(this.#text.line())}`,
    );
  }
}

function textOf(file: File): string {
  return `${file.lines.join('\n')}\n`;
}

/** All of it is ASCII. */
function dataOf(text: string): string {
  return `data ${text.length}\n${text}\n`;
}
