/**
 * Reads a text in pieces and says how much of it may be let go, and which stretches of that are secrets. INVARIANT: which stretches depends on the
 * text alone. What is held is never more than `MOST_HELD` characters: what is undecided then is taken for a secret, with all that goes on from it.
 */
import { RUN } from '../detect/run-skip.ts';
import { ROW_BITS } from './automaton.ts';
import { type Candidate, type Codes, compareCuts, type Cut, RANK } from './candidate.ts';
import { endOf, KEY_OR_BASE64, KEY_TABLE, SPACE, type Table } from './characters.ts';
import { codeOf } from './codes.ts';
import { contextCandidate } from './context-candidate.ts';
import { JOINS } from './context-facts.ts';
import type { Plan } from './plan.ts';

/** No secret that is told by a rule needs as much to be decided. */
export const MOST_HELD = 16 * 1024;
export const TOO_LONG = 'undecided';
/** A longer piece is read in several. */
const MOST_AT_ONCE = 16 * 1024;
/** What stands before a value, and decides whether it is one. */
const LOOK_BACK = 512;
const FIRST_CAPACITY = 2048;

/** Told in the order of the text: what stays, and what is replaced. */
export interface Visitor {
  keep(from: number, to: number): void;
  replace(label: string): void;
}

export class Sieve implements Codes {
  codes = new Uint8Array(FIRST_CAPACITY);
  length = 0;
  ended = false;
  /** What stands before it was let go. */
  done = 0;
  /** Stretches that were not wholly let go yet. */
  readonly #cuts: Cut[] = [];
  readonly #candidates: Candidate[] = [];
  readonly #plan: Plan;
  /** Parts of the plan that are asked at every piece. */
  readonly #next: Uint16Array;
  readonly #hasEnds: Uint8Array;
  readonly #heldLength: Uint16Array;
  /** A run that the text ends with is held up to this length; 0 when none is. */
  readonly #longestRun: number;
  #state = 0;
  /** Where the last stretch that was told of ends. */
  #cutEnd = -1;
  /** Where the run of key characters that the text ends with begins. */
  #run = 0;
  #wideDone = -1;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#next = plan.automaton.next;
    this.#hasEnds = plan.automaton.hasEnds;
    this.#heldLength = plan.automaton.heldLength;
    this.#longestRun = plan.context?.longestRun ?? plan.wide?.longest ?? 0;
  }

  /** Makes room for `more` characters, and says how many of them can be read now. Positions may become smaller. */
  #room(more: number): number {
    const count = Math.min(more, MOST_AT_ONCE, this.done + MOST_HELD - this.length);
    if (this.length + count <= this.codes.length) return count;
    this.#forget();
    if (this.length + count > this.codes.length) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.length + count + LOOK_BACK)));
      larger.set(this.codes.subarray(0, this.length));
      this.codes = larger;
    }
    return count;
  }

  #forget(): void {
    let needed = this.done;
    for (const candidate of this.#candidates) needed = Math.min(needed, candidate.needs);
    const by = needed - LOOK_BACK;
    if (by <= 0) return;
    this.codes.copyWithin(0, by, this.length);
    this.length -= by;
    this.done -= by;
    this.#run -= by;
    this.#cutEnd -= by;
    this.#wideDone -= by;
    for (const candidate of this.#candidates) candidate.moved(by);
    for (const [at, cut] of this.#cuts.entries()) {
      this.#cuts[at] = { ...cut, start: cut.start - by, end: cut.end - by };
    }
  }

  /** Reads from `text[from..)`. Returns how many characters it took: at least one, if there is one. */
  readText(text: string, from: number): number {
    const count = this.#room(text.length - from);
    const { codes } = this;
    const next = this.#next;
    const hasEnds = this.#hasEnds;
    let state = this.#state;
    let length = this.length;
    let run = this.#run;
    for (let at = from; at < from + count; at += 1) {
      const unit = text.charCodeAt(at);
      const code = unit < 0x80 ? unit : codeOf(unit);
      codes[length] = code;
      if (KEY_TABLE[code] === 0) {
        if (length - run >= RUN) this.#runEnded(run, length);
        run = length + 1;
      }
      state = next[(state << ROW_BITS) | (code < 0x80 ? code : 0)] as number;
      length += 1;
      if (hasEnds[state] === 1) this.#begin(state, length);
    }
    this.#state = state;
    this.#run = run;
    this.length = length;
    return count;
  }

  /** The same for bytes. */
  readBytes(bytes: Uint8Array, from: number): number {
    const count = this.#room(bytes.length - from);
    const { codes } = this;
    const next = this.#next;
    const hasEnds = this.#hasEnds;
    let state = this.#state;
    let length = this.length;
    let run = this.#run;
    for (let at = from; at < from + count; at += 1) {
      const code = bytes[at] as number;
      codes[length] = code;
      if (KEY_TABLE[code] === 0) {
        if (length - run >= RUN) this.#runEnded(run, length);
        run = length + 1;
      }
      state = next[(state << ROW_BITS) | (code < 0x80 ? code : 0)] as number;
      length += 1;
      if (hasEnds[state] === 1) this.#begin(state, length);
    }
    this.#state = state;
    this.#run = run;
    this.length = length;
    return count;
  }

  #begin(state: number, end: number): void {
    for (const pattern of this.#plan.automaton.ends[state] ?? []) {
      const candidate = this.#plan.beginnings[pattern]?.(this.codes, end);
      if (candidate) this.#candidates.push(candidate);
    }
  }

  /**
   * Decides what can be decided after what was read. Returns up to where it can be let go; `tell` has to follow, which is all that has to be done
   * where `isPlain` says that it holds no secret.
   */
  settle(): number {
    if (this.#plan.wide) this.#lookWide(this.#run, this.length);
    const hold = this.#candidates.length > 0 ? this.#decide() : Infinity;
    const safe = Math.max(this.done, Math.min(hold, this.#tailHold()));
    if (this.length - safe < MOST_HELD) return safe;
    this.#cuts.push({ start: safe, end: this.length, label: TOO_LONG, rank: 0, goesOn: KEY_OR_BASE64 });
    this.#candidates.length = 0;
    return this.length;
  }

  /** Whether nothing of what can be let go is to be replaced. */
  get isPlain(): boolean {
    return this.#cuts.length === 0 && this.#cutEnd <= this.done;
  }

  /** Forgets all, for another text. */
  reset(): void {
    if (this.codes.length > FIRST_CAPACITY) this.codes = new Uint8Array(FIRST_CAPACITY);
    this.length = 0;
    this.ended = false;
    this.done = 0;
    this.#cuts.length = 0;
    this.#candidates.length = 0;
    this.#state = 0;
    this.#cutEnd = -1;
    this.#run = 0;
    this.#wideDone = -1;
  }

  /** Lets go of what is held if it is nothing but white space; false when there is something else. */
  release(): boolean {
    if (endOf(this.codes, this.done, this.length, SPACE) < this.length) return false;
    this.done = this.length;
    return true;
  }

  /** The same after the last of the text. */
  end(visitor: Visitor): void {
    this.ended = true;
    if (this.length - this.#run >= RUN) this.#runEnded(this.#run, this.length);
    this.#decide();
    this.#candidates.length = 0;
    this.tell(this.length, visitor);
  }

  covers(start: number, end: number): boolean {
    return this.#cuts.some(
      (cut) => cut.end >= end && (cut.start < start || (cut.start === start && cut.rank < RANK.around)),
    );
  }

  readonly #cut = (cut: Cut): void => void this.#cuts.push(cut);

  /** Advances all candidates; returns where the first that is left begins. */
  #decide(): number {
    const candidates = this.#candidates;
    let hold = Infinity;
    let kept = 0;
    for (let at = 0; at < candidates.length; at += 1) {
      const candidate = candidates[at];
      if (!candidate || candidate.advance(this, this.#cut)) continue;
      candidates[kept] = candidate;
      kept += 1;
      if (candidate.hold < hold) hold = candidate.hold;
    }
    candidates.length = kept;
    return hold;
  }

  /** What the text ends with, and could be the start of something. */
  #tailHold(): number {
    const { codes, length } = this;
    const run = this.#run;
    const hold = length - (this.#heldLength[this.#state] as number);
    if (this.#longestRun === 0) return hold;
    // Nearly always it is the run.
    const isPlain = run === 0 || JOINS[codes[run - 1] as number] === 0;
    if (isPlain && length - run <= this.#longestRun) return Math.min(hold, run);
    const { context, wide } = this.#plan;
    const ofContext = context ? context.holdAt(codes, run, length) : length;
    const ofWide = wide && length - run <= wide.longest ? run : length;
    return Math.min(hold, ofContext, ofWide);
  }

  /** A long run of key characters is complete. */
  #runEnded(start: number, end: number): void {
    // What began so long ago is longer than any value, or was looked at.
    if (start < 0) return;
    const { context, wide } = this.#plan;
    if (wide) this.#lookWide(start, end);
    const candidate = context ? contextCandidate(context, this.codes, start, end) : null;
    if (candidate) this.#candidates.push(candidate);
  }

  #lookWide(start: number, end: number): void {
    if (this.#wideDone === start || start < 0) return;
    const cut = this.#plan.wide?.cut(this.codes, start, end);
    if (!cut) return;
    this.#wideDone = start;
    this.#cuts.push(cut);
  }

  /** Tells of all up to `safe`, which is let go. */
  tell(safe: number, visitor: Visitor): void {
    const cuts = this.#cuts;
    let from = this.done;
    if (cuts.length > 0) {
      this.#stretch();
      let kept = 0;
      for (const cut of cuts) {
        if (cut.start < safe) {
          if (cut.start >= this.#cutEnd) {
            if (cut.start > from) visitor.keep(from, cut.start);
            visitor.replace(cut.label);
          }
          this.#cutEnd = Math.max(this.#cutEnd, cut.end);
          from = Math.max(from, Math.min(this.#cutEnd, safe));
        }
        if (cut.goesOn || cut.end > safe) {
          cuts[kept] = cut;
          kept += 1;
        }
      }
      cuts.length = kept;
    }
    from = Math.max(from, Math.min(this.#cutEnd, safe));
    if (from < safe) visitor.keep(from, safe);
    this.done = safe;
  }

  /** Stretches go on for as long as their characters do. Those that lie inside others are dropped, so that there are never many. */
  #stretch(): void {
    const cuts = this.#cuts;
    if (cuts.length > 1) cuts.sort(compareCuts);
    const ends = new Map<Table, number>();
    let kept = 0;
    let covered = -Infinity;
    for (const cut of cuts) {
      const { goesOn, ...closed } = cut;
      const inside = goesOn ? cut.end <= (ends.get(goesOn) ?? -1) : cut.end <= covered;
      if (inside) continue;
      const end = goesOn ? endOf(this.codes, cut.end, this.length, goesOn) : cut.end;
      if (goesOn) ends.set(goesOn, end);
      const isOpen = goesOn !== undefined && end === this.length && !this.ended;
      covered = Math.max(covered, end);
      cuts[kept] = isOpen ? { ...closed, end, goesOn } : { ...closed, end };
      kept += 1;
    }
    cuts.length = kept;
  }
}
