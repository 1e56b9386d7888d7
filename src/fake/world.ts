/**
 * The state of one fake provider: knobs in force, bill, call log.
 */
import { Bill } from './bill.ts';
import { afterError, DEFAULT_KNOBS, mergeKnobs, type KnobPatch, type Knobs } from './knobs.ts';
import { CallLog } from './log.ts';

export class World {
  readonly demo: boolean;
  readonly #initial: Knobs;
  #knobs: Knobs;
  #bill = new Bill();
  #log = new CallLog();
  #hold = Promise.withResolvers<void>();

  constructor(demo: boolean, patch: KnobPatch) {
    this.demo = demo;
    const base = demo ? { ...DEFAULT_KNOBS, completionTokens: null } : DEFAULT_KNOBS;
    this.#knobs = this.#initial = mergeKnobs(base, patch);
  }

  get knobs(): Knobs {
    return this.#knobs;
  }

  get bill(): Bill {
    return this.#bill;
  }

  get log(): CallLog {
    return this.#log;
  }

  /** Throws KnobError and changes nothing if the patch is wrong. */
  setKnobs(patch: unknown): Knobs {
    return (this.#knobs = mergeKnobs(this.#knobs, patch));
  }

  /** Resolves at the next `release`. */
  get released(): Promise<void> {
    return this.#hold.promise;
  }

  /** Lets go of the streams that are held now. */
  release(): void {
    this.#hold.resolve();
    this.#hold = Promise.withResolvers<void>();
  }

  countError(): void {
    this.#knobs = afterError(this.#knobs);
  }

  /** Back to the start: initial knobs, empty bill, empty log. Calls still running charge the discarded bill. */
  reset(): void {
    this.#knobs = this.#initial;
    this.#bill = new Bill();
    this.#log = new CallLog();
  }
}
