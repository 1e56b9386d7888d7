/**
 * Finds secrets as they stand and as they are hidden by accident: in base64, hexadecimal, escapes, UTF-16, cut into literals, also one inside
 * another. Places are those in the bytes that were given.
 */
import { PLACE } from './anchors.ts';
import { ALPHABETS, hasRun, isAt, latin1 } from './bytes.ts';
import { findIn, type Hit, valueOf } from './detect.ts';
import {
  base64Around,
  eachBase64Text,
  eachHexText,
  LEAST_ENCODED_RUN,
  type OnText,
  wrappedBase64,
} from './encoded-runs.ts';
import { eachEscapedText } from './escapes.ts';
import { eachShortJoint, visitJoined } from './joined.ts';
import { eachLiteralList } from './literal-lists.ts';
import { eachNumberList } from './number-lists.ts';
import { eachPacked, type UnpackBudget, UNPACKED_BYTES } from './packed.ts';
import { type OnRun, Places } from './places.ts';
import type { Rule } from './rule.ts';
import { RULES } from './rules.ts';
import { RUN } from './run-skip.ts';
import { USE } from './run-use.ts';
import { eachWideBase64, eachWideText } from './wide-text.ts';

export type Encoding =
  'base64' | 'hex' | 'escapes' | 'character codes' | 'utf-16' | 'utf-32' | 'packed' | 'joined literals';

export interface Found {
  readonly rule: Rule;
  /** In the bytes as given: where the value, as it is written there, begins and ends. */
  readonly start: number;
  readonly end: number;
  readonly sure: boolean;
  readonly value: string;
  /** From outside to inside; empty for a value that stands as it is. */
  readonly encodings: readonly Encoding[];
}

export interface Depth {
  /** See `findSecrets`. */
  readonly generic?: boolean;
  /** How many encodings may be around a value. */
  readonly layers?: number;
  /** What may be unpacked yet. */
  readonly budget?: UnpackBudget;
}

const LAYERS = 3;
const KEY = ALPHABETS.key.bit;
const NOTHING = Buffer.alloc(0);
const ESCAPES = PLACE.percent | PLACE.backslash | PLACE.entity | PLACE.softBreak;
const JOINTS = PLACE.joint | PLACE.spacedJoint | PLACE.touching | PLACE.list;

/** As `findSecrets`, and what is encoded. */
export function findDeep(bytes: Uint8Array, from = 0, end = bytes.length, depth: Depth = {}): Found[] {
  return findDeepIn(bytes, new Places(bytes, from, end, depth.generic ?? false), depth);
}

/** The same, in what was skimmed. */
export function findDeepIn(bytes: Uint8Array, places: Places, depth: Depth): Found[] {
  if (places.isEmpty) return [];
  const { from, to } = places;
  const { generic = false, layers = LAYERS, budget = { bytes: UNPACKED_BYTES } } = depth;
  const found: Found[] = [];
  const visitor = (encoding: Encoding): OnText => {
    return (text, start, end, placeOf, context = 0) => {
      for (const inner of findDeep(text, 0, text.length, { generic, layers: layers - 1, budget })) {
        // A list of literals that is joined on purpose is no placeholder that somebody may take for a key.
        if (inner.end <= context || (!inner.sure && encoding === 'joined literals')) continue;
        const place = Math.max(start, placeOf(inner.start));
        found.push({
          ...inner,
          start: place,
          end: Math.min(end, Math.max(place + 1, placeOf(inner.end))),
          encodings: [encoding, ...inner.encodings],
        });
      }
    };
  };
  const onRun = layers > 0 ? runVisitor(bytes, to, visitor) : undefined;
  const hits = findIn(bytes, places, generic, onRun);
  if (layers > 0 && to > from) {
    if (places.has(ESCAPES)) eachEscapedText(bytes, places, visitor('escapes'));
    if (places.has(JOINTS)) {
      const joined = visitor('joined literals');
      eachShortJoint(bytes, places, joined);
      eachLiteralList(bytes, places, joined);
    }
    if (places.has(PLACE.rare)) eachPacked(bytes, places, budget, visitor('packed'));
    if (places.has(PLACE.number)) eachNumberList(bytes, places, visitor('character codes'));
    if (places.hasZero) {
      eachWideText(bytes, from, to, 2, visitor('utf-16'));
      eachWideText(bytes, from, to, 4, visitor('utf-32'));
    }
  }
  if (found.length === 0) return hits.map((hit) => plain(bytes, hit));
  return merge(
    hits.map((hit) => plain(bytes, hit)),
    found,
  );
}

function plain(bytes: Uint8Array, hit: Hit): Found {
  return { ...hit, value: valueOf(bytes, hit), encodings: [] };
}

/**
 * What stands as it is goes first: of the rest, what overlaps none of it, each value once at a place. Only what may be a value gives way to one
 * that is, when it is a piece of it. Both lists are in order.
 */
function merge(hits: readonly Found[], found: readonly Found[]): Found[] {
  const seen = new Set<string>();
  const pieces = new Set<Found>();
  let next = 0;
  const others = found
    .toSorted((a, b) => a.start - b.start)
    .filter((one) => {
      while ((hits[next]?.end ?? Infinity) <= one.start) next += 1;
      const hit = hits[next];
      const overlaps = hit !== undefined && hit.start < one.end;
      if (overlaps && ((hit.sure && !givesWay(hit, one)) || !one.sure)) return false;
      if (overlaps) pieces.add(hit);
      const key = `${one.start} ${one.rule.id} ${one.value}`;
      const again = seen.has(key);
      seen.add(key);
      return !again;
    });
  return [...hits.filter((hit) => !pieces.has(hit)), ...others].sort((a, b) => a.start - b.start);
}

/**
 * Whether what stands as it is is only a piece of a value that was cut, or looks like a value without a shape, while what is decoded there has proved
 * to be text.
 */
function givesWay(hit: Found, { rule, value, encodings }: Found): boolean {
  if (hit.rule.shape.by === 'context' && encodings[0] !== 'joined literals') return true;
  return hit.rule === rule && value.length > hit.value.length && value.startsWith(hit.value);
}

/** Of what stands before an encoded text, so much goes before what was decoded: rules look at it. */
const CONTEXT_BYTES = 240;
const SPACE = Buffer.from(' ');

/** A longer text has the names of what is in it inside. */
const LONGEST_ALONE = 400;
/** A value that is escaped or cut besides takes more than that. */
const LEAST_IN_PIECES = 80;
const VALUE = ALPHABETS.value.bit;

const NAMES = new RegExp(
  RULES.flatMap(({ shape }) =>
    (shape.by === 'context' || shape.by === 'prefix') && shape.named ? [shape.named.words.source] : [],
  ).join('|'),
  'i',
);

/** As `visit`; what may be a value without a shape goes with what stands before it, if that has the name of a provider. */
function withContext(bytes: Uint8Array, visit: OnText): OnText {
  return (text, start, end, placeOf) => {
    const whole = hasRun(text, VALUE, RUN);
    // Bytes of programs are text by chance, for a few dozen characters.
    if (!whole && text.length < LEAST_IN_PIECES) return;
    const from = Math.max(0, start - CONTEXT_BYTES);
    const alone = text.length > LONGEST_ALONE || !whole;
    if (alone || !(NAMES.test(latin1(bytes, from, start)) || NAMES.test(text.toString('latin1')))) {
      visit(text, start, end, placeOf);
      return;
    }
    const before = bytes.subarray(from, start);
    const glue = isAt(bytes, start - 1, KEY) ? SPACE : NOTHING;
    const context = before.length + glue.length;
    visit(
      Buffer.concat([before, glue, text]),
      start,
      end,
      (at) => placeOf(Math.max(0, at - context)),
      context,
    );
  };
}

function runVisitor(bytes: Uint8Array, to: number, visitor: (encoding: Encoding) => OnText): OnRun {
  const base64 = withContext(bytes, visitor('base64'));
  const [hex, joined] = [withContext(bytes, visitor('hex')), visitor('joined literals')];
  let base64To = 0;
  let joinedTo = 0;
  return (start, end, uses) => {
    if (end - start >= LEAST_ENCODED_RUN) {
      if ((uses & USE.hex) !== 0) eachHexText(bytes, start, end, hex);
      if ((uses & USE.wide) !== 0) eachWideBase64(bytes, start, end, base64);
      if (start >= base64To && (uses & (USE.wrapped | USE.base64)) !== 0)
        base64To = visitBase64(bytes, { start, end, lowest: base64To, to }, uses, base64);
    }
    if (start < joinedTo || (uses & USE.joined) === 0) return;
    joinedTo = visitJoined(bytes, start, end, to, joined);
  };
}

interface Base64Run {
  readonly start: number;
  readonly end: number;
  /** What lies before it was looked at. */
  readonly lowest: number;
  readonly to: number;
}

/** All that is in base64 around the run, also over several lines. Returns where that ends. */
function visitBase64(
  bytes: Uint8Array,
  { start, end, lowest, to }: Base64Run,
  uses: number,
  visit: OnText,
): number {
  const wrapped = (uses & USE.wrapped) === 0 ? null : wrappedBase64(bytes, start, end, to);
  if (wrapped) {
    eachBase64Text(wrapped.joined, 0, wrapped.joined.length, (text, first, last, placeOf) =>
      visit(text, wrapped.placeOf(first), wrapped.placeOf(last), (at) => wrapped.placeOf(placeOf(at))),
    );
    return wrapped.end;
  }
  if ((uses & USE.base64) === 0) return lowest;
  const around = base64Around(bytes, start, end, lowest, to);
  eachBase64Text(bytes, around.start, around.end, visit);
  return around.end;
}
