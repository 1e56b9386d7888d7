/**
 * What the database must contain. The store may drop, edit, copy or restore rows; this state makes each of these visible.
 * Every row carries a MAC. All rows together are summed up in a set digest: the XOR of a keyed hash of each row's MAC. The digest is
 * never stored, only covered by the MAC of the one trust row, beside the journal position. So an edited row fails its own MAC; a
 * deleted, added or restored row fails the trust row's; and a restored database has an older position, behind which the journal is
 * applied again. (A digest in the open could be steered by linear algebra over 256 known elements; a hidden one cannot.)
 */
import { type Authenticator, termOf } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import type { TrustRow } from './store.ts';

const HASH_BYTES = 32;

/** Where the journal is applied up to. */
export interface AppliedPosition {
  readonly stream: string;
  readonly seq: number;
  readonly hash: Uint8Array;
  readonly segment: number;
  readonly offset: number;
}

/** Row MACs by what they vouch for. */
export interface RowTags {
  readonly records: readonly Uint8Array[];
  readonly statuses: readonly Uint8Array[];
  /** Tags of calls without an end, made anew under a term: unlike MACs they are not kept. */
  readonly openCalls?: (term: number) => readonly Uint8Array[];
  /** Tags of alerts that are still to be sent. */
  readonly outbox?: readonly Uint8Array[];
}

export interface TrustChange {
  readonly position?: AppliedPosition;
  /** MACs of rows that are replaced. */
  readonly gone?: readonly (Uint8Array | undefined)[];
  /** MACs of rows that take their place. */
  readonly added?: readonly Uint8Array[];
}

const START: AppliedPosition = {
  stream: '',
  seq: 0,
  hash: new Uint8Array(HASH_BYTES),
  segment: 0,
  offset: 0,
};

export class Trust {
  readonly #authenticator: Authenticator;
  /** What the tags of the calls that were open at the start were made under. */
  readonly openCallTerm: number;
  #position: AppliedPosition;
  #digest: Uint8Array;
  #tail: Promise<unknown> = Promise.resolve();

  private constructor(authenticator: Authenticator, row: TrustRow | null, tags: RowTags) {
    this.#authenticator = authenticator;
    this.#position = row ?? START;
    const kept = [...tags.records, ...tags.statuses, ...(tags.outbox ?? [])];
    // A MAC of no term that there is was not made here; nothing could be compared with it.
    const known = kept.every((tag) => authenticator.terms.includes(termOf(tag)));
    const rows = this.#flip(new Uint8Array(HASH_BYTES), known ? kept : []);
    for (const term of known ? authenticator.terms : []) {
      const open = tags.openCalls?.(term) ?? [];
      const digest = this.#flip(rows, open);
      const intact = row
        ? authenticator.verify(this.#fields(row, digest), row.mac)
        : kept.length + open.length === 0;
      if (intact) {
        this.#digest = digest;
        this.openCallTerm = term;
        return;
      }
    }
    const detail = 'rows were deleted, added, or put back to an older version outside Sallyport';
    throw new SallyportError('store.tampered', `The database does not match its journal: ${detail}.`, {
      detail,
      fix: 'Restore the whole data folder (database and journal together) from one backup. Nothing was changed.',
    });
  }

  /**
   * Throws `store.tampered` unless `tags` are the MACs of exactly the rows that were last committed together with `row`.
   * A database with neither rows nor a trust row starts empty.
   */
  static open(authenticator: Authenticator, row: TrustRow | null, tags: RowTags): Trust {
    return new Trust(authenticator, row, tags);
  }

  get position(): AppliedPosition {
    return this.#position;
  }

  /**
   * Commits one change: `write` stores the new trust row in the same transaction as the rows it vouches for. One commit runs at a time;
   * a failed one leaves this state as it was.
   */
  commit(plan: () => TrustChange, write: (row: TrustRow) => Promise<void>): Promise<void> {
    const run = this.#tail.then(async () => {
      const change = plan();
      const position = change.position ?? this.#position;
      const digest = this.#flip(this.#digest, [...(change.gone ?? []), ...(change.added ?? [])]);
      await write({ ...position, mac: this.#authenticator.tag(this.#fields(position, digest)) });
      this.#position = position;
      this.#digest = digest;
    });
    this.#tail = run.catch(() => undefined);
    return run;
  }

  /** The digest with the rows of these MACs added or, when they were in it, taken out. */
  #flip(digest: Uint8Array, tags: readonly (Uint8Array | undefined)[]): Uint8Array {
    const result = new Uint8Array(digest);
    for (const tag of tags) {
      if (!tag) continue;
      // INVARIANT: an element is made under the term of its row's MAC, so that it is the same also when newer terms have come.
      const element = this.#authenticator.tag(['trust.element', tag], termOf(tag));
      for (let index = 0; index < HASH_BYTES; index += 1) {
        result[index] = (result[index] ?? 0) ^ (element[element.length - HASH_BYTES + index] ?? 0);
      }
    }
    return result;
  }

  #fields(position: AppliedPosition, digest: Uint8Array): (string | Uint8Array)[] {
    const { stream, seq, hash, segment, offset } = position;
    return ['trust.v1', stream, String(seq), hash, String(segment), String(offset), digest];
  }
}
