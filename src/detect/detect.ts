/**
 * Finds secrets in bytes, by their shape. One pass finds the runs of key characters and tries the rules whose prefix stands in one; the few
 * prefixes of values that runs do not show, and private keys, are searched for. Time is linear in the bytes, whatever they are.
 */
import { indexOfText, latin1, standsAt } from './bytes.ts';
import { findConnections } from './connection.ts';
import { ContextSearch } from './context.ts';
import { examine, type Hit, type Matcher, matchersOf, standsFree } from './examine.ts';
import { jwtAt } from './jwt.ts';
import { findPrivateKeys } from './pem.ts';
import { RULES } from './rules.ts';
import { eachRun } from './run-skip.ts';

export type { Hit } from './examine.ts';

/** A piece of text has to overlap the next by this much, for that no value is cut: the longest is a private key, or one in base64. */
export const LONGEST_VALUE_BYTES = 24 * 1024;
/** What stands before a value, and decides whether it counts, is no longer. */
export const LOOK_BACK_BYTES = 128;

const MATCHERS = RULES.flatMap(matchersOf);
const SEARCHED = MATCHERS.filter(({ searched }) => searched);
const IN_RUNS = MATCHERS.filter(({ searched }) => !searched);
const PEM_RULE = RULES.find(({ shape }) => shape.by === 'pem');
const JWT_RULE = RULES.find(({ shape }) => shape.by === 'jwt');
const CONNECTION_RULE = RULES.find(({ shape }) => shape.by === 'connection');
const USUAL_CONTEXT = new ContextSearch(RULES.filter(({ onRequest }) => !onRequest));
let everyContext: ContextSearch | undefined;

/** Prefixes share their first three characters with few others: each such group has a bit, and a place in a run where no bit is left is passed. */
const GROUPS: Matcher[][] = [];
const FILTERS = [new Int32Array(256), new Int32Array(256), new Int32Array(256)] as const;
const [FIRST, SECOND, THIRD] = FILTERS;
const GROUP_COUNT = 31;
const LEAST_PREFIX = 3;

function buildGroups(): void {
  const groupOf = new Map<string, number>();
  // The longest first: within a group the first that fits decides.
  for (const matcher of IN_RUNS.toSorted((a, b) => b.prefix.length - a.prefix.length)) {
    const start = matcher.prefix.slice(0, LEAST_PREFIX);
    const group = groupOf.get(start) ?? groupOf.size % GROUP_COUNT;
    groupOf.set(start, group);
    (GROUPS[group] ??= []).push(matcher);
    for (const [place, filter] of FILTERS.entries()) {
      const code = start.charCodeAt(place);
      filter[code] = (filter[code] ?? 0) | (1 << group);
    }
  }
}
buildGroups();

/**
 * Secrets in `bytes[from..end)`, in order and without overlaps. What stands before `from` is looked at, but begins none. `generic` adds what has
 * nothing but a name such as "password" before it. `onRun` is told of every long run of key characters.
 */
export function findSecrets(
  bytes: Uint8Array,
  from = 0,
  end = bytes.length,
  generic = false,
  onRun?: (start: number, end: number) => void,
): Hit[] {
  const to = Math.min(end, bytes.length);
  const hits: Hit[] = [];
  const context = generic ? (everyContext ??= new ContextSearch(RULES)) : USUAL_CONTEXT;
  // A value may be longer than the run that it was found in.
  let covered = from;
  eachRun(bytes, from, to, (start, end) => {
    onRun?.(start, end);
    const count = hits.length;
    covered = searchRun(bytes, Math.max(start, covered), end, to, hits);
    if (hits.length > count) return;
    const hit = jwtIn(bytes, start, end, to) ?? context.find(bytes, start, end, to);
    if (hit) hits.push(hit);
  });
  if (from >= to) return hits;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
  for (const matcher of SEARCHED) searchPrefix(bytes, from, to, matcher, hits);
  if (PEM_RULE) findPrivateKeys(bytes, from, to, PEM_RULE, (hit) => hits.push(hit));
  if (CONNECTION_RULE) findConnections(view, bytes, from, to, CONNECTION_RULE, (hit) => hits.push(hit));
  return hits.length > 1 ? withoutOverlaps(hits) : hits;
}

/** An escape or a colour that a run begins with is no longer. */
const LONGEST_GLUE = 6;

function jwtIn(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
  if (!JWT_RULE || bytes[end] !== 0x2e) return null;
  for (let at = start; at <= start + LONGEST_GLUE; at += 1) {
    if (standsAt(bytes, at, 'eyJ') && standsFree(bytes, at)) return jwtAt(bytes, at, end, to, JWT_RULE);
  }
  return null;
}

/** Returns where the search ended. */
function searchRun(bytes: Uint8Array, start: number, end: number, to: number, hits: Hit[]): number {
  let at = start;
  while (at + LEAST_PREFIX < end) {
    const group =
      (FIRST[bytes[at] as number] as number) &
      (SECOND[bytes[at + 1] as number] as number) &
      (THIRD[bytes[at + 2] as number] as number);
    const hit = group === 0 ? null : tryGroups(bytes, at, to, group);
    if (hit) hits.push(hit);
    // What only may be a value must not hide one that begins inside it.
    at = hit?.sure ? hit.end : at + 1;
  }
  return at;
}

function tryGroups(bytes: Uint8Array, at: number, to: number, groups: number): Hit | null {
  let unsure: Hit | null = null;
  for (let rest = groups; rest !== 0; rest &= rest - 1) {
    for (const matcher of GROUPS[31 - Math.clz32(rest & -rest)] ?? []) {
      const hit = examine(bytes, at, to, matcher);
      if (hit?.sure) return hit;
      unsure ??= hit;
    }
  }
  return unsure;
}

function searchPrefix(bytes: Uint8Array, from: number, to: number, matcher: Matcher, hits: Hit[]): void {
  const { prefix } = matcher;
  let at = indexOfText(bytes, prefix, from, to);
  while (at >= 0) {
    const hit = examine(bytes, at, to, matcher);
    if (hit) hits.push(hit);
    at = indexOfText(bytes, prefix, hit?.sure ? hit.end : at + prefix.length, to);
  }
}

/**
 * Of two values that overlap, the sure one stays, else the one that begins first. INVARIANT: whatever is left out overlaps something that stays,
 * so no place where something was found is without a finding.
 */
export function withoutOverlaps(hits: Hit[]): Hit[] {
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const sure: Hit[] = [];
  for (const hit of hits) if (hit.sure && hit.start >= (sure.at(-1)?.end ?? 0)) sure.push(hit);
  const kept: Hit[] = [];
  let next = 0;
  for (const hit of hits) {
    if (hit.sure) continue;
    // Those before it stay; the first that is not before it may overlap it.
    for (; next < sure.length && (sure[next]?.end ?? 0) <= hit.start; next += 1) kept.push(sure[next] ?? hit);
    const overlapped = (sure[next]?.start ?? Infinity) < hit.end || hit.start < (kept.at(-1)?.end ?? 0);
    if (!overlapped) kept.push(hit);
  }
  return [...kept, ...sure.slice(next)];
}

/** The text of a found value, as it stands; of a private key only its body, so that line ends do not matter. */
export function valueOf(bytes: Uint8Array, { rule, start, end }: Hit): string {
  const text = latin1(bytes, start, end);
  return rule.shape.by === 'pem' ? text.replaceAll(/\\[nrt]|[^A-Za-z0-9+/=]/g, '') : text;
}
