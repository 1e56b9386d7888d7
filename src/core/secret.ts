/**
 * A value that must not be seen. It cannot be printed, serialised or interpolated, and its bytes are zeroed on dispose.
 * Best effort: a garbage-collected runtime may have copied what passed through a string (docs: SECURITY.md, limits).
 */
import { inspect } from 'node:util';

const HIDDEN = '[secret]';
const decoder = new TextDecoder();

export class Secret {
  readonly #bytes: Uint8Array;
  #disposed = false;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes ownership of `bytes`: they are zeroed when the Secret is disposed. */
  static take(bytes: Uint8Array): Secret {
    return new Secret(bytes);
  }

  static fromText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Lends the bytes to `use`. The caller must not keep them beyond the callback. Throws when already disposed. */
  reveal<T>(use: (bytes: Uint8Array) => T): T {
    if (this.#disposed) throw new TypeError('This secret was already wiped.');
    return use(this.#bytes);
  }

  /** Lends the value as text: for the places that take nothing but a string (a header). The copy cannot be wiped. */
  revealText<T>(use: (text: string) => T): T {
    return this.reveal((bytes) => use(decoder.decode(bytes)));
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#bytes.fill(0);
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  [inspect.custom](): string {
    return HIDDEN;
  }

  // A secret inside a template or a sum is a bug in the caller: better a loud one than a header that says "[secret]".
  [Symbol.toPrimitive](): never {
    throw new TypeError('A Secret cannot be interpolated or compared; use reveal().');
  }
}
