/**
 * A call's place under its limits: at once where there is room, and otherwise, for who may wait, at its turn in a fair queue. Nobody
 * overtakes who waits for the same limit. Every wait ends: with a turn, at the policy's time, when the client leaves, when the token is
 * revoked, or when the process stops.
 */
import type { Clock } from '../core/clock.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { type Attempt, FairQueue, type Waiter } from '../ledger/fair-queue.ts';
import type { Admission, Limits, QueuePolicy } from '../ledger/limits.ts';

/** What a call counts for. */
export interface Load {
  readonly subjects: readonly string[];
  readonly tokens: number;
}

/** A call that may have to wait. */
export interface Caller {
  readonly tokenId: string;
  readonly team: string;
  /** When its request came, by the monotonic clock: its time runs from there. */
  readonly arrivedMs: number;
  /** How long the client itself means to wait, from there; null when it does not say. */
  readonly patienceMs: number | null;
  readonly signal: AbortSignal;
  /** Decides again at the call's turn, for what has changed meanwhile. Throws what the call is refused with then. */
  readonly decideAgain: () => Load;
}

/** What becomes of a call that comes now. */
export type Outlook =
  | { readonly kind: 'free' }
  | { readonly kind: 'waits'; readonly reason: string; readonly upToMs: number }
  | { readonly kind: 'refused'; readonly error: SallyportError };

interface Waiting extends Waiter {
  readonly caller: Caller;
  readonly deadlineMs: number;
  readonly enter: (admission: Admission) => void;
  readonly refuse: (error: SallyportError) => void;
  /** What it counts for, as decided last. */
  load: Load;
}

export interface TurnsDeps {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly limits: Pick<Limits, 'admit' | 'refusal' | 'stoppedBy' | 'queueOf' | 'queueWeightOf' | 'onFreed'>;
  /** Of all teams together. */
  readonly maxWaiting: number;
}

/** How late a turn can be that only the clock brings; what other calls give back is noticed at once. */
const TURN_TICK_MS = 50;
/** After serving, others have this many times as long, up to a tick: however many wait, it is not all that is done. */
const REST = 10;
const MAX_RETRY_SECONDS = 60;

export class Turns {
  readonly #deps: TurnsDeps;
  readonly #queue = new FairQueue<Waiting>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #soon = false;
  #restUntilMs = 0;
  #stopped = false;

  constructor(deps: TurnsDeps) {
    this.#deps = deps;
    deps.limits.onFreed(() => this.#serveSoon());
  }

  /** Calls that wait now. */
  get waiting(): number {
    return this.#queue.size;
  }

  waitingOfTeam(team: string): number {
    return this.#queue.waitingOfTeam(team);
  }

  /** True when calls of the token wait instead of being refused. */
  mayWait(tokenId: string, team: string): boolean {
    return this.#deps.limits.queueOf(tokenId, team) !== null;
  }

  /**
   * A place now, or null for a call that has to wait: then see `wait`. Throws the refusal of a call that may not, or that no wait within its
   * time would help.
   */
  enter(tokenId: string, team: string, load: Load): Admission | null {
    const { limits } = this.#deps;
    let failure: unknown;
    if (!this.#queue.anyoneFor(load.subjects)) {
      try {
        return limits.admit(load.subjects, load.tokens);
      } catch (error) {
        failure = error;
      }
    }
    const outlook = this.outlook(tokenId, team, load);
    if (outlook.kind === 'waits') return null;
    throw outlook.kind === 'refused' ? outlook.error : failure;
  }

  /** What would become of such a call now; nothing is counted. */
  outlook(tokenId: string, team: string, load: Load): Outlook {
    const { limits } = this.#deps;
    const refused = limits.refusal(load.subjects, load.tokens);
    const held = this.#queue.anyoneFor(load.subjects);
    if (!refused && !held) return { kind: 'free' };
    const queue = limits.queueOf(tokenId, team);
    const error = refused ?? othersWait();
    if (!queue || (refused && !helps(refused, queue.policy))) return { kind: 'refused', error };
    return { kind: 'waits', reason: error.message, upToMs: queue.policy.waitMs };
  }

  /** A place at the call's turn. Rejects with `limit.queue`, or with whatever else ended the wait. */
  wait(caller: Caller, load: Load): Promise<Admission> {
    const { limits, maxWaiting } = this.#deps;
    const { tokenId, team, arrivedMs, patienceMs, signal } = caller;
    const queue = limits.queueOf(tokenId, team);
    if (this.#stopped) return Promise.reject(stopping());
    if (signal.aborted) return Promise.reject(clientLeft());
    const { length, waitMs } = queue?.policy ?? { length: 0, waitMs: 0 };
    const before =
      queue?.subject === 'token' ? this.#queue.waitingOfToken(tokenId) : this.#queue.waitingOfTeam(team);
    if (before >= length) return Promise.reject(full(length));
    if (this.#queue.size >= maxWaiting && !this.#makeRoom(team)) return Promise.reject(full(maxWaiting));
    const { promise, resolve, reject } = Promise.withResolvers<Admission>();
    const left = (): void => this.#refuse(waiting, clientLeft());
    const waiting: Waiting = {
      team,
      token: tokenId,
      subjects: load.subjects,
      caller,
      load,
      deadlineMs: arrivedMs + Math.min(waitMs, patienceMs ?? waitMs),
      enter: (admission) => {
        signal.removeEventListener('abort', left);
        resolve(admission);
      },
      refuse: (error) => {
        signal.removeEventListener('abort', left);
        reject(error);
      },
    };
    signal.addEventListener('abort', left, { once: true });
    this.#queue.add(waiting, limits.queueWeightOf(team));
    this.#timer ??= setInterval(() => this.tick(), TURN_TICK_MS);
    // It may be the first, with room for it by now.
    this.#serveSoon();
    return promise;
  }

  /** Ends the waits whose time is over, and serves what the clock has freed. */
  tick(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    for (const waiting of this.#queue.waiters())
      if (waiting.deadlineMs <= nowMs) this.#refuse(waiting, this.#timeOver(waiting, nowMs));
    this.#serve();
  }

  /** Ends the waits of a token. */
  cut(tokenId: string): void {
    for (const waiting of this.#queue.waiters()) {
      if (waiting.token !== tokenId) continue;
      this.#refuse(waiting, new SallyportError('token.invalid', 'The access token was revoked.'));
    }
  }

  /** Ends all waits, now and from now on: the process stops. */
  stop(): void {
    this.#stopped = true;
    for (const waiting of this.#queue.waiters()) this.#refuse(waiting, stopping());
    this.#rest();
  }

  #serveSoon(): void {
    if (this.#soon || this.#queue.size === 0) return;
    this.#soon = true;
    queueMicrotask(() => {
      this.#soon = false;
      this.#serve();
    });
  }

  #serve(): void {
    const { clock } = this.#deps;
    const startMs = clock.monotonicMs();
    if (this.#queue.size > 0 && startMs >= this.#restUntilMs) {
      this.#queue.serve((waiting) => this.#attempt(waiting));
      const endMs = clock.monotonicMs();
      // A short one is not worth a rest: those who wait would only wait longer.
      const tookMs = endMs - startMs;
      this.#restUntilMs = tookMs < 1 ? 0 : endMs + Math.min(TURN_TICK_MS, REST * tookMs);
    }
    this.#rest();
  }

  #attempt(waiting: Waiting): Attempt {
    const { limits } = this.#deps;
    try {
      const load = waiting.caller.decideAgain();
      waiting.load = load;
      const refused = limits.refusal(load.subjects, load.tokens);
      if (refused?.retryable) {
        return { kind: 'stopped', by: limits.stoppedBy(load.subjects, load.tokens) ?? '' };
      }
      waiting.enter(limits.admit(load.subjects, load.tokens));
      return { kind: 'served' };
    } catch (thrown) {
      waiting.refuse(asSallyportError(thrown));
      return { kind: 'gone' };
    }
  }

  /** Takes the newest call out of the longest queue, if that is longer than the team's: nobody fills the room of all. */
  #makeRoom(team: string): boolean {
    const newest = this.#queue.newestOfLargest(this.#queue.waitingOfTeam(team) + 1);
    if (newest) this.#refuse(newest, full(this.#deps.maxWaiting));
    return newest !== undefined;
  }

  #refuse(waiting: Waiting, error: SallyportError): void {
    if (this.#queue.remove(waiting)) waiting.refuse(error);
  }

  #timeOver({ caller, load }: Waiting, nowMs: number): SallyportError {
    const refused = this.#deps.limits.refusal(load.subjects, load.tokens);
    const seconds = Math.round((nowMs - caller.arrivedMs) / 1000);
    return new SallyportError(
      'limit.queue',
      `The call has waited for its turn as long as it may (${seconds} s).`,
      {
        ...(refused && { detail: refused.message }),
        fix: 'Send fewer calls at once, or ask an operator for higher limits.',
        retryable: true,
        retryAfterSeconds: Math.min(MAX_RETRY_SECONDS, refused?.retryAfterSeconds ?? 1),
      },
    );
  }

  /** Without anybody to serve there is no timer. */
  #rest(): void {
    if (this.#queue.size > 0 || this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** False for a limit that no time lifts, and for one that stands for longer than the call may wait. */
function helps(refused: SallyportError, { waitMs }: QueuePolicy): boolean {
  if (!refused.retryable) return false;
  return refused.code !== 'limit.rate' || ((refused.retryAfterSeconds ?? 0) - 1) * 1000 < waitMs;
}

function othersWait(): SallyportError {
  return new SallyportError('limit.queue', 'Calls are waiting for this limit already.', {
    fix: 'Come back in a moment. An operator can let these calls wait as well: sallyport limit set --queue N',
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function full(length: number): SallyportError {
  return new SallyportError('limit.queue', `As many calls wait as there is room for (${length}).`, {
    fix: 'Send fewer calls at once, or ask an operator for higher limits.',
    retryable: true,
    retryAfterSeconds: 2,
  });
}

function stopping(): SallyportError {
  return new SallyportError('gateway.stopping', 'Sallyport is stopping.', {
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function clientLeft(): SallyportError {
  return new SallyportError('client.aborted', 'The client closed the connection while its call waited.');
}
