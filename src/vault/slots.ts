/**
 * The vault's view of its records in memory: slots, their versions with sealed bytes, and which slot a call uses.
 * Follows the record book; every committed change is visible to the next `select`.
 */
import type { RecordBook } from '../records/records.ts';
import { DEMO_PURPOSE, slotOf, versionOf, type KeySlot, type KeyVersion } from './provider-keys.ts';

export interface SlotQuery {
  readonly provider: string;
  readonly team: string;
  readonly environment: string;
}

export interface HeldVersion {
  readonly version: KeyVersion;
  /** Null when the database lost it; the journal does not hold sealed bytes. */
  readonly sealed: Uint8Array | null;
}

/** Far above what tokens can ask for; a bound all the same. */
const MAX_CACHED_QUERIES = 10_000;

export class SlotIndex {
  readonly #slots = new Map<string, KeySlot>();
  readonly #versions = new Map<string, Map<number, HeldVersion>>();
  readonly #selected = new Map<string, KeySlot | null>();

  /** Throws `store.tampered` for a record that does not validate. */
  constructor(book: RecordBook) {
    book.subscribe('key_version', (record) => {
      const version = versionOf(record);
      const versions = this.#versions.get(version.slot) ?? new Map<number, HeldVersion>();
      versions.set(version.version, { version, sealed: record.sealed });
      this.#versions.set(version.slot, versions);
    });
    book.subscribe('provider_key', (record) => {
      this.#slots.set(record.id, slotOf(record));
      this.#selected.clear();
    });
  }

  slot(name: string): KeySlot | undefined {
    return this.#slots.get(name);
  }

  /** By name. */
  slots(): KeySlot[] {
    return [...this.#slots.values()].toSorted(byName);
  }

  version(slot: string, version: number): HeldVersion | undefined {
    return this.#versions.get(slot)?.get(version);
  }

  /** Oldest first; also those of a slot that was never finished. */
  versions(slot: string): KeyVersion[] {
    return [...(this.#versions.get(slot)?.values() ?? [])]
      .map((held) => held.version)
      .toSorted((a, b) => a.version - b.version);
  }

  labels(): Set<string> {
    return new Set(
      [...this.#versions.values()].flatMap((held) => [...held.values()].map((one) => one.version.label)),
    );
  }

  /**
   * The active slot that fits most closely: team and environment, then team, then environment, then shared; equals by name.
   * One map lookup when asked before.
   */
  select(query: SlotQuery): KeySlot | undefined {
    const key = `${query.provider}\n${query.team}\n${query.environment}`;
    const known = this.#selected.get(key);
    if (known !== undefined) return known ?? undefined;
    const [best] = this.slots()
      .filter((slot) => fits(slot, query))
      .toSorted((a, b) => closeness(b) - closeness(a) || byName(a, b));
    if (this.#selected.size >= MAX_CACHED_QUERIES) this.#selected.clear();
    this.#selected.set(key, best ?? null);
    return best;
  }
}

function fits(slot: KeySlot, query: SlotQuery): boolean {
  if (slot.state !== 'active' || slot.activeVersion === 0 || slot.provider !== query.provider) return false;
  if (slot.purpose === DEMO_PURPOSE && slot.team !== query.team) return false;
  const teamFits = slot.team === null || slot.team === query.team;
  return teamFits && (slot.environment === null || slot.environment === query.environment);
}

function closeness(slot: KeySlot): number {
  return (slot.team === null ? 0 : 2) + (slot.environment === null ? 0 : 1);
}

/** By code unit, not locale: the same order on every node. */
function byName(a: KeySlot, b: KeySlot): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}
