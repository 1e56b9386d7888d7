/**
 * Findings as they are reported: the same value under the same rule at the same path is one finding, at its place in the first version that had it,
 * however many versions have it.
 */
import { unpackedName } from '../containers.ts';
import type { Finding } from '../finding.ts';
import type { Attribution } from './attribute.ts';
import type { DirtyObject } from './closer-look.ts';

interface Placed {
  readonly finding: Finding;
  readonly order: number;
}

export function placedFindings(dirty: readonly DirtyObject[], attribution: Attribution): Finding[] {
  const first = new Map<string, Placed>();
  for (const object of dirty) {
    for (const finding of object.findings) {
      for (const placed of placesOf(object, finding, attribution)) {
        const { rule, fingerprint, path } = placed.finding;
        const key = `${rule.id}\0${fingerprint}\0${path}`;
        const known = first.get(key);
        if (!known || placed.order < known.order) first.set(key, placed);
      }
    }
  }
  return [...first.values()]
    .toSorted(
      (a, b) =>
        a.order - b.order || compare(a.finding.path, b.finding.path) || a.finding.line - b.finding.line,
    )
    .map(({ finding }) => finding);
}

function placesOf(
  { id, kind, placeholder }: DirtyObject,
  finding: Finding,
  attribution: Attribution,
): Placed[] {
  if (kind === 'commit') return [{ finding: { ...finding, commit: id }, order: 0 }];
  if (kind === 'tree') {
    const name = finding.path.slice(placeholder.length + 1);
    const appearance = attribution.names.get(name);
    if (!appearance) return [{ finding, order: Infinity }];
    const { path, commit, order } = appearance;
    return [{ finding: { ...finding, path, commit }, order }];
  }
  const appearances = [...(attribution.blobs.get(id)?.values() ?? [])];
  if (appearances.length > 0) {
    return appearances.map(({ path, commit, order }) => ({
      finding: { ...movedTo(finding, placeholder, path), commit },
      order,
    }));
  }
  const staged = attribution.staged.get(id) ?? [];
  if (staged.length > 0)
    return staged.map((path) => ({ finding: movedTo(finding, placeholder, path), order: Infinity }));
  return [{ finding, order: Infinity }];
}

function movedTo(finding: Finding, placeholder: string, path: string): Finding {
  // A name inside that was made from the outer one is made from the real one.
  const inside = finding.path.slice(placeholder.length).replaceAll(placeholder, () => unpackedName(path));
  const moved = { ...finding, path: path + inside };
  return finding.file === undefined ? moved : { ...moved, file: path };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
