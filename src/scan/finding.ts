/** What a scan reports of a secret: where it is, what it is and which one. Never the value, nor a part of it. */
import { Secret } from '../core/secret.ts';
import type { Encoding, Found } from '../detect/deep.ts';
import type { Rule } from '../detect/rule.ts';
import { causeOfPath } from './causes.ts';
import type { Owner } from './owner.ts';
import type { Classified } from './verify-checks.ts';

export interface Place {
  readonly path: string;
  /** Counted from 1. 0 when the secret is in the name of the file. */
  readonly line: number;
  /** Counted from 1, in the units of UTF-16 that editors count. 0 when the secret is in the name of the file. */
  readonly column: number;
  /** The first commit that had it there, where a history was scanned. */
  readonly commit?: string;
  /** The file that the path leads into, where the place is inside an archive. */
  readonly file?: string;
  /** Of a file with an order of its own, where in it, for people: `cell 3, output`, `page 2`. Never text of the file. */
  readonly where?: string;
  /** Where the value ends on another line than it begins. */
  readonly lastLine?: number;
}

/** Somebody's word that a value is no secret, or may stay. */
export interface Allowance {
  /** A mark on its line, or a line in the repository's file of allowances. */
  readonly by: 'line' | 'file';
  readonly reason: string;
  /** The last day on which it holds. */
  readonly until?: string;
}

export interface Finding extends Place {
  readonly rule: Rule;
  /** False for what only may be a secret. */
  readonly sure: boolean;
  /** What it was hidden in, from outside to inside. */
  readonly encodings: readonly Encoding[];
  /** It was read from a picture: never sure, and always reported. */
  readonly isFromPicture?: true;
  /** Of a built file, the place in the sources that it comes from. */
  readonly origin?: { readonly path: string; readonly line: number; readonly column: number };
  /** By what it got where it is, in a few words: what there is to change. */
  readonly cause?: string;
  /** The same for the same value under the same rule, everywhere. */
  readonly fingerprint: string;
  /** It does not count, then. */
  readonly allowed?: Allowance;
  /** What people should know besides, such as why an allowance does not hold. */
  readonly remark?: string;
  /** Whose it is, where the gateway was asked: nobody's that it knows, or several keys' with the same value. */
  readonly owners?: readonly Owner[];
  /** Whether its provider takes it, where that was asked. */
  readonly verified?: Classified;
  /** To compare it, or to ask whether it is live, in this process. No report has it. */
  readonly value: Secret;
}

/** Fingerprints of other programs, and of other uses of ours, do not compare with these. */
const LABEL = 'sallyport.scan.fingerprint.v1';
const FINGERPRINT_HEX = 20;

/** `mark`: see `MarkedFound`. */
export function findingOf(
  { rule, sure, encodings, value, mark = null }: Found & { readonly mark?: string | null },
  place: Place,
): Finding {
  const cause = causeOfPath(place.path);
  return {
    ...place,
    ...byMark(mark),
    ...(cause === undefined ? {} : { cause }),
    rule,
    sure,
    encodings,
    fingerprint: fingerprintOf(rule, value),
    value: Secret.fromText(value),
  };
}

function byMark(mark: string | null): Pick<Finding, 'allowed' | 'remark'> {
  if (mark === null) return {};
  if (mark !== '') return { allowed: { by: 'line', reason: mark } };
  return { remark: 'sallyport:allow on its line does not count, because it gives no reason' };
}

/**
 * 80 bits of a keyed hash. The key is no secret, so that every machine computes the same. Most values have more than 80 bits of chance; those
 * that a person may have chosen are hashed slowly, so that trying passwords against a report costs as much as against a good password file.
 */
export function fingerprintOf(rule: Rule, value: string): string {
  const text = `${rule.id}\0${value}`;
  if (!rule.guessable) {
    return new Bun.CryptoHasher('sha256', LABEL).update(text).digest('hex').slice(0, FINGERPRINT_HEX);
  }
  const known = stretched.get(text);
  if (known !== undefined) return known;
  const { scryptSync } = process.getBuiltinModule('node:crypto');
  const fingerprint = scryptSync(text, LABEL, FINGERPRINT_HEX / 2, SCRYPT).toString('hex');
  stretched.set(text, fingerprint);
  return fingerprint;
}

/** 32 MiB and some tens of milliseconds each. */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const stretched = new Map<string, string>();
