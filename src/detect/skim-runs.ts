/**
 * The part of the program of skim-program.ts that looks at one run: what it may be of use for (run-use.ts). Each look is the beginning of the search
 * that it is for, and lets pass at least what that goes on with.
 */
import { ALPHABETS } from './bytes.ts';
import { LONGEST_BASE64 } from './context.ts';
import {
  LEAST_BASE64_GROUPS,
  LEAST_ENCODED_RUN,
  LEAST_HEX_PAIRS,
  LEAST_LINE,
  LONGEST_LINE,
} from './encoded-runs.ts';
import { LONGEST_GLUE } from './jwt.ts';
import { LONGEST_GAP } from './joined.ts';
import { USE } from './run-use.ts';
import { byteAt, FUNCTIONS, has, MARK, MORE, MOST_LENGTH, plus, RUN_TABLES } from './skim-tables.ts';
import { call, type Code, i32, type Local, Locals, repeat, type WasmFunction, when } from './wasm-code.ts';
import { LEAST_WIDE_RUN, LETTER_A, WIDE_GROUP } from './wide-text.ts';

const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const EQUALS = 0x3d;
const DOT = 0x2e;
/** `eyJ`, as the four bytes that it begins with a number, less the highest. */
const OBJECT = 0x4a7965;
const PERCENT = 0x25;
const PLUS = 0x2b;
/** `u005f`, and less. */
const MOST_GLUE = 6;
/** `key`, in lower case. */
const NAME = 0x79656b;

interface Run {
  readonly start: Local;
  readonly end: Local;
  readonly uses: Local;
  readonly at: Local;
  readonly from: Local;
  readonly stop: Local;
  readonly last: Local;
}

function runOf(): Run & { readonly locals: Locals } {
  const locals = new Locals();
  const [start, end] = [locals.add('i32'), locals.add('i32')];
  return {
    locals,
    start,
    end,
    uses: locals.add('i32'),
    at: locals.add('i32'),
    from: locals.add('i32'),
    stop: locals.add('i32'),
    last: locals.add('i32'),
  };
}

/** Takes a run's start and end, and gives its uses back. */
export function runFunction(): WasmFunction {
  const run = runOf();
  const long = i32.geS(lengthOf(run), i32.of(LEAST_ENCODED_RUN));
  return {
    parameters: 2,
    locals: run.locals,
    body: [
      byLength(run, run.start, run.end),
      byDashes(run),
      add(run, call(FUNCTIONS.inBase64, run.start.get, run.end.get)),
      token(run),
      when(long, [...base64(run), besidePlus(run), ...hex(run), wrapped(run)]),
      when(i32.geS(lengthOf(run), i32.of(LEAST_WIDE_RUN)), [wide(run)]),
      follows(run),
      goesOn(run),
      run.uses.get,
    ],
  };
}

function lengthOf({ start, end }: Run): Code {
  return i32.sub(end.get, start.get);
}

function isBase64(at: Code): Code {
  return has(RUN_TABLES.classes, at, ALPHABETS.base64.bit);
}

function add({ uses }: Run, more: Code): Code {
  return uses.set(i32.or(uses.get, more));
}

/** As `find` of context.ts: whether there may be a value in `bytes[from..to)`, or behind what may be glued to it. */
function byLength(run: Run, from: Local, to: Local): Code {
  const { at } = run;
  const before = plus(from.get, -1);
  const behindGlue = i32.and(i32.leS(at.get, plus(from.get, MOST_GLUE)), i32.ltS(at.get, to.get));
  return [
    add(run, call(FUNCTIONS.value, from.get, to.get)),
    when(has(RUN_TABLES.more, before, MORE.glues), [
      at.set(plus(from.get, 1)),
      repeat(behindGlue, [add(run, call(FUNCTIONS.value, at.get, to.get)), at.set(plus(at.get, 1))]),
    ]),
    when(i32.eq(byteAt(before), i32.of(PERCENT)), [add(run, i32.of(USE.context | USE.generic))]),
  ];
}

/** Behind a dash or an underscore, between such, or named. */
function byDashes(run: Run): Code {
  const { start, end, at } = run;
  const isDash = (place: Code): Code => has(RUN_TABLES.more, place, MORE.dash);
  const any = add(run, i32.of(USE.context | USE.generic));
  const ofName = i32.or(i32.of(0x202020), i32.and(i32.load(plus(end.get, -3)), i32.of(0xffffff)));
  return [
    when(i32.or(isDash(start.get), isDash(plus(end.get, -1))), [any]),
    when(i32.eq(ofName, i32.of(NAME)), [any]),
    at.set(plus(end.get, -MOST_LENGTH - 1)),
    when(i32.ltS(at.get, start.get), [at.set(start.get)]),
    repeat(i32.ltS(at.get, end.get), [
      when(isDash(at.get), [add(run, call(FUNCTIONS.value, plus(at.get, 1), end.get))]),
      at.set(plus(at.get, 1)),
    ]),
  ];
}

/** Takes a start and an end, and gives back what `find` would try the base64 around them for, when there is more of it. */
export function base64Function(): WasmFunction {
  const run = runOf();
  const { start, end, at, stop, from, last } = run;
  const beside = i32.or(
    has(RUN_TABLES.more, end.get, MORE.goesOn),
    has(RUN_TABLES.more, plus(start.get, -1), MORE.goesOn),
  );
  const before = plus(from.get, -1);
  const body = when(beside, [
    from.set(start.get),
    stop.set(plus(end.get, -LONGEST_BASE64 - 1)),
    repeat(
      i32.and(i32.and(i32.gtS(from.get, stop.get), isBase64(before)), i32.ne(byteAt(before), i32.of(EQUALS))),
      [from.set(before)],
    ),
    at.set(end.get),
    stop.set(plus(from.get, LONGEST_BASE64 + 1)),
    repeat(i32.and(i32.ltS(at.get, stop.get), isBase64(at.get)), [at.set(plus(at.get, 1))]),
    last.set(at.get),
    byLength(run, from, last),
  ]);
  return { parameters: 2, locals: run.locals, body: [body, run.uses.get] };
}

function token(run: Run): Code {
  const { start, end, at } = run;
  const object = i32.eq(i32.and(i32.load(at.get), i32.of(0xffffff)), i32.of(OBJECT));
  return when(i32.eq(byteAt(end.get), i32.of(DOT)), [
    at.set(start.get),
    repeat(i32.leS(at.get, plus(start.get, LONGEST_GLUE)), [
      when(object, [add(run, i32.of(USE.token))]),
      at.set(plus(at.get, 1)),
    ]),
  ]);
}

/** As `eachStretch` of encoded-runs.ts, up to the first. */
function stretch(
  run: Run,
  phase: number,
  size: number,
  least: number,
  test: (at: Code) => Code,
  use: number,
): Code {
  const { start, end, at, from } = run;
  const jump = least * size;
  return [
    from.set(plus(start.get, phase)),
    repeat(i32.leS(plus(from.get, jump), end.get), [
      at.set(plus(from.get, jump - size)),
      repeat(i32.and(i32.geS(at.get, from.get), test(at.get)), [at.set(plus(at.get, -size))]),
      when(
        i32.ltS(at.get, from.get),
        // Found: one is enough.
        [add(run, i32.of(use)), from.set(end.get)],
        [from.set(plus(at.get, size))],
      ),
    ]),
  ];
}

function base64(run: Run): Code[] {
  const place = (at: Code, index: number): Code =>
    i32.shrU(i32.load8(byteAt(plus(at, index)), RUN_TABLES.marks), i32.of(index));
  const group = (at: Code): Code =>
    i32.and(i32.and(i32.and(place(at, 0), place(at, 1)), i32.and(place(at, 2), place(at, 3))), i32.of(1));
  return [0, 1, 2, 3].map((phase) => stretch(run, phase, 4, LEAST_BASE64_GROUPS, group, USE.base64));
}

/** What goes on behind a plus may be text of which no run shows enough. */
function besidePlus(run: Run): Code {
  const isPlus = (at: Code): Code => i32.eq(byteAt(at), i32.of(PLUS));
  return when(i32.or(isPlus(run.end.get), isPlus(plus(run.start.get, -1))), [add(run, i32.of(USE.base64))]);
}

/** As the first look of `eachWideBase64` in wide-text.ts: in the second group of some phase. */
function wide(run: Run): Code {
  const { start, at, stop } = run;
  const isA = (by: number): Code => i32.eq(byteAt(plus(at.get, by)), i32.of(LETTER_A));
  return [
    at.set(plus(start.get, WIDE_GROUP)),
    stop.set(plus(at.get, WIDE_GROUP)),
    repeat(i32.ltS(at.get, stop.get), [
      when(i32.and(i32.and(isA(4), isA(7)), i32.and(isA(4 + WIDE_GROUP), isA(7 + WIDE_GROUP))), [
        add(run, i32.of(USE.wide)),
      ]),
      at.set(plus(at.get, 1)),
    ]),
  ].flat();
}

function hex(run: Run): Code[] {
  const pair = (at: Code): Code =>
    i32.and(has(RUN_TABLES.more, at, MORE.upperDigit), has(RUN_TABLES.more, plus(at, 1), MORE.hexDigit));
  return [0, 1].map((phase) => stretch(run, phase, 2, LEAST_HEX_PAIRS, pair, USE.hex));
}

/** The line of base64 ends where it may go on in the next. */
function wrapped(run: Run): Code {
  const { start, end, at, stop } = run;
  const inLine = i32.or(i32.geS(lengthOf(run), i32.of(LEAST_LINE)), isBase64(plus(start.get, -1)));
  return when(inLine, [
    at.set(end.get),
    stop.set(plus(end.get, LONGEST_LINE)),
    repeat(i32.and(i32.ltS(at.get, stop.get), isBase64(at.get)), [at.set(plus(at.get, 1))]),
    when(has(RUN_TABLES.more, at.get, MORE.lineEnd), [add(run, i32.of(USE.wrapped))]),
  ]);
}

/** Goes on from `at` over so many bytes of a kind. */
function skip({ at, stop }: Run, step: 1 | -1, most: number, table: number, bits: number): Code {
  return [
    stop.set(i32.of(most)),
    repeat(i32.and(i32.gtS(stop.get, i32.of(0)), has(table, at.get, bits)), [
      at.set(plus(at.get, step)),
      stop.set(plus(stop.get, -1)),
    ]),
  ];
}

const LETTERS = 2;
const { marks, classes } = RUN_TABLES;

/** As `mayFollow` of joined.ts. */
function follows(run: Run): Code {
  const { start, at } = run;
  const joined = add(run, i32.of(USE.joined));
  const isBackslash = (by: number): Code => i32.eq(byteAt(plus(at.get, by)), i32.of(BACKSLASH));
  return [
    at.set(plus(start.get, -1)),
    when(
      has(marks, at.get, MARK.quote),
      [
        at.set(plus(at.get, -1)),
        skip(run, -1, LETTERS, classes, ALPHABETS.alnum.bit),
        skip(run, -1, LONGEST_GAP, marks, MARK.space),
        when(has(marks, at.get, MARK.beside), [joined]),
      ],
      [
        skip(run, -1, LONGEST_GAP, marks, MARK.indent),
        when(i32.eq(byteAt(at.get), i32.of(NEWLINE)), [
          when(i32.or(isBackslash(-1), isBackslash(-2)), [joined]),
        ]),
      ],
    ),
  ];
}

/** As `mayGoOn` of joined.ts. */
function goesOn(run: Run): Code {
  const { end, at } = run;
  const joined = add(run, i32.of(USE.joined));
  const isNewline = (by: number): Code => i32.eq(byteAt(plus(end.get, by)), i32.of(NEWLINE));
  return when(
    has(marks, end.get, MARK.quote),
    [
      at.set(plus(end.get, 1)),
      skip(run, 1, LONGEST_GAP, marks, MARK.space),
      skip(run, 1, LETTERS, classes, ALPHABETS.alnum.bit),
      when(has(marks, at.get, MARK.beside), [joined]),
    ],
    [when(i32.eq(byteAt(end.get), i32.of(BACKSLASH)), [when(i32.or(isNewline(1), isNewline(2)), [joined])])],
  );
}
