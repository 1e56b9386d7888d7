/**
 * Finds the ends of many texts in one pass, one table look-up a character (Aho and Corasick's automaton, with every transition worked out
 * beforehand). It also says how much of what was read last may be the start of a text that has to be held back.
 */

export interface Pattern {
  /** ASCII; what is not stands for any character outside it. */
  readonly text: string;
  /** Its start must not be let go before it is known whether the rest comes. */
  readonly held: boolean;
}

/** A state's row has a column for each ASCII character; the first stands for all others as well. */
const COLUMNS = 128;
export const ROW_BITS = 7;
const MOST_STATES = 0xffff;

interface Node {
  readonly children: Map<number, number>;
  readonly depth: number;
  held: boolean;
  readonly ends: number[];
}

export class Automaton {
  /** `next[(state << ROW_BITS) | column]`; the first state is 0. */
  readonly next: Uint16Array;
  /** Which patterns end at a state: indices of those that it was made from; most states have none. */
  readonly ends: readonly (readonly number[] | undefined)[];
  /** 1 for the states that have ends. */
  readonly hasEnds: Uint8Array;
  /** Length of the longest held pattern's start that the text ends with. */
  readonly heldLength: Uint16Array;

  constructor(patterns: readonly Pattern[]) {
    const nodes = trieOf(patterns);
    if (nodes.length > MOST_STATES) throw new RangeError('There are too many known values to look for.');
    this.next = new Uint16Array(nodes.length << ROW_BITS);
    this.hasEnds = new Uint8Array(nodes.length);
    this.heldLength = new Uint16Array(nodes.length);
    this.ends = this.#link(nodes);
  }

  /** Goes through the states by depth: each row is that of the longest other start that the state ends with, but for its own children. */
  #link(nodes: readonly Node[]): readonly (readonly number[] | undefined)[] {
    const ends: (readonly number[] | undefined)[] = Array.from({ length: nodes.length });
    const fallback = new Uint16Array(nodes.length);
    const waiting = [0];
    for (let head = 0; head < waiting.length; head += 1) {
      const state = waiting[head] ?? 0;
      const node = nodes[state];
      if (!node) continue;
      const other = fallback[state] ?? 0;
      const row = state << ROW_BITS;
      if (state !== 0) {
        this.next.copyWithin(row, other << ROW_BITS, (other + 1) << ROW_BITS);
        this.heldLength[state] = node.held ? node.depth : (this.heldLength[other] ?? 0);
        const all = [...node.ends, ...(ends[other] ?? [])];
        if (all.length > 0) ends[state] = all;
        this.hasEnds[state] = all.length > 0 ? 1 : 0;
      }
      for (const [column, child] of node.children) {
        fallback[child] = state === 0 ? 0 : (this.next[row | column] ?? 0);
        waiting.push(child);
      }
      for (const [column, child] of node.children) this.next[row | column] = child;
    }
    return ends;
  }
}

export function columnOf(code: number): number {
  return code < COLUMNS ? code : 0;
}

function trieOf(patterns: readonly Pattern[]): Node[] {
  const root: Node = { children: new Map(), depth: 0, held: false, ends: [] };
  const nodes = [root];
  for (const [index, { text, held }] of patterns.entries()) {
    let node = root;
    for (let at = 0; at < text.length; at += 1) {
      const column = columnOf(text.charCodeAt(at));
      let child = node.children.get(column);
      if (child === undefined) {
        child = nodes.length;
        node.children.set(column, child);
        nodes.push({ children: new Map(), depth: at + 1, held: false, ends: [] });
      }
      node = nodes[child] ?? root;
      // The whole of it is looked after by whoever is told of its end.
      if (held) node.held = true;
    }
    node.ends.push(index);
  }
  return nodes;
}
