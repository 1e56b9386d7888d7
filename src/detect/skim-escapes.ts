/**
 * The part of the program of skim-program.ts that looks at an escape: whether it is among enough characters that a value could be there. Tables of
 * characters in programs are full of escapes that are not.
 */
import { ALPHABETS } from './bytes.ts';
import { RUN } from './run-skip.ts';
import { byteAt, has, MORE, plus, RUN_TABLES } from './skim-tables.ts';
import { type Code, i32, type Local, Locals, repeat, type WasmFunction, when } from './wasm-code.ts';

const PERCENT = 0x25;
const BACKSLASH = 0x5c;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const UNICODE = 0x75;
const BRACE = 0x7b;
const HEXADECIMAL = 0x78;

interface Walk {
  readonly at: Local;
  readonly count: Local;
  readonly code: Local;
  readonly digits: Local;
}

/**
 * Takes the place of an escape and says whether it may be one of a value: with what stands before it, and with characters and escapes behind it, there are
 * enough. An escape of a form that is not known here counts as one character.
 */
export function escapeFunction(): WasmFunction {
  const locals = new Locals();
  const place = locals.add('i32');
  const walk: Walk = {
    at: locals.add('i32'),
    count: locals.add('i32'),
    code: locals.add('i32'),
    digits: locals.add('i32'),
  };
  const { at, count } = walk;
  const few = i32.ltS(count.get, i32.of(RUN));
  const more = locals.add('i32');
  return {
    parameters: 1,
    locals,
    body: [
      at.set(plus(place.get, -1)),
      repeat(i32.and(few, has(RUN_TABLES.classes, at.get, ALPHABETS.key.bit)), [
        count.set(plus(count.get, 1)),
        at.set(plus(at.get, -1)),
      ]),
      at.set(place.get),
      more.set(i32.of(1)),
      repeat(i32.and(few, more.get), [step(walk, more)]),
      i32.geS(count.get, i32.of(RUN)),
    ],
  };
}

function isByte(at: Code, byte: number): Code {
  return i32.eq(byteAt(at), i32.of(byte));
}

/** Goes on by a character or an escape, or ends. */
function step(walk: Walk, more: Local): Code {
  const { at, count } = walk;
  const one = (bytes: number): Code => [at.set(plus(at.get, bytes)), count.set(plus(count.get, 1))];
  const next = plus(at.get, 1);
  const end = more.set(i32.of(0));
  const lineEnd = i32.or(isByte(next, NEWLINE), isByte(next, RETURN));
  return when(
    has(RUN_TABLES.more, at.get, MORE.plain),
    [one(1)],
    [
      when(
        isByte(at.get, PERCENT),
        [decoded(walk, 1, 2, more)],
        [
          when(
            isByte(at.get, BACKSLASH),
            [
              when(
                isByte(next, UNICODE),
                [
                  when(
                    isByte(plus(at.get, 2), BRACE),
                    // Of any number of digits: it is looked at.
                    [count.set(i32.of(RUN))],
                    [decoded(walk, 2, 4, more)],
                  ),
                ],
                [
                  when(
                    isByte(next, HEXADECIMAL),
                    [decoded(walk, 2, 2, more)],
                    [
                      when(
                        isByte(next, BACKSLASH),
                        [at.set(next)],
                        // A line that goes on may do so after any indent.
                        [when(lineEnd, [count.set(i32.of(RUN))], [one(2)])],
                      ),
                    ],
                  ),
                ],
              ),
            ],
            [end],
          ),
        ],
      ),
    ],
  );
}

/** An escape with so many digits behind so many bytes: it ends the walk when it stands for what no text has. */
function decoded({ at, count, code, digits }: Walk, before: number, most: number, more: Local): Code {
  const digit = byteAt(i32.add(plus(at.get, before), digits.get));
  const isDigit = has(RUN_TABLES.more, i32.add(plus(at.get, before), digits.get), MORE.hexDigit);
  // The lower half of a digit; of a letter, nine more.
  const value = i32.add(i32.and(digit, i32.of(15)), i32.mul(i32.shrU(digit, i32.of(6)), i32.of(9)));
  const isText = i32.or(
    i32.and(i32.geS(code.get, i32.of(0x20)), i32.leS(code.get, i32.of(0x7e))),
    i32.or(
      i32.eq(code.get, i32.of(0x09)),
      i32.or(i32.eq(code.get, i32.of(NEWLINE)), i32.eq(code.get, i32.of(RETURN))),
    ),
  );
  return [
    code.set(i32.of(0)),
    digits.set(i32.of(0)),
    repeat(i32.and(i32.ltS(digits.get, i32.of(most)), isDigit), [
      code.set(i32.add(i32.shl(code.get, i32.of(4)), value)),
      digits.set(plus(digits.get, 1)),
    ]),
    when(
      i32.or(i32.ltS(digits.get, i32.of(most)), isText),
      [at.set(i32.add(plus(at.get, before), digits.get)), count.set(plus(count.get, 1))],
      [more.set(i32.of(0))],
    ),
  ];
}
