/**
 * Which alerts are still to be sent: a projection of the journal. The indexer gives it every entry once and in order, and commits the rows
 * it makes in the transaction of those entries; so whatever kills the process, an entry and its alerts are both there or both to come.
 *
 * In memory is what the database has been seen to have at start; it is not read again. A row that waits carries a MAC, and the trust row
 * vouches for all that wait: one that is deleted, edited, added or marked as sent outside Sallyport is seen at the next start.
 */
import type { PlacedEntry } from '../audit/entry.ts';
import type { AlertProjection } from '../audit/indexer.ts';
import type { OutboxRow } from '../audit/store.ts';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { redactCredentials } from '../detect/redact.ts';
import { alertOf, type Derived, type Owners, wants } from './alert.ts';
import type { Destination, HeldDestination } from './destinations.ts';
import type { KnownRow, OutboxItem, OutboxKey } from './store.ts';

export interface OutboxDeps {
  readonly instance: string;
  /** Over rows: `row-mac`. */
  readonly authenticator: Authenticator;
  readonly owners: Owners;
  readonly directory: { active(): readonly HeldDestination[] };
}

/** A row that waits. */
export interface Waiting extends OutboxRow {
  attempts: number;
  nextAtMs: number;
}

export class AlertOutbox implements AlertProjection {
  readonly #deps: OutboxDeps;
  /** Every row there is or is about to be, so that none is made twice. */
  readonly #known = new Set<string>();
  /** When an alert was last made, by destination and fold. */
  readonly #folded = new Map<string, number>();
  /** By destination, then by alert, oldest first. */
  readonly #waiting = new Map<string, Map<string, Waiting>>();
  #fresh: OutboxRow[] = [];
  #offered = 0;
  #onNew: () => void = () => undefined;

  /** Over all rows of the database. Throws `store.tampered` for a waiting one that does not verify; that none is missing is `Trust`'s to say. */
  constructor(deps: OutboxDeps, waiting: readonly OutboxItem[], known: readonly KnownRow[]) {
    this.#deps = deps;
    for (const item of waiting) {
      this.check(item);
      this.#add(item, item.attempts, item.nextAtMs);
    }
    for (const { alert, destination, fold, atMs } of known) {
      this.#known.add(`${alert} ${destination}`);
      const key = `${destination} ${fold}`;
      if (fold !== null) this.#folded.set(key, Math.max(atMs, this.#folded.get(key) ?? 0));
    }
  }

  /** `listener` is called when there are new rows to send. */
  onNew(listener: () => void): void {
    this.#onNew = listener;
  }

  apply(placed: PlacedEntry): void {
    const derived = alertOf(placed, this.#deps.instance, this.#deps.owners);
    if (!derived) return;
    const payload = redactCredentials(JSON.stringify(derived.alert));
    for (const { destination } of this.#deps.directory.active()) {
      if (isFor(destination, derived)) this.#make(destination.id, derived, payload);
    }
  }

  pending(): readonly OutboxRow[] {
    this.#offered = this.#fresh.length;
    return this.#fresh.slice();
  }

  committed(): void {
    const stored = this.#fresh.splice(0, this.#offered);
    this.#offered = 0;
    for (const row of stored) this.#add(row, 0, row.atMs);
    if (stored.length > 0) this.#onNew();
  }

  /** Destinations for which something waits. */
  destinations(): string[] {
    return [...this.#waiting.keys()];
  }

  /** What waits for a destination, oldest first. */
  waitingFor(destination: string): Waiting[] {
    return [...(this.#waiting.get(destination)?.values() ?? [])];
  }

  /** The database has it as delivered or given up. */
  settled({ alert, destination }: OutboxKey): void {
    const rows = this.#waiting.get(destination);
    rows?.delete(alert);
    if (rows?.size === 0) this.#waiting.delete(destination);
  }

  /** Whether it waits. */
  has({ alert, destination }: OutboxKey): boolean {
    return this.#waiting.get(destination)?.has(alert) === true;
  }

  /** The database has it as waiting again. */
  revived(item: OutboxItem, nextAtMs: number): void {
    this.#add(item, 0, nextAtMs);
  }

  /** Throws `store.tampered` for a row that was changed outside Sallyport. */
  check(item: OutboxItem): void {
    if (!this.#deps.authenticator.verify(fieldsOf(item), item.mac)) throw tampered(item);
  }

  #make(destination: string, { alert, fold }: Derived, payload: string): void {
    const atMs = Date.parse(alert.timestamp);
    const foldKey = `${destination} ${fold?.key}`;
    const lastMs = fold ? (this.#folded.get(foldKey) ?? -Infinity) : -Infinity;
    if (this.#known.has(`${alert.id} ${destination}`)) return;
    if (fold && Math.abs(atMs - lastMs) < fold.quietMs) return;
    const row = { alert: alert.id, destination, type: alert.type, atMs, fold: fold?.key ?? null, payload };
    this.#known.add(`${alert.id} ${destination}`);
    // Also when it is earlier: a clock that was a year ahead must not end all folding for a year.
    if (fold) this.#folded.set(foldKey, atMs);
    this.#fresh.push({ ...row, mac: this.#deps.authenticator.tag(fieldsOf(row)) });
  }

  #add(row: OutboxRow, attempts: number, nextAtMs: number): void {
    const { alert, destination, type, atMs, fold, payload, mac } = row;
    const rows = this.#waiting.get(destination) ?? new Map<string, Waiting>();
    rows.set(alert, { alert, destination, type, atMs, fold, payload, mac, attempts, nextAtMs });
    this.#waiting.set(destination, rows);
  }
}

function isFor({ events, team }: Destination, derived: Derived): boolean {
  return wants(events, derived.alert.type) && (team === null || team === derived.team);
}

function fieldsOf(row: Omit<OutboxRow, 'mac'>): string[] {
  return ['outbox.v1', row.alert, row.destination, row.type, String(row.atMs), row.fold ?? '', row.payload];
}

function tampered({ alert }: OutboxKey): SallyportError {
  return new SallyportError('store.tampered', `The alert ${alert} was changed outside Sallyport.`, {
    fix: 'Restore the data folder from a backup. Sallyport does not start on an edited alert.',
  });
}
