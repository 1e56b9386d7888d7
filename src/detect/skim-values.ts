/** The parts of the program of skim-program.ts that look at what may be a value by itself: each lets pass at least what the search goes on with. */
import { ALPHABETS } from './bytes.ts';
import { LONGEST_USER } from './connection.ts';
import { isOutOfPlace, Kind, SCRAMBLED, VOWEL } from './lifelike.ts';
import { USE } from './run-use.ts';
import { byteAt, has, LENGTH, MOST_LENGTH, plus, PREFIXES, RUN_TABLES } from './skim-tables.ts';
import { type Code, i32, type Local, Locals, repeat, type WasmFunction, when } from './wasm-code.ts';

const { classes, kinds, lengths } = RUN_TABLES;

/** Takes the start and the end of what may be a value without a shape of its own, and gives back what for. */
export function valueFunction(): WasmFunction {
  const locals = new Locals();
  const [from, to] = [locals.add('i32'), locals.add('i32')];
  const [length, uses, at, all, count] = [0, 0, 0, 0, 0].map(() => locals.add('i32'));
  if (!length || !uses || !at || !all || !count) throw new TypeError('no locals');
  const [vowels, letters, seen, before] = [0, 0, 0, 0].map(() => locals.add('i32'));
  if (!vowels || !letters || !seen || !before) throw new TypeError('no locals');
  const kind = i32.and(i32.load8(byteAt(at.get), kinds), i32.of(3));
  const isVowel = i32.ne(i32.and(i32.load8(byteAt(at.get), kinds), i32.of(VOWEL)), i32.of(0));
  const order = i32.add(i32.shl(before.get, i32.of(2)), kind);
  const mixed = i32.of((1 << Kind.lower) | (1 << Kind.upper));
  const look: Code[] = [
    all.set(i32.and(all.get, i32.load8(byteAt(at.get), classes))),
    when(i32.gtS(at.get, from.get), [
      count.set(i32.add(count.get, i32.and(i32.shrU(i32.of(OUT_OF_PLACE), order), i32.of(1)))),
    ]),
    before.set(kind),
    seen.set(i32.or(seen.get, i32.shl(i32.of(1), kind))),
    vowels.set(i32.add(vowels.get, isVowel)),
    letters.set(
      i32.add(letters.get, i32.and(i32.shrU(i32.of((1 << Kind.lower) | (1 << Kind.upper)), kind), i32.of(1))),
    ),
    at.set(plus(at.get, 1)),
  ];
  const isMixed = i32.eq(i32.and(seen.get, mixed), mixed);
  return {
    parameters: 2,
    locals,
    body: [
      length.set(i32.sub(to.get, from.get)),
      when(i32.and(i32.gtS(length.get, i32.of(0)), i32.leS(length.get, i32.of(MOST_LENGTH))), [
        uses.set(i32.load8(length.get, lengths)),
        when(i32.and(uses.get, i32.of(CONDITIONS)), [
          at.set(from.get),
          all.set(i32.of(0xff)),
          repeat(i32.ltS(at.get, to.get), look),
          when(
            i32.or(
              i32.or(
                both(uses, LENGTH.hex, all, ALPHABETS.hex.bit),
                both(uses, LENGTH.alnum, all, ALPHABETS.alnum.bit),
              ),
              i32.and(
                i32.and(i32.ne(i32.and(uses.get, i32.of(LENGTH.scrambled)), i32.of(0)), isMixed),
                isScrambled({ length, vowels, letters, count }),
              ),
            ),
            [uses.set(i32.or(uses.get, i32.of(USE.context)))],
          ),
        ]),
      ]),
      i32.and(uses.get, i32.of(USE.context | USE.generic)),
    ],
  };
}

const CONDITIONS = LENGTH.scrambled | LENGTH.hex | LENGTH.alnum;

function both(one: Local, bit: number, other: Local, otherBit: number): Code {
  const set = (local: Local, of: number): Code => i32.ne(i32.and(local.get, i32.of(of)), i32.of(0));
  return i32.and(set(one, bit), set(other, otherBit));
}

const PLACES = [0, 1, 2, 3] as const;
const OUT_OF_PLACE = PLACES.flatMap((before) => PLACES.map((kind) => [before, kind] as const)).reduce(
  (bits, [before, kind]) => (isOutOfPlace(before, kind) ? bits | (1 << (before * 4 + kind)) : bits),
  0,
);
const THOUSAND = 1000;

/** The same sum, in thousandths of length times letters, and a little generous. */
function isScrambled(of: {
  readonly length: Local;
  readonly vowels: Local;
  readonly letters: Local;
  readonly count: Local;
}): Code {
  const { weightOfVowels, vowelsOfWords, least } = SCRAMBLED;
  const inWords = i32.of(Math.ceil(THOUSAND * weightOfVowels * vowelsOfWords));
  const few = i32.sub(
    i32.mul(inWords, of.letters.get),
    i32.mul(i32.of(Math.floor(THOUSAND * weightOfVowels)), of.vowels.get),
  );
  const placed = i32.mul(i32.mul(of.count.get, of.letters.get), i32.of(THOUSAND));
  const enough = i32.mul(i32.mul(i32.of(Math.floor(THOUSAND * least)), of.length.get), of.letters.get);
  const sum = i32.add(placed, i32.mul(few, of.length.get));
  // Many vowels take nothing away.
  return i32.or(i32.geS(sum, enough), i32.geS(placed, enough));
}

/** Takes a place and the groups that may begin there, and gives back those of which a prefix stands there as a whole. */
export function prefixesFunction(): WasmFunction {
  const locals = new Locals();
  const [place, groups] = [locals.add('i32'), locals.add('i32')];
  const [found, list, at, length] = [
    locals.add('i32'),
    locals.add('i32'),
    locals.add('i32'),
    locals.add('i32'),
  ];
  const lowest = i32.and(groups.get, i32.sub(i32.of(0), groups.get));
  const same = i32.eq(i32.load8(i32.add(list.get, at.get), 1), i32.load8(i32.add(place.get, at.get)));
  return {
    parameters: 2,
    locals,
    body: [
      repeat(groups.get, [
        list.set(i32.load(i32.shl(i32.ctz(groups.get), i32.of(2)), PREFIXES.heads)),
        length.set(i32.load8(list.get)),
        repeat(length.get, [
          at.set(i32.of(0)),
          // The end of the comparison of one.
          repeat(i32.and(i32.ltS(at.get, length.get), same), [at.set(plus(at.get, 1))]),
          when(i32.eq(at.get, length.get), [found.set(i32.or(found.get, lowest))]),
          list.set(plus(i32.add(list.get, length.get), 1)),
          length.set(i32.load8(list.get)),
        ]),
        groups.set(i32.and(groups.get, plus(groups.get, -1))),
      ]),
      found.get,
    ],
  };
}

const AT = 0x40;

/** Takes the place of `://`, and says whether what follows may hold a password: as `hasAt` of connection.ts. */
export function addressFunction(): WasmFunction {
  const locals = new Locals();
  const [at, stop] = [locals.add('i32'), locals.add('i32')];
  const byte = byteAt(at.get);
  const ends = i32.or(
    i32.or(i32.leS(byte, i32.of(0x22)), i32.eq(byte, i32.of(0x2f))),
    i32.or(i32.eq(byte, i32.of(0x27)), i32.or(i32.eq(byte, i32.of(0x3c)), i32.eq(byte, i32.of(0x60)))),
  );
  const goesOn = i32.or(
    has(classes, at.get, ALPHABETS.key.bit),
    i32.eqz(i32.or(ends, i32.eq(byte, i32.of(AT)))),
  );
  return {
    parameters: 1,
    locals,
    body: [
      at.set(plus(at.get, 3)),
      stop.set(plus(at.get, LONGEST_USER)),
      repeat(i32.and(i32.ltS(at.get, stop.get), goesOn), [at.set(plus(at.get, 1))]),
      i32.eq(byte, i32.of(AT)),
    ],
  };
}
