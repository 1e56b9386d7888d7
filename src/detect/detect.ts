/**
 * Finds secrets in bytes, by their shape. One pass finds the runs of key characters and tries the rules whose prefix stands in one; the few
 * prefixes of values that runs do not show, and private keys, are searched for. Time is linear in the bytes, whatever they are.
 */
import { GROUPS, SEARCHED } from './anchors.ts';
import { findBehindNames, secretBesideId } from './aws-secret.ts';
import { findClientSecrets } from './azure-secret.ts';
import { ALPHABETS, isAt, latin1, standsAt } from './bytes.ts';
import { findConnections } from './connection.ts';
import { ContextSearch } from './context.ts';
import { examine, type Hit, type Matcher, standsFree } from './examine.ts';
import { jwtAt, LONGEST_GLUE } from './jwt.ts';
import { findPrivateKeys } from './pem.ts';
import { type OnRun, Places } from './places.ts';
import type { Rule } from './rule.ts';
import { Repetition } from './repetition.ts';
import { RULES } from './rules.ts';
import { USE } from './run-use.ts';

export type { Hit } from './examine.ts';

/** A piece of text has to overlap the next by this much, for that no value is cut: the longest is a private key, or one in base64. */
export const LONGEST_VALUE_BYTES = 24 * 1024;
/** What stands before a value, and decides whether it counts, is no longer. */
export const LOOK_BACK_BYTES = 256;

const BASE64 = ALPHABETS.base64.bit;
const PEM_RULE = RULES.find(({ shape }) => shape.by === 'pem');
const JWT_RULE = RULES.find(({ shape }) => shape.by === 'jwt');
const CONNECTION_RULE = RULES.find(({ shape }) => shape.by === 'connection');
const AZURE_RULE = RULES.find(({ shape }) => shape.by === 'azure-secret');
const AWS_RULE = RULES.find(({ id }) => id === 'aws-secret-access-key');
const USUAL_CONTEXT = new ContextSearch(RULES.filter(({ onRequest }) => !onRequest));
let everyContext: ContextSearch | undefined;

/**
 * Secrets in `bytes[from..end)`, in order and without overlaps. What stands before `from` is looked at, but begins none. `generic` adds what has
 * nothing but a name such as "password" before it.
 */
export function findSecrets(bytes: Uint8Array, from = 0, end = bytes.length, generic = false): Hit[] {
  return findIn(bytes, new Places(bytes, from, end, generic), generic);
}

/** The same, in what was skimmed. `onRun` is told of every long run of key characters. */
export function findIn(bytes: Uint8Array, places: Places, generic: boolean, onRun?: OnRun): Hit[] {
  const hits: Hit[] = [];
  const { to } = places;
  const context = generic ? (everyContext ??= new ContextSearch(RULES)) : USUAL_CONTEXT;
  const contextUse = generic ? USE.context | USE.generic : USE.context;
  // A value may be longer than the run that it was found in.
  let covered = 0;
  const repetition = new Repetition();
  places.eachRun((start, end, uses, first, last) => {
    onRun?.(start, end, uses);
    const count = hits.length;
    for (let index = first; index < last; index += 1) {
      const at = places.prefixAt(index);
      if (at < covered || repetition.isAnother(bytes, at, to)) continue;
      const hit = tryGroups(bytes, at, to, places.prefixGroups(index));
      if (hit) hits.push(hit);
      else repetition.missed(at);
      // What only may be a value must not hide one that begins inside it.
      if (hit?.sure) covered = hit.end;
    }
    if (hits.length > count) return;
    const token = (uses & USE.token) === 0 ? null : jwtIn(bytes, start, end, to);
    const hit = token ?? ((uses & contextUse) === 0 ? null : context.find(bytes, start, end, to));
    if (hit) hits.push(hit);
  });
  tryPluses(bytes, places, context, hits);
  for (const matcher of SEARCHED) tryPrefix(bytes, places, matcher, hits);
  if (PEM_RULE) findPrivateKeys(bytes, places, PEM_RULE, (hit) => hits.push(hit));
  if (AWS_RULE) findAwsSecrets(bytes, places, AWS_RULE, hits);
  if (AZURE_RULE) findClientSecrets(bytes, places, AZURE_RULE, (hit) => hits.push(hit));
  if (CONNECTION_RULE) findConnections(bytes, places, CONNECTION_RULE, (hit) => hits.push(hit));
  return hits.length > 1 ? withoutOverlaps(hits) : hits;
}

/** A value in base64 may have no run long enough to be noticed, but then it mostly has a plus. */
function tryPluses(bytes: Uint8Array, places: Places, context: ContextSearch, hits: Hit[]): void {
  let lookedTo = places.from;
  for (const place of places.of('plus')) {
    const at = place + 1;
    if (at < lookedTo) continue;
    const hit = context.findBase64(bytes, at, at, places.to);
    if (hit) hits.push(hit);
    lookedTo = at + 1;
    while (lookedTo < places.to && isAt(bytes, lookedTo, BASE64)) lookedTo += 1;
  }
}

function findAwsSecrets(bytes: Uint8Array, places: Places, rule: Rule, hits: Hit[]): void {
  const secrets: Hit[] = [];
  for (const hit of hits) {
    if (hit.rule.provider !== rule.provider) continue;
    const beside = secretBesideId(bytes, hit, places.from, places.to, rule);
    if (beside) secrets.push(beside);
  }
  findBehindNames(bytes, places, rule, (hit) => secrets.push(hit));
  hits.push(...secrets);
}

function jwtIn(bytes: Uint8Array, start: number, end: number, to: number): Hit | null {
  if (!JWT_RULE || bytes[end] !== 0x2e) return null;
  for (let at = start; at <= start + LONGEST_GLUE; at += 1) {
    if (standsAt(bytes, at, 'eyJ') && standsFree(bytes, at)) return jwtAt(bytes, at, end, to, JWT_RULE);
  }
  return null;
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

function tryPrefix(bytes: Uint8Array, places: Places, matcher: Matcher, hits: Hit[]): void {
  let next = 0;
  for (const at of places.of('searched')) {
    const hit = at < next ? null : examine(bytes, at, places.to, matcher);
    if (hit) hits.push(hit);
    if (hit?.sure) next = hit.end;
  }
}

/**
 * Of two values that overlap, the one that is told more surely stays, else the one that begins first. INVARIANT: whatever is left out overlaps
 * something that stays, so no place where something was found is without a finding.
 */
export function withoutOverlaps(hits: Hit[]): Hit[] {
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  let kept: Hit[] = [];
  for (const rank of RANKS) {
    const added = hits.filter((hit) => rankOf(hit) === rank);
    if (added.length > 0) kept = addWhereFree(kept, added);
  }
  return kept;
}

const RANKS = ['key', 'chosen', 'possible'] as const;

/** A key in the place of a password is told as the key that it is. */
function rankOf({ sure, rule }: Hit): (typeof RANKS)[number] {
  if (!sure) return 'possible';
  return rule.guessable === true ? 'chosen' : 'key';
}

/** Both lists are in order; nothing in the first overlaps. */
function addWhereFree(kept: readonly Hit[], added: readonly Hit[]): Hit[] {
  const all: Hit[] = [];
  let next = 0;
  for (const hit of added) {
    for (let one = kept[next]; one && one.end <= hit.start; one = kept[next]) {
      all.push(one);
      next += 1;
    }
    const taken = (kept[next]?.start ?? Infinity) < hit.end || hit.start < (all.at(-1)?.end ?? 0);
    if (!taken) all.push(hit);
  }
  return [...all, ...kept.slice(next)];
}

/** The text of a found value, as it stands; of a private key only its body, so that line ends do not matter. */
export function valueOf(bytes: Uint8Array, { rule, start, end }: Hit): string {
  const text = latin1(bytes, start, end);
  return rule.shape.by === 'pem' ? text.replaceAll(/\\[nrt]|[^A-Za-z0-9+/=]/g, '') : text;
}
