/**
 * What a provider can have made of an answer that we never saw: the honest bound for a stream that is given up, because a model thinks in
 * silence, writes on while a client does not read, and goes on until our hanging up reaches it. Time in which that can have happened, times
 * a pace that no offered model reaches. docs/adr/0031.
 */

/** Tokens a second and choice: above what any model we know of writes. */
const TOKENS_PER_MS = 2;
/** What was on its way to us, and our hanging up on its way to the provider. */
const FLIGHT_MS = 50;
/** A provider's silence up to this is network, queue and the reading of a prompt; in a longer one a model may be thinking. */
const SILENCE_MS = 2000;
/** A client that takes longer than this lets the provider get ahead of what we read. */
const LATE_CLIENT_MS = 100;

/** On whom a stream waited. */
export type WaitedFor = 'provider' | 'client';

export class Unseen {
  readonly #choices: number;
  #silentMs = 0;
  #behindMs = 0;

  constructor(choices: number) {
    this.#choices = choices;
  }

  /** The provider may have sent more than we have read. */
  get behind(): boolean {
    return this.#behindMs > 0;
  }

  /** A wait that is over. */
  waited(whom: WaitedFor, ms: number): void {
    if (whom === 'provider' && ms > SILENCE_MS) this.#silentMs += ms;
    else if (whom === 'client' && ms > LATE_CLIENT_MS) this.#behindMs += ms;
  }

  /** All that the provider has sent is read. */
  caughtUp(): void {
    this.#behindMs = 0;
  }

  /** Tokens that may have been made beside those that came, when the stream has waited for `waitingMs` now. Never zero. */
  tokens(waitingMs: number): number {
    return this.tokensWithin(this.#silentMs + this.#behindMs + waitingMs);
  }

  /** Tokens that can have been made in so long, when nothing came. Never zero. */
  tokensWithin(ms: number): number {
    return Math.ceil((Math.max(0, ms) + FLIGHT_MS) * TOKENS_PER_MS * this.#choices);
  }
}
