/**
 * The calls that are running: their timers, kept by one coarse tick instead of a timer each, and the means to cut them (a revoked token,
 * the end of this process).
 */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import type { OpenCall, Phase } from './open-call.ts';

export interface CallTimes {
  /** From sending to the first byte. A model may think for minutes. */
  readonly firstByteMs: number;
  /** Between two chunks of the provider. */
  readonly idleMs: number;
  /** How long a client may leave a chunk unread. */
  readonly stallMs: number;
  readonly totalMs: number;
}

export const TICK_MS = 500;
/** Of stalled streams, what has come is read before they are cut: that is work, and memory for its garbage, so they take turns. */
const STALLS_PER_TICK = 20;

export class LiveCalls {
  readonly #clock: Clock;
  readonly #times: CallTimes;
  readonly #calls = new Set<OpenCall>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(clock: Clock, times: CallTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  get count(): number {
    return this.#calls.size;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Watches a call until the returned function is called. */
  add(call: OpenCall): () => void {
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  /** Lengthens the holds of what is alive, and ends what waited too long. */
  tick(): void {
    const nowMs = this.#clock.monotonicMs();
    let stalls = 0;
    for (const call of this.#calls) {
      call.reservation.renew();
      call.onTick?.();
      const late = this.#late(call, nowMs);
      if (!late) continue;
      if (call.phase !== 'client' || !call.onStall) call.abort.abort(late);
      else if (stalls++ < STALLS_PER_TICK) call.onStall(late);
    }
  }

  /** Ends the running calls of a token. */
  cut(tokenId: string): void {
    for (const call of this.#calls) {
      if (call.tokenId !== tokenId) continue;
      call.abort.abort(
        new SallyportError('token.invalid', 'The access token was revoked.', {
          detail: `token ${tokenId} was revoked`,
        }),
      );
    }
  }

  cutAll(): void {
    for (const call of this.#calls) {
      call.abort.abort(
        new SallyportError('gateway.stopping', 'Sallyport is stopping.', {
          retryable: true,
          retryAfterSeconds: 1,
        }),
      );
    }
  }

  #late(call: OpenCall, nowMs: number): SallyportError | undefined {
    const waitedMs = nowMs - call.phaseSinceMs;
    const { firstByteMs, idleMs, stallMs, totalMs } = this.#times;
    const limits: Record<Phase, number> = {
      'provider-first-byte': firstByteMs,
      provider: idleMs,
      client: stallMs,
    };
    if (waitedMs <= limits[call.phase] && nowMs - call.arrivedMs <= totalMs) return undefined;
    return new SallyportError(
      'upstream.timeout',
      `The call was ended after waiting ${Math.round(waitedMs / 1000)} s.`,
      {
        detail: `phase ${call.phase}`,
        retryable: true,
      },
    );
  }
}
