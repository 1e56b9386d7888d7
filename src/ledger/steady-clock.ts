/**
 * The wall clock that budgets go by. It is compared with the monotonic clock: when the two part by more than a minute, somebody or
 * something set the time, and nobody can tell whether the old or the new one is right. The time for budgets then stands still, so that
 * no period ends or begins, until the clock has agreed with itself for a while or an operator confirms it. At the start of a process it is
 * compared with the last entry of the journal. See docs/adr/0006.
 */
import type { ClockEvent } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';

/** How far the clocks may part before the time stands still. */
export const MAX_JUMP_MS = 60_000;
/** How long the clock must agree with itself before its new time is taken without an operator. */
export const AGREE_MS = 10 * 60_000;
/** A process that comes back after longer than this is more likely one whose clock is wrong: an operator has to say that it is right. */
export const MAX_ABSENCE_MS = 400 * 86_400_000;
/** How fast a difference is forgiven: as a share of the time that passes. Clocks that are slewed stay far below. */
const FORGIVEN_SHARE = 0.01;

export interface SteadyClockDeps {
  readonly clock: Clock;
  /** When the last entry of the journal was written, by the clock of that time; null when there is none. */
  readonly lastEntryMs?: number | null;
  /** Takes the event into the journal, and tells somebody. */
  readonly emit: (event: ClockEvent) => void;
}

export interface ClockState {
  /** The time that budgets are stopped at, or null while they run. */
  readonly stoppedAtMs: number | null;
  /** How far the wall clock is from where it should be; 0 while budgets run. */
  readonly jumpMs: number;
}

interface Stop {
  readonly atMs: number;
  /** Since the start of the process: what is doubted is how the clock follows on the end of the journal. */
  readonly fromStart: boolean;
  /** Since when the wall clock has agreed with the monotonic one, and the difference between them then. */
  agreedSinceMs: number;
  agreedOffsetMs: number;
}

export class SteadyClock implements Clock {
  readonly #clock: Clock;
  readonly #emit: SteadyClockDeps['emit'];
  /** Wall time minus monotonic time, as far as it is trusted. */
  #offsetMs: number;
  #checkedMs: number;
  #stop: Stop | null = null;

  constructor(deps: SteadyClockDeps) {
    this.#clock = deps.clock;
    this.#emit = deps.emit;
    this.#checkedMs = deps.clock.monotonicMs();
    const wallMs = deps.clock.wallMs();
    this.#offsetMs = wallMs - this.#checkedMs;
    const { lastEntryMs = null } = deps;
    if (lastEntryMs === null || mayFollow(lastEntryMs, wallMs)) return;
    this.#offsetMs = lastEntryMs - this.#checkedMs;
    this.#stand(this.#checkedMs, wallMs, wallMs - lastEntryMs, true);
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /** The time for periods: the wall clock's, unless that jumped. Looks at both clocks every time, so that no jump comes through first. */
  wallMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const wallMs = this.#clock.wallMs();
    if (this.#stop) return this.#mayResume(this.#stop, nowMs, wallMs) ? wallMs : this.#stop.atMs;
    const driftMs = wallMs - nowMs - this.#offsetMs;
    if (Math.abs(driftMs) > MAX_JUMP_MS) return this.#stand(nowMs, wallMs, driftMs);
    const forgivenMs = (nowMs - this.#checkedMs) * FORGIVEN_SHARE;
    this.#offsetMs += Math.max(-forgivenMs, Math.min(forgivenMs, driftMs));
    this.#checkedMs = nowMs;
    return wallMs;
  }

  get state(): ClockState {
    this.wallMs();
    if (!this.#stop) return { stoppedAtMs: null, jumpMs: 0 };
    return { stoppedAtMs: this.#stop.atMs, jumpMs: this.#jumpOf(this.#stop) };
  }

  /** An operator says that the wall clock is right now. False when nobody doubted it: then nothing is journaled. */
  confirm(principal: string): boolean {
    this.wallMs();
    if (!this.#stop) return false;
    this.#resume(this.#stop, principal, this.#clock.monotonicMs(), this.#clock.wallMs());
    return true;
  }

  #stand(nowMs: number, wallMs: number, driftMs: number, fromStart = false): number {
    const trustedMs = Math.floor(this.#checkedMs + this.#offsetMs);
    // INVARIANT: never ahead of the clock that a process starts with. An earlier one may have written its last entries while its clock, and
    // not its budgets, was years ahead: standing there would begin a period.
    const atMs = fromStart ? Math.min(trustedMs, wallMs) : trustedMs;
    this.#stop = { atMs, fromStart, agreedSinceMs: nowMs, agreedOffsetMs: wallMs - nowMs };
    this.#emit(clockEvent('clock.jumped', 'system', driftMs, atMs));
    return atMs;
  }

  #mayResume(stop: Stop, nowMs: number, wallMs: number): boolean {
    const offsetMs = wallMs - nowMs;
    // Back where it was, or where it may well be: there is nothing to doubt any more.
    const lastEntryMs = this.#checkedMs + this.#offsetMs;
    const undone = stop.fromStart
      ? mayFollow(lastEntryMs, wallMs)
      : Math.abs(offsetMs - this.#offsetMs) <= MAX_JUMP_MS;
    if (Math.abs(offsetMs - stop.agreedOffsetMs) > MAX_JUMP_MS) {
      stop.agreedSinceMs = nowMs;
      stop.agreedOffsetMs = offsetMs;
    }
    // Going back gives nobody a second period; a year that is wrong would give everybody a new one.
    const wantsOperator = stop.fromStart && wallMs - lastEntryMs > MAX_ABSENCE_MS;
    if (!undone && (wantsOperator || nowMs - stop.agreedSinceMs < AGREE_MS)) return false;
    this.#resume(stop, 'system', nowMs, wallMs);
    return true;
  }

  #resume(stop: Stop, principal: string, nowMs: number, wallMs: number): void {
    const jumpMs = this.#jumpOf(stop);
    this.#offsetMs = wallMs - nowMs;
    this.#checkedMs = nowMs;
    this.#stop = null;
    this.#emit(clockEvent('clock.resumed', principal, jumpMs, stop.atMs));
  }

  #jumpOf(stop: Stop): number {
    return Math.round(stop.agreedOffsetMs - this.#offsetMs);
  }
}

/** True when a process may well start at `wallMs` whose journal ended at `lastEntryMs`. */
function mayFollow(lastEntryMs: number, wallMs: number): boolean {
  const passedMs = wallMs - lastEntryMs;
  return passedMs >= -MAX_JUMP_MS && passedMs <= MAX_ABSENCE_MS;
}

function clockEvent(
  action: ClockEvent['action'],
  principal: string,
  jumpMs: number,
  stoppedAtMs: number,
): ClockEvent {
  return { action, principal, jumpMs: Math.round(jumpMs), stoppedAt: new Date(stoppedAtMs).toISOString() };
}
