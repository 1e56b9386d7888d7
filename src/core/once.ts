/** Undo steps run once, last first: what a call holds (a slot, a hold, a lease) is given back the same way on every path. */

export class UndoStack {
  #steps: (() => void)[] = [];

  defer(step: () => void): void {
    this.#steps.push(step);
  }

  /** Runs and forgets every step. A step that throws does not stop the others; the first error is thrown at the end. */
  unwind(): void {
    const steps = this.#steps;
    this.#steps = [];
    let failed: unknown;
    for (const step of steps.toReversed()) {
      try {
        step();
      } catch (error) {
        failed ??= error;
      }
    }
    if (failed !== undefined) throw failed;
  }
}
