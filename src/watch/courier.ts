/**
 * Sends what waits in the outbox. At least once on the wire, always with the same id; once, as far as a process that is not killed between
 * the answer and the note about it can see to it. One message at a time to a destination; a destination that fails is left alone for a
 * while, each message for longer each time, and after 14 tries (a day and a half) it is given up, on record.
 */
import type { EntryBody } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import type { Log } from '../core/log.ts';
import type { Trust } from '../records/trust.ts';
import type { HeldDestination } from './destinations.ts';
import type { AlertOutbox, Waiting } from './outbox.ts';
import type { Outcome, Send } from './sender.ts';
import type { OutboxItem, OutboxStore, Settled } from './store.ts';

export const MAX_ATTEMPTS = 14;
const FIRST_WAIT_MS = 5_000;
const GROWTH = 3;
const MAX_WAIT_MS = 6 * 3_600_000;
/** How long a failing destination is left alone at most; its messages take turns then. */
const MAX_COOLING_MS = 5 * 60_000;
const TICK_MS = 1000;
const KEEP_SETTLED_MS = 90 * 86_400_000;
const PRUNE_EVERY_MS = 86_400_000;
const STOP_GRACE_MS = 2000;

export interface CourierDeps {
  readonly outbox: AlertOutbox;
  readonly store: OutboxStore;
  readonly trust: Pick<Trust, 'commit'>;
  readonly directory: { find(id: string): HeldDestination | undefined };
  readonly send: Send;
  readonly clock: Clock;
  readonly log: Log;
  /** Puts on record that an alert was given up. */
  readonly record: (entry: EntryBody) => void;
  /** For tests; 0..1. */
  readonly random?: () => number;
  /** For tests. How long a message that is being sent may take when the process stops. */
  readonly stopGraceMs?: number;
}

interface Line {
  busy: boolean;
  failures: number;
  /** Monotonic time before which nothing is sent. */
  coolUntilMs: number;
}

export class Courier {
  readonly #deps: CourierDeps;
  readonly #lines = new Map<string, Line>();
  /** Sent or given up, but the database has not taken it yet: never to be sent again. */
  readonly #unsettled = new Map<Waiting, Settled>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #timer: ReturnType<typeof setInterval> | undefined;
  #prunedMs = -Infinity;
  #reviving: Promise<number> = Promise.resolve(0);

  constructor(deps: CourierDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#deps.outbox.onNew(() => this.#tick());
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  /** What is being sent may end; what waits is sent by the next process. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#deps.outbox.onNew(() => undefined);
    const cut = setTimeout(() => this.#stopping.abort(), this.#deps.stopGraceMs ?? STOP_GRACE_MS);
    this.#timer = undefined;
    await Promise.all(this.#running);
    clearTimeout(cut);
  }

  /** Lets what was given up wait again; resolves with how many do. Rejects with `store.tampered` at a row that was edited. */
  revive(items: readonly OutboxItem[]): Promise<number> {
    const run = this.#reviving.then(() => this.#revive(items));
    this.#reviving = run.catch(() => 0);
    return run;
  }

  async #revive(items: readonly OutboxItem[]): Promise<number> {
    const { outbox, store, trust, clock } = this.#deps;
    let count = 0;
    for (const item of items) {
      // INVARIANT: one that waits already is vouched for already; twice would be not at all.
      if (outbox.has(item)) continue;
      outbox.check(item);
      const nowMs = clock.wallMs();
      await trust.commit(
        () => ({ added: [item.mac] }),
        (row) => store.revive(item, nowMs, row),
      );
      outbox.revived(item, nowMs);
      count += 1;
    }
    this.#tick();
    return count;
  }

  #tick(): void {
    if (this.#timer === undefined) return;
    this.#prune();
    for (const destination of this.#deps.outbox.destinations()) {
      const line = this.#lineOf(destination);
      if (line.busy || !this.#nextFor(destination, line)) continue;
      line.busy = true;
      const run = this.#serve(destination, line).finally(() => {
        line.busy = false;
        this.#running.delete(run);
      });
      this.#running.add(run);
    }
  }

  /** Sends what is due to one destination, one after the other. Never rejects. */
  async #serve(destination: string, line: Line): Promise<void> {
    for (;;) {
      const next = this.#timer === undefined ? undefined : this.#nextFor(destination, line);
      if (!next) return;
      try {
        await this.#deliver(next, line);
      } catch (error) {
        // The database takes nothing: what was sent is remembered, and the rest comes back later.
        this.#cool(line, null);
        this.#deps.log.warn('The alert outbox cannot be written; it is tried again.', {
          detail: describe(error),
        });
        return;
      }
    }
  }

  async #deliver(item: Waiting, line: Line): Promise<void> {
    const known = this.#unsettled.get(item);
    if (known) {
      await this.#settle(item, known);
      return;
    }
    const held = this.#deps.directory.find(item.destination);
    if (held?.destination.state !== 'active') {
      await this.#end(item, 'dead', item.attempts, 'the destination was removed');
      return;
    }
    failpoint('before-alert-send');
    const outcome = await this.#deps.send(held, item.payload, this.#stopping.signal);
    if (outcome.delivered) {
      failpoint('after-alert-send');
      this.#recovered(item.destination, line);
      await this.#end(item, 'delivered', item.attempts + 1, outcome.error);
      return;
    }
    // Cut off by our own end: that was no try.
    if (this.#stopping.signal.aborted) return;
    await this.#failed(item, held, outcome, line);
  }

  async #failed(item: Waiting, held: HeldDestination, outcome: Outcome, line: Line): Promise<void> {
    const { store, clock, log, record } = this.#deps;
    const { name } = held.destination;
    const error = outcome.error ?? 'unknown';
    item.attempts += 1;
    this.#cool(line, outcome.retryAfterMs);
    if (item.attempts < MAX_ATTEMPTS) {
      item.nextAtMs = clock.wallMs() + this.#waitAfter(item.attempts);
      log.warn('An alert could not be delivered; it is tried again.', {
        destination: name,
        alert: item.alert,
        error,
      });
      await store.postpone(item, item.attempts, item.nextAtMs, error);
      return;
    }
    log.error('An alert is given up after many tries.', { destination: name, alert: item.alert, error });
    record({
      action: 'alert.undelivered',
      principal: 'system',
      destination: name,
      alert: item.alert,
      delivered: false,
      error,
    });
    await this.#end(item, 'dead', item.attempts, error);
  }

  async #end(item: Waiting, state: Settled['state'], attempts: number, error: string | null): Promise<void> {
    const settled = { state, attempts, error, settledAtMs: this.#deps.clock.wallMs() };
    this.#unsettled.set(item, settled);
    await this.#settle(item, settled);
  }

  async #settle(item: Waiting, settled: Settled): Promise<void> {
    const { outbox, store, trust } = this.#deps;
    await trust.commit(
      () => ({ gone: [item.mac] }),
      (row) => {
        failpoint('in-alert-settle');
        return store.settle(item, settled, row);
      },
    );
    this.#unsettled.delete(item);
    outbox.settled(item);
  }

  #nextFor(destination: string, line: Line): Waiting | undefined {
    const { clock, directory, outbox } = this.#deps;
    const waiting = outbox.waitingFor(destination);
    if (directory.find(destination)?.destination.state !== 'active') return waiting[0];
    if (clock.monotonicMs() < line.coolUntilMs) return undefined;
    const nowMs = clock.wallMs();
    // A wall clock that was set back must not hold anything for longer than the longest wait.
    return waiting.find(
      (item) =>
        this.#unsettled.has(item) || item.nextAtMs <= nowMs || item.nextAtMs > nowMs + 2 * MAX_WAIT_MS,
    );
  }

  #lineOf(destination: string): Line {
    const known = this.#lines.get(destination);
    if (known) return known;
    const line = { busy: false, failures: 0, coolUntilMs: 0 };
    this.#lines.set(destination, line);
    return line;
  }

  #cool(line: Line, retryAfterMs: number | null): void {
    line.failures += 1;
    const waitMs = Math.min(MAX_COOLING_MS, FIRST_WAIT_MS * 2 ** (line.failures - 1));
    line.coolUntilMs = this.#deps.clock.monotonicMs() + this.#jittered(Math.max(waitMs, retryAfterMs ?? 0));
  }

  /** It takes messages again: nobody has to wait for their turn. */
  #recovered(destination: string, line: Line): void {
    if (line.failures > 0) for (const item of this.#deps.outbox.waitingFor(destination)) item.nextAtMs = 0;
    line.failures = 0;
    line.coolUntilMs = 0;
  }

  #waitAfter(attempts: number): number {
    return this.#jittered(Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * GROWTH ** (attempts - 1)));
  }

  /** Up to a fifth more or less, so that many gateways do not come back at once. */
  #jittered(ms: number): number {
    return Math.round(ms * (0.8 + 0.4 * (this.#deps.random ?? Math.random)()));
  }

  #prune(): void {
    const { clock, store, log } = this.#deps;
    if (clock.monotonicMs() - this.#prunedMs < PRUNE_EVERY_MS) return;
    this.#prunedMs = clock.monotonicMs();
    const run = store
      .prune(Math.max(0, clock.wallMs() - KEEP_SETTLED_MS))
      .catch((error: unknown) =>
        log.warn('Old alerts could not be deleted.', {
          detail: error instanceof SallyportError ? error.message : 'unknown',
        }),
      )
      .finally(() => this.#running.delete(run));
    this.#running.add(run);
  }
}
