/**
 * A file that changes in each commit of a range is a new object each time, with the same value in it: told once, where it came in. Whether a mark on
 * its line allows it, the newest version says, so that a commit can add the mark.
 */
import type { Finding } from '../finding.ts';

/** What is found in one object. */
export interface Suspect {
  readonly id: string;
  /** Empty for commits and tags. */
  readonly path: string;
  /** It is in the name, so the commit is told by that. */
  readonly isName: boolean;
  readonly findings: readonly Finding[];
}

/** `suspects` begin with the newest; the result begins with the oldest. */
export function firstSeen(suspects: readonly Suspect[]): Suspect[] {
  const newest = new Map<string, Finding>();
  for (const suspect of suspects) {
    for (const finding of suspect.findings) {
      const key = keyOf(suspect, finding);
      const known = newest.get(key);
      // Of several places in one version, one without a mark counts.
      if (!known || (known.allowed && !finding.allowed && isIn(suspect, known))) newest.set(key, finding);
    }
  }
  const told = new Set<string>();
  return suspects.toReversed().map((suspect): Suspect => {
    const { id, path, isName } = suspect;
    const fresh = suspect.findings.filter((finding) => !told.has(keyOf(suspect, finding)));
    for (const finding of fresh) told.add(keyOf(suspect, finding));
    return {
      id,
      path,
      isName,
      findings: fresh.map((finding) => asIn(finding, newest.get(keyOf(suspect, finding)))),
    };
  });
}

/** Messages have no newer version. */
function keyOf({ id, path, isName }: Suspect, finding: Finding): string {
  return [path === '' ? id : '', isName, finding.path, finding.fingerprint].join('\0');
}

function isIn({ findings }: Suspect, finding: Finding): boolean {
  return findings.includes(finding);
}

function asIn(finding: Finding, newest: Finding | undefined): Finding {
  return newest?.allowed ? { ...finding, allowed: newest.allowed } : withoutMark(finding);
}

/** A mark that was taken away again does not count. */
function withoutMark(finding: Finding): Finding {
  if (!finding.allowed) return finding;
  const { allowed, ...rest } = finding;
  return { ...rest, remark: `${allowed.reason}: that mark is not in the newest version any more` };
}
