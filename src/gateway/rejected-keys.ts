/** Says once a minute and key that the provider refuses it: every call in between says the same. */

const QUIET_MS = 60_000;

export class RejectedKeys {
  readonly #reportedMs = new Map<string, number>();

  isNew(keyId: string, nowMonotonicMs: number): boolean {
    const last = this.#reportedMs.get(keyId);
    if (last !== undefined && nowMonotonicMs - last < QUIET_MS) return false;
    this.#reportedMs.set(keyId, nowMonotonicMs);
    return true;
  }
}
