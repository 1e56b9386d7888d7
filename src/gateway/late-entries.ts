/**
 * Entries about what has happened already (an end, a progress): they cannot be refused any more. One that the journal cannot take now is
 * kept and tried again, in order; until it is written, a crash charges its call the whole hold.
 */
import type { EntryBody, Position } from '../audit/entry.ts';
import type { Log } from '../core/log.ts';
import { describe } from '../core/errors.ts';

export class LateEntries {
  readonly #append: (entry: EntryBody) => Position;
  readonly #log: Log;
  #waiting: EntryBody[] = [];
  #lost = { refusals: 0, detail: '' };

  constructor(append: (entry: EntryBody) => Position, log: Log) {
    this.#append = append;
    this.#log = log;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** What has happened, but is not in the journal yet. */
  get entries(): readonly EntryBody[] {
    return this.#waiting;
  }

  record(entry: EntryBody): void {
    if (this.#waiting.length > 0) {
      this.#waiting.push(entry);
      return;
    }
    try {
      this.#append(entry);
    } catch (error) {
      this.#log.error('An entry could not be written; it is kept and tried again.', {
        detail: describe(error),
      });
      this.#waiting.push(entry);
    }
  }

  /** A refusal that the journal did not take: it is not kept, only counted for the log. */
  loseRefusal(error: unknown): void {
    this.#lost = { refusals: this.#lost.refusals + 1, detail: describe(error) };
  }

  /** Tries again what is waiting. Runs once a second, and so does what the log says of a disk that stays full. */
  retry(): void {
    if (this.#lost.refusals > 0) this.#log.warn('Refusals could not be recorded.', this.#lost);
    this.#lost = { refusals: 0, detail: '' };
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting;
      if (!next) return;
      try {
        this.#append(next);
      } catch {
        return;
      }
      this.#waiting.shift();
    }
  }
}
