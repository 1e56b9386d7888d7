/**
 * The means to end something from outside, once and with a reason. What an AbortController does, without the native objects that one
 * costs for every call.
 */
export class Abort {
  #reason: unknown;
  #aborted = false;
  #listeners: (() => void)[] = [];

  get aborted(): boolean {
    return this.#aborted;
  }

  /** What `abort` was given first. */
  get reason(): unknown {
    return this.#reason;
  }

  /** Only the first call counts. A listener must not throw. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    for (const listener of this.#listeners.splice(0)) listener();
  }

  /** Runs `listener` at the abort, at once if that was before. */
  onAbort(listener: () => void): void {
    if (this.#aborted) listener();
    else this.#listeners.push(listener);
  }
}
