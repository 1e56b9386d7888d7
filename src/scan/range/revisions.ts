/** Which commits a range means. */
import { SallyportError } from '../../core/errors.ts';

export interface Revisions {
  /** Names or ids of what is new, with all that it builds on. */
  readonly include: readonly string[];
  /** Likewise, of what was there before. */
  readonly exclude: readonly string[];
}

/** Cuts `A..B`. Throws `input.invalid`. */
export function parseRange(text: string): Revisions {
  const [, from = '', to = ''] = /^([^\s.][^\s]*?)\.{2,3}([^\s.][^\s]*)$/.exec(text) ?? [];
  // A name that begins with a dash would be an option of git.
  if (from !== '' && to !== '' && !`${from} ${to}`.match(/(?:^| )-/))
    return { include: [to], exclude: [from] };
  throw new SallyportError('input.invalid', '--range is no range of commits', {
    fix: 'write A..B: what is in B and not in A, such as origin/main..HEAD',
  });
}
