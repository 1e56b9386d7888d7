/**
 * Finds secrets as they stand and as they are hidden by accident: in base64, hexadecimal, escapes, UTF-16, cut into literals, also one inside
 * another. Places are those in the bytes that were given.
 */
import { findIn, type Hit, valueOf } from './detect.ts';
import {
  eachBase64Text,
  eachHexText,
  LEAST_ENCODED_RUN,
  type OnText,
  wrappedBase64,
} from './encoded-runs.ts';
import { eachEscapedText } from './escapes.ts';
import { eachShortJoint, visitJoined } from './joined.ts';
import { type OnRun, Places } from './places.ts';
import type { Rule } from './rule.ts';
import { USE } from './run-use.ts';
import { eachUtf16Text } from './utf16.ts';

export type Encoding = 'base64' | 'hex' | 'escapes' | 'utf-16' | 'joined literals';

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
}

const LAYERS = 3;

/** As `findSecrets`, and what is encoded. */
export function findDeep(bytes: Uint8Array, from = 0, end = bytes.length, depth: Depth = {}): Found[] {
  return findDeepIn(bytes, new Places(bytes, from, end, depth.generic ?? false), depth);
}

/** The same, in what was skimmed. */
export function findDeepIn(bytes: Uint8Array, places: Places, depth: Depth): Found[] {
  if (places.isEmpty) return [];
  const { from, to } = places;
  const { generic = false, layers = LAYERS } = depth;
  const found: Found[] = [];
  const visitor = (encoding: Encoding): OnText => {
    return (text, start, end, placeOf, context = 0) => {
      for (const inner of findDeep(text, 0, text.length, { generic, layers: layers - 1 })) {
        if (inner.end <= context) continue;
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
    eachEscapedText(bytes, places, visitor('escapes'));
    eachShortJoint(bytes, places, visitor('joined literals'));
    if (places.hasZero) eachUtf16Text(bytes, from, to, visitor('utf-16'));
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
      if (overlaps && (hit.sure || !one.sure)) return false;
      if (overlaps) pieces.add(hit);
      const key = `${one.start} ${one.rule.id} ${one.value}`;
      const again = seen.has(key);
      seen.add(key);
      return !again;
    });
  return [...hits.filter((hit) => !pieces.has(hit)), ...others].sort((a, b) => a.start - b.start);
}

function runVisitor(bytes: Uint8Array, to: number, visitor: (encoding: Encoding) => OnText): OnRun {
  const [base64, hex, joined] = [visitor('base64'), visitor('hex'), visitor('joined literals')];
  let wrappedTo = 0;
  let joinedTo = 0;
  return (start, end, uses) => {
    if (end - start >= LEAST_ENCODED_RUN) {
      if ((uses & USE.hex) !== 0) eachHexText(bytes, start, end, hex);
      if (start >= wrappedTo) {
        const wrapped = (uses & USE.wrapped) === 0 ? null : wrappedBase64(bytes, start, end, to);
        if (wrapped) {
          wrappedTo = wrapped.end;
          eachBase64Text(wrapped.joined, 0, wrapped.joined.length, (text, first, last, placeOf) =>
            base64(text, wrapped.placeOf(first), wrapped.placeOf(last), (at) => wrapped.placeOf(placeOf(at))),
          );
        } else if ((uses & USE.base64) !== 0) eachBase64Text(bytes, start, end, base64);
      }
    }
    if (start < joinedTo || (uses & USE.joined) === 0) return;
    joinedTo = visitJoined(bytes, start, end, to, joined);
  };
}
