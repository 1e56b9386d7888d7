/**
 * The program that skims text: sixteen bytes at a time it tells key characters from others and finds places that may be anchors, by two tables of
 * sixteen entries for each of three bytes (the upper and the lower half of a byte pick one each; as in the "Teddy" of Hyperscan). What that lets pass is
 * looked up exactly. Its tables and the text lie in its own memory, written there by skim-wasm.ts.
 */
import { PLACE } from './anchors.ts';
import { ALPHABETS } from './bytes.ts';
import { RUN } from './run-skip.ts';
import { escapeFunction } from './skim-escapes.ts';
import { base64Function, runFunction } from './skim-runs.ts';
import { FUNCTIONS, plus, RUN_TABLES } from './skim-tables.ts';
import { addressFunction, prefixesFunction, valueFunction } from './skim-values.ts';
import { call, type Code, i32, i64, type Local, Locals, moduleOf, repeat, v128, when } from './wasm-code.ts';

/** Bytes that are looked at together: one bit each in 64. */
const BLOCK = 64;
const VECTOR = 16;
/** Three numbers: where it begins, where it ends or -1, and the bits of an anchor. */
export const EVENT_BYTES = 12;
/** No block has more events: an anchor at each byte, and the runs that end in it. */
const MOST_IN_BLOCK = BLOCK + 4;

/** Where things are in the memory. */
export const LAYOUT = {
  /** What a call leaves for the next: how many events there are, where to go on, where the run begins that is open, whether there was a
   * zero, and where the last prefix was. */
  count: 0,
  at: 4,
  run: 8,
  zero: 12,
  prefix: 16,
  /** Eight tables of sixteen bytes: for key characters and for each place of an anchor, by the lower half of a byte and by the upper. */
  halves: 64,
  /** Other tables are in skim-tables.ts, up to the events. */
  /** Three tables of 256 numbers of four bytes. */
  filters: 512,
  events: 8192,
  eventCount: 16_384,
  text: 8192 + 16_384 * EVENT_BYTES + 512,
} as const;

/** Behind the text there have to be as many bytes that are neither key characters nor part of an anchor. */
export const PAD_BYTES = BLOCK + VECTOR;

const PAGE_BYTES = 65_536;

/**
 * `run(at, to, groups, uses)` skims the text from `at` to `to`; `groups` are the bits of anchors that only count before enough key characters, `uses`
 * those that a run is told of for. Gives the bytes of the events back.
 */
export function skimProgram(textBytes: number): Uint8Array<ArrayBuffer> {
  const locals = new Locals();
  const [at, to, groups, uses] = [locals.add('i32'), locals.add('i32'), locals.add('i32'), locals.add('i32')];
  const state = stateOf(locals, uses);
  const pages = Math.ceil((LAYOUT.text + textBytes) / PAGE_BYTES);
  const full = MOST_IN_BLOCK * EVENT_BYTES;
  const end = LAYOUT.events + LAYOUT.eventCount * EVENT_BYTES - full;
  const body: Code[] = [
    state.lowHalf.set(v128.splat8(i32.of(0x0f))),
    ...state.halves.map((half, index) => half.set(v128.load(i32.of(LAYOUT.halves + VECTOR * index)))),
    state.run.set(i32.load(i32.of(LAYOUT.run))),
    state.prefix.set(i32.load(i32.of(LAYOUT.prefix))),
    state.event.set(i32.of(LAYOUT.events)),
    repeat(i32.and(i32.leS(at.get, to.get), i32.ltS(state.event.get, i32.of(end))), [
      ...classify(state, at),
      when(i32.eqz(i64.eqz(state.anchors.get)), [eachAnchor(state, at, groups)]),
      eachRun(state, at),
      at.set(i32.add(at.get, i32.of(BLOCK))),
    ]),
    i32.store(i32.of(LAYOUT.at), at.get),
    i32.store(i32.of(LAYOUT.run), state.run.get),
    i32.store(i32.of(LAYOUT.prefix), state.prefix.get),
    i32.store(i32.of(LAYOUT.zero), i32.or(i32.load(i32.of(LAYOUT.zero)), v128.anyTrue(state.zeros.get))),
    i32.sub(state.event.get, i32.of(LAYOUT.events)),
  ];
  // In the order of FUNCTIONS.
  const functions = [
    { parameters: 4, locals, body },
    runFunction(),
    base64Function(),
    valueFunction(),
    prefixesFunction(),
    addressFunction(),
    escapeFunction(),
  ];
  return moduleOf(functions, pages);
}

const ESCAPES = PLACE.percent | PLACE.backslash;

interface State {
  readonly uses: Local;
  readonly halves: readonly Local[];
  /** Of the block: which bytes are key characters, and where an anchor may be. */
  readonly keys: Local;
  readonly anchors: Local;
  readonly zeros: Local;
  /** Where the run begins that goes on, or -1. */
  readonly run: Local;
  /** Where the next event is written. */
  readonly event: Local;
  readonly vector: Local;
  readonly zero: Local;
  readonly lowHalf: Local;
  readonly low: Local;
  readonly place: Local;
  /** Where the last prefix may begin. */
  readonly prefix: Local;
  readonly bits: Local;
  readonly other: Local;
  readonly mask: Local;
  readonly long: Local;
}

function stateOf(locals: Locals, uses: Local): State {
  const add = locals.add.bind(locals);
  return {
    uses,
    halves: Array.from({ length: 8 }, () => add('v128')),
    keys: add('i64'),
    anchors: add('i64'),
    zeros: add('v128'),
    run: add('i32'),
    event: add('i32'),
    vector: add('v128'),
    zero: add('v128'),
    lowHalf: add('v128'),
    low: add('v128'),
    place: add('i32'),
    prefix: add('i32'),
    bits: add('i32'),
    other: add('i32'),
    mask: add('i64'),
    long: add('i64'),
  };
}

/** Sets `keys`, `anchors` and `zeros` for the block at `at`. */
function classify(state: State, at: Local): Code[] {
  const { keys, anchors, zeros, vector, low, zero } = state;
  const code: Code[] = [keys.set(i64.of(0)), anchors.set(i64.of(0))];
  const halves = (index: number): Code => {
    const [lower, upper] = [state.halves[2 * index], state.halves[2 * index + 1]];
    if (!lower || !upper) throw new TypeError('there is no such table');
    const half = (value: Code): Code => v128.and(value, state.lowHalf.get);
    return v128.and(
      v128.lookUp(lower.get, half(vector.get)),
      v128.lookUp(upper.get, half(v128.shrU16(vector.get, i32.of(4)))),
    );
  };
  // What is none: that is one comparison less.
  const others = (mask: Local, bits: Code, shift: number): Code => {
    const ones = i64.fromU32(v128.mask8(v128.equal8(bits, zero.get)));
    return mask.set(i64.or(mask.get, i64.shl(ones, i64.of(shift))));
  };
  for (let shift = 0; shift < BLOCK; shift += VECTOR) {
    code.push(
      vector.set(v128.load(at.get, shift)),
      zeros.set(v128.or(zeros.get, v128.equal8(vector.get, zero.get))),
      others(keys, halves(0), shift),
      low.set(halves(1)),
      vector.set(v128.load(at.get, shift + 1)),
      low.set(v128.and(low.get, halves(2))),
      vector.set(v128.load(at.get, shift + 2)),
      others(anchors, v128.and(low.get, halves(3)), shift),
    );
  }
  code.push(keys.set(not(keys.get)), anchors.set(not(anchors.get)));
  return code;
}

function not(value: Code): Code {
  return i64.xor(value, i64.of(-1));
}

function emit(state: State, start: Code, end: Code, bits: Code): Code {
  return [
    i32.store(state.event.get, start),
    i32.store(state.event.get, end, 4),
    i32.store(state.event.get, bits, 8),
    state.event.set(i32.add(state.event.get, i32.of(EVENT_BYTES))),
  ];
}

/** A run that is of no use is not told of, unless a prefix may begin in it. */
function emitRun(state: State, start: Code, end: Code): Code {
  const { bits, prefix, uses } = state;
  return [
    bits.set(i32.and(call(FUNCTIONS.run, start, end), uses.get)),
    when(i32.or(bits.get, i32.geS(prefix.get, start)), [emit(state, start, end, bits.get)]),
  ];
}

/** Looks up each place that may be an anchor. */
function eachAnchor(state: State, at: Local, groups: Local): Code {
  const { anchors, place, bits, other } = state;
  const look = (index: number): Code =>
    i32.load(i32.add(i32.of(LAYOUT.filters + 1024 * index), times4(i32.load8(place.get, index))));
  return repeat(i32.eqz(i64.eqz(anchors.get)), [
    place.set(i32.add(at.get, i32.wrap(i64.ctz(anchors.get)))),
    anchors.set(i64.and(anchors.get, i64.sub(anchors.get, i64.of(1)))),
    bits.set(i32.and(i32.and(look(0), look(1)), look(2))),
    when(i32.and(bits.get, groups.get), [
      other.set(i32.of(3)),
      repeat(i32.and(i32.ltS(other.get, i32.of(RUN)), isKey(i32.add(place.get, other.get))), [
        other.set(i32.add(other.get, i32.of(1))),
      ]),
      // Those whose prefix is there as a whole.
      other.set(
        call(
          FUNCTIONS.prefixes,
          place.get,
          i32.and(i32.and(bits.get, groups.get), i32.sub(i32.of(0), i32.eq(other.get, i32.of(RUN)))),
        ),
      ),
      bits.set(i32.or(i32.and(bits.get, i32.sub(i32.of(-1), groups.get)), other.get)),
    ]),
    only(state, ESCAPES, call(FUNCTIONS.escape, place.get)),
    only(state, PLACE.connection, call(FUNCTIONS.address, place.get)),
    only(
      state,
      PLACE.plus,
      i32.and(call(FUNCTIONS.inBase64, plus(place.get, 1), plus(place.get, 1)), state.uses.get),
    ),
    when(bits.get, [emit(state, place.get, i32.of(-1), bits.get)]),
    when(i32.and(bits.get, groups.get), [state.prefix.set(place.get)]),
  ]);
}

/** Takes the bits out unless the condition holds. */
function only({ bits }: State, bit: number, condition: Code): Code {
  return when(i32.and(bits.get, i32.of(bit)), [
    when(i32.eqz(condition), [bits.set(i32.and(bits.get, i32.of(~bit)))]),
  ]);
}

function times4(value: Code): Code {
  return i32.shl(value, i32.of(2));
}

function isKey(address: Code): Code {
  return i32.and(i32.load8(i32.load8(address), RUN_TABLES.classes), i32.of(ALPHABETS.key.bit));
}

/** Emits the runs that end in the block, and notes the one that goes on. */
function eachRun(state: State, at: Local): Code {
  const { keys, run, mask, long, place, other } = state;
  const shifted = (by: number): Code => long.set(i64.and(long.get, i64.shrU(long.get, i64.of(by))));
  return when(
    i64.eqz(not(keys.get)),
    [when(i32.ltS(run.get, i32.of(0)), [run.set(at.get)])],
    [
      // The one that began before.
      other.set(i32.wrap(i64.ctz(not(keys.get)))),
      when(i32.geS(run.get, i32.of(0)), [
        place.set(i32.add(at.get, other.get)),
        when(i32.geS(i32.sub(place.get, run.get), i32.of(RUN)), [emitRun(state, run.get, place.get)]),
        // Its part of the block is no run of its own.
        keys.set(i64.and(keys.get, i64.shl(i64.of(-1), i64.fromU32(other.get)))),
      ]),
      // The one that goes on: not when it reaches through the whole block, which was seen to above.
      other.set(i32.wrap(i64.clz(not(keys.get)))),
      run.set(i32.of(-1)),
      mask.set(keys.get),
      when(other.get, [
        run.set(i32.sub(i32.add(at.get, i32.of(BLOCK)), other.get)),
        mask.set(i64.and(mask.get, i64.shrU(i64.of(-1), i64.fromU32(other.get)))),
      ]),
      // Where twenty bits in a row begin.
      long.set(mask.get),
      ...[1, 2, 4, 8, 4].map(shifted),
      repeat(i32.eqz(i64.eqz(long.get)), [
        other.set(i32.wrap(i64.ctz(long.get))),
        place.set(i32.wrap(i64.ctz(not(i64.shrU(mask.get, i64.fromU32(other.get)))))),
        emitRun(state, i32.add(at.get, other.get), i32.add(i32.add(at.get, other.get), place.get)),
        // Nothing up to the end of the run.
        long.set(i64.and(long.get, i64.shl(i64.of(-1), i64.fromU32(i32.add(other.get, place.get))))),
      ]),
    ],
  );
}
