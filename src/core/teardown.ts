/** What was opened is closed in the opposite order, once, also when one of the steps fails. */

export class Teardown {
  #steps: (() => void | Promise<void>)[] = [];

  defer(step: () => void | Promise<void>): void {
    this.#steps.push(step);
  }

  /** Runs and forgets every step, last first. Rejects at the end with the first error. */
  async unwind(): Promise<void> {
    const steps = this.#steps.toReversed();
    this.#steps = [];
    const failures: unknown[] = [];
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
