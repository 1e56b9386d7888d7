/** The front door of watch/: what is looked at by itself, and the alerts about all that the journal says. */
import type { AuthRefused, EntryBody, KeyAgeStage } from '../audit/entry.ts';
import type { IndexStore } from '../audit/store.ts';
import type { Clock } from '../core/clock.ts';
import { randomBase62 } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import type { Trust } from '../records/trust.ts';
import type { Vault } from '../vault/vault.ts';
import type { Alert } from './alert.ts';
import { AuthBursts } from './auth-bursts.ts';
import { Courier } from './courier.ts';
import type { Directory } from './directory.ts';
import { DiskWatch } from './disk.ts';
import { type Cadence, type KeyAge, keyAges, KeyAgeWatch } from './key-ages.ts';
import type { AlertOutbox } from './outbox.ts';
import type { Outcome, Send } from './sender.ts';
import type { OutboxItem, OutboxStore } from './store.ts';

export interface WatchDeps {
  readonly instance: string;
  readonly directory: Directory;
  readonly outbox: AlertOutbox;
  readonly store: OutboxStore;
  readonly trust: Trust;
  readonly index: Pick<IndexStore, 'query'>;
  readonly vault: Vault;
  readonly send: Send;
  readonly clock: Clock;
  /** Goes on evenly when the wall clock is set. */
  readonly steadyClock: Pick<Clock, 'wallMs'>;
  readonly log: Log;
  /** Puts on record what has happened. */
  readonly record: (entry: EntryBody) => void;
  readonly settings: {
    readonly data: string;
    readonly authFailures: number;
    readonly keyAgeDays: Cadence;
    readonly diskFreeBytes: number | null;
  };
}

/** What of a destination's alerts is not there yet. */
export interface Backlog {
  readonly waiting: number;
  /** Given up, and not sent again since. */
  readonly undelivered: number;
}

const DISK_EVERY_MS = 30_000;
const KEY_AGE_EVERY_MS = 3_600_000;
/** As many key versions and stages as anybody has. */
const MAX_REPORTED = 10_000;

export class Watch {
  readonly directory: Directory;
  readonly #deps: WatchDeps;
  readonly #courier: Courier;
  readonly #bursts: AuthBursts;
  readonly #ageWatch: KeyAgeWatch;
  readonly #disk: DiskWatch;
  #timers: ReturnType<typeof setInterval>[] = [];
  #looking: Promise<void> = Promise.resolve();

  private constructor(deps: WatchDeps, ageWatch: KeyAgeWatch, disk: DiskWatch) {
    this.directory = deps.directory;
    this.#deps = deps;
    this.#courier = new Courier(deps);
    this.#bursts = new AuthBursts({ ...deps, threshold: deps.settings.authFailures });
    this.#ageWatch = ageWatch;
    this.#disk = disk;
  }

  /** The index holds everything up to now: what was said before is not said again. */
  static async open(deps: WatchDeps): Promise<Watch> {
    const { index, settings, steadyClock } = deps;
    const aged = await index.query({ action: 'key.age', limit: MAX_REPORTED });
    const onRecord = aged.map(({ keyId, metadata }) => {
      const { stage } = JSON.parse(metadata) as { readonly stage: KeyAgeStage };
      return [keyId ?? '', stage] as const;
    });
    const ageWatch = new KeyAgeWatch({ ...deps, cadence: settings.keyAgeDays, clock: steadyClock }, onRecord);
    const disk = new DiskWatch(
      { ...deps, folder: settings.data, thresholdBytes: settings.diskFreeBytes },
      await wasLow(index),
    );
    return new Watch(deps, ageWatch, disk);
  }

  /** Only entries that can be done without are refused for it. */
  get diskIsLow(): boolean {
    return this.#disk.low;
  }

  /** Of the keys in use, now. */
  keyAges(): KeyAge[] {
    const { vault, settings, steadyClock } = this.#deps;
    return keyAges(vault, settings.keyAgeDays, steadyClock.wallMs());
  }

  start(): void {
    this.#courier.start();
    this.#ageWatch.check();
    this.#lookAtDisk();
    this.#timers = [
      setInterval(() => this.#ageWatch.check(), KEY_AGE_EVERY_MS),
      setInterval(() => this.#lookAtDisk(), DISK_EVERY_MS),
    ];
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    // What it finds goes on record, and the journal closes soon.
    await this.#looking;
    await this.#courier.stop();
  }

  #lookAtDisk(): void {
    this.#looking = this.#disk.check();
  }

  /** Takes the refusals of callers that nobody knows, as they are recorded. */
  seeRefusals(refused: readonly AuthRefused[]): void {
    this.#bursts.see(refused);
  }

  /** Sends a message on trial, once, and puts on record how that went. Rejects with `not_found`. */
  async test(principal: string, name: string): Promise<Outcome & { readonly alert: string }> {
    const { clock, send, record, instance } = this.#deps;
    const held = this.directory.get(name);
    const alert: Alert = {
      id: `alr_test_${randomBase62(20)}`,
      type: 'test',
      severity: 'info',
      timestamp: new Date(clock.wallMs()).toISOString(),
      instance,
      summary: `This is a test of the alert destination ${name}. Nothing has happened.`,
      data: { destination: name },
    };
    const outcome = await send(held, JSON.stringify(alert), new AbortController().signal);
    const { delivered, error } = outcome;
    record({ action: 'alert.tested', principal, destination: name, alert: alert.id, delivered, error });
    return { ...outcome, alert: alert.id };
  }

  /** Sends again what was given up for a destination, or for all. Resolves with how many. Rejects with `not_found`. */
  async retry(name: string | undefined): Promise<number> {
    const { store } = this.#deps;
    const destination = name === undefined ? undefined : this.directory.get(name).destination.id;
    const filter = {
      state: 'dead' as const,
      limit: 10_000,
      ...(destination === undefined ? {} : { destination }),
    };
    const active = new Set(this.directory.active().map((held) => held.destination.id));
    const items = await store.list(filter);
    return this.#courier.revive(items.filter((item) => active.has(item.destination)));
  }

  outbox(filter: Parameters<OutboxStore['list']>[0]): Promise<OutboxItem[]> {
    return this.#deps.store.list(filter);
  }

  /** By id of the destination, for those in use. */
  async backlogs(): Promise<ReadonlyMap<string, Backlog>> {
    const backlogs = new Map<string, Backlog>();
    for (const { destination } of this.directory.active())
      backlogs.set(destination.id, { waiting: 0, undelivered: 0 });
    for (const { destination, state, rows } of await this.#deps.store.count()) {
      const backlog = backlogs.get(destination);
      if (!backlog || state === 'delivered') continue;
      backlogs.set(destination, { ...backlog, [state === 'pending' ? 'waiting' : 'undelivered']: rows });
    }
    return backlogs;
  }
}

async function wasLow(index: Pick<IndexStore, 'query'>): Promise<boolean> {
  const newest = async (action: string): Promise<number> =>
    (await index.query({ action, limit: 1 }))[0]?.atMs ?? -Infinity;
  return (await newest('disk.low')) > (await newest('disk.recovered'));
}
