/**
 * YAML 1.2 (and so JSON) as plain values that know where they stand. Strict: no aliases, no tags, no key twice, one document. An amount of
 * money keeps the digits that were written, because no float may hold one.
 */
import {
  isAlias,
  isMap,
  isScalar,
  LineCounter,
  parseDocument,
  isSeq,
  type ParsedNode,
  type Scalar,
} from 'yaml';
import { looksLikeCredential } from '../admin/credentials.ts';
import { type Path, type Problem, type Read, type Source, refused } from './problem.ts';

export const MAX_BYTES = 262_144;
/** Far deeper than any document of ours. */
const MAX_DEPTH = 16;
const MAX_PROBLEMS = 20;
const PLAIN_TAGS = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;
const DECIMAL = /^\d+(?:\.\d+)?$/;

const SECRET = {
  message: 'this looks like a key or a token, and values of keys are never in this file',
  fix: 'take it out, and rotate it at the provider if it was ever committed',
} as const;

/** A node with the places of its members. */
interface Located {
  readonly start: number;
  readonly value: unknown;
  readonly members: ReadonlyMap<string, { readonly nameStart: number; readonly of: Located }>;
}

const NO_MEMBERS: Located['members'] = new Map();

export function readYaml(text: string): Read<Source> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    strict: true,
    // Compares every key with every other one; the walk below does it in one pass.
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const placeAt = (offset: number): Problem['place'] => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col };
  };
  const [broken] = document.errors;
  if (broken) return refused([{ place: placeAt(broken.pos[0]), message: syntaxMessage(broken) }]);
  const version = document.directives.yaml;
  if (version.explicit === true && version.version !== '1.2') {
    return refused([
      { place: placeAt(0), message: 'only YAML 1.2 is read', fix: 'leave the %YAML line out' },
    ]);
  }
  if (document.contents === null) {
    return refused([{ place: placeAt(0), message: 'there is nothing in it', fix: 'begin with: version: 1' }]);
  }
  const walk = new Walk(placeAt);
  const root = walk.node(document.contents, '', 0);
  if (walk.problems.length > 0) return refused(walk.problems);
  // In comments too: the file is in version control.
  const leaking = text.split('\n').findIndex(looksLikeCredential);
  if (leaking >= 0) return refused([{ ...SECRET, place: { line: leaking + 1, column: 1 } }]);
  return { ok: true, value: sourceOf(root, placeAt) };
}

function syntaxMessage({ code, message }: { readonly code: string; readonly message: string }): string {
  if (code === 'RESOURCE_EXHAUSTION') return 'it is nested too deeply';
  if (code === 'MULTIPLE_DOCS') return 'there is a second document; one file holds one';
  return message.replace(/\.$/, '');
}

/** Members first, names of members where they are meant, and the nearest that there is for what is missing. */
function sourceOf(root: Located, placeAt: (offset: number) => Problem['place']): Source {
  const find = (path: Path): { readonly at: number; readonly whole: boolean } => {
    let node = root;
    let at = root.start;
    for (const step of path) {
      const member = node.members.get(String(step));
      if (!member) return { at, whole: false };
      at = member.nameStart;
      node = member.of;
    }
    return { at, whole: true };
  };
  return {
    value: root.value,
    placeOf: (path) => placeAt(find(path).at),
    has: (path) => find(path).whole,
  };
}

class Walk {
  readonly problems: Problem[] = [];
  readonly #placeAt: (offset: number) => Problem['place'];

  constructor(placeAt: (offset: number) => Problem['place']) {
    this.#placeAt = placeAt;
  }

  /** `name` is that of the member whose value this is. */
  node(node: ParsedNode | null, name: string, depth: number): Located {
    const start = node?.range[0] ?? 0;
    const leaf = (value: unknown): Located => ({ start, value, members: NO_MEMBERS });
    if (node === null) return leaf(null);
    if (depth > MAX_DEPTH) return this.#wrong(start, 'it is nested too deeply');
    if (isAlias(node)) {
      return this.#wrong(start, 'aliases (*name) are not read', 'write the value out where it is used');
    }
    if (node.tag !== undefined && !PLAIN_TAGS.test(node.tag)) {
      return this.#wrong(start, 'tags (!name) are not read', 'leave the tag out');
    }
    if (isScalar(node)) return leaf(this.#scalar(node, name));
    return isSeq(node) ? this.#list(node.items, start, name, depth) : this.#map(node, start, depth);
  }

  #scalar(node: Scalar, name: string): unknown {
    const { value, source = '' } = node;
    const start = node.range?.[0] ?? 0;
    if (looksLikeCredential(typeof value === 'string' ? value : source)) {
      return this.#secret(start).value;
    }
    if (typeof value !== 'number' || !name.endsWith('Usd')) return value;
    if (DECIMAL.test(source)) return source;
    return this.#wrong(
      start,
      `${name} is not an amount`,
      'write plain decimal dollars, such as 0.10 or "250.00"',
    ).value;
  }

  #list(items: readonly ParsedNode[], start: number, name: string, depth: number): Located {
    const found = items.map((item) => this.node(item, name, depth + 1));
    const members = new Map(found.map((of, index) => [String(index), { nameStart: of.start, of }]));
    return { start, value: found.map(({ value }) => value), members };
  }

  #map(node: ParsedNode, start: number, depth: number): Located {
    const members = new Map<string, { readonly nameStart: number; readonly of: Located }>();
    for (const { key, value } of isMap<ParsedNode, ParsedNode | null>(node) ? node.items : []) {
      const name = this.#name(key);
      if (name === undefined) continue;
      const nameStart = key.range[0];
      if (members.has(name)) this.#wrong(nameStart, 'the same name is there twice', 'leave one of them out');
      members.set(name, { nameStart, of: this.node(value, name, depth + 1) });
    }
    const value = Object.fromEntries([...members].map(([name, { of }]) => [name, of.value]));
    return { start, value, members };
  }

  #name(key: ParsedNode): string | undefined {
    const [start] = key.range;
    if (!isScalar(key)) {
      this.#wrong(start, 'a name is a plain word');
      return undefined;
    }
    const name = typeof key.value === 'string' ? key.value : (key.source ?? '');
    if (looksLikeCredential(name)) this.#secret(start);
    else if (name === '' || name === '__proto__') this.#wrong(start, 'that cannot be a name');
    else return name;
    return undefined;
  }

  /** Nothing of it is repeated. */
  #secret(start: number): Located {
    return this.#wrong(start, SECRET.message, SECRET.fix);
  }

  #wrong(start: number, message: string, fix?: string): Located {
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push({ place: this.#placeAt(start), message, ...(fix !== undefined && { fix }) });
    }
    return { start, value: null, members: NO_MEMBERS };
  }
}
