/**
 * What a call needs before a byte of its body is read: a place among the calls that run, and room in memory for the body. Neither is
 * waited for: who finds none is told to come again. Both are given back exactly once, by the call's undo stack.
 */
import { SallyportError } from '../core/errors.ts';
import type { UndoStack } from '../core/once.ts';
import { readBody } from './request.ts';

export interface IntakeConfig {
  /** Calls at once, those whose body is still coming included. */
  readonly maxCalls: number;
  /** Of one body. */
  readonly maxBodyBytes: number;
  /** Of all bodies together, beyond what each has free. A body is in memory until its answer has begun. */
  readonly maxBodiesBytes: number;
}

/** So much of a body needs no room: the bound on calls is enough of one, and large bodies never keep small ones out. */
export const FREE_BODY_BYTES = 64 * 1024;
/** What one token may take at most, of the room and of the places of calls whose body is still coming. */
const SHARE_OF_A_TOKEN = 0.5;

export interface TakenBody {
  readonly body: Buffer;
  /** Gives the room back before the call is over: the body must be out of memory then. Only the first call has an effect. */
  readonly letGo: () => void;
}

const NOTHING = (): void => undefined;

/** What one token has taken. */
interface Holder {
  readonly tokenId: string;
  /** Bodies that are still coming. */
  coming: number;
  bytes: number;
}

export class Intake {
  readonly #config: IntakeConfig;
  readonly #holders = new Map<string, Holder>();
  #calls = 0;
  #bytes = 0;
  readonly #leave = (): void => {
    this.#calls -= 1;
  };

  constructor(config: IntakeConfig) {
    this.#config = config;
  }

  /** Calls that have a place, and bytes that are taken. */
  get taken(): { readonly calls: number; readonly bytes: number; readonly tokens: number } {
    return { calls: this.#calls, bytes: this.#bytes, tokens: this.#holders.size };
  }

  /** Takes a place until `undo` unwinds. Throws `gateway.overloaded` when there is none. */
  enter(undo: UndoStack): void {
    if (this.#calls >= this.#config.maxCalls) throw overloaded('as many calls as it takes are running');
    this.#calls += 1;
    undo.defer(this.#leave);
  }

  /**
   * The whole body; its room is kept until it is let go of, or `undo` unwinds. What is announced is reserved at once, what is not as it
   * comes. Throws `gateway.overloaded`, `limit.bodies` when the token has its share already, and what `readBody` throws.
   */
  async read(request: Request, tokenId: string, undo: UndoStack): Promise<TakenBody> {
    const { maxCalls, maxBodyBytes } = this.#config;
    const holder = this.#holderOf(tokenId);
    if (holder.coming >= Math.max(1, maxCalls * SHARE_OF_A_TOKEN)) throw shareTaken();
    holder.coming += 1;
    let kept = 0;
    let letGo = NOTHING;
    const take = (size: number): void => {
      const more = size - FREE_BODY_BYTES - kept;
      if (more <= 0) return;
      this.#reserve(holder, more);
      if (kept === 0) {
        letGo = () => {
          this.#giveBack(holder, kept);
          kept = 0;
        };
        undo.defer(letGo);
      }
      kept += more;
    };
    try {
      return { body: await readBody(request, maxBodyBytes, take), letGo };
    } finally {
      holder.coming -= 1;
      this.#forget(holder);
    }
  }

  #reserve(holder: Holder, bytes: number): void {
    const { maxBodiesBytes } = this.#config;
    if (holder.bytes + bytes > maxBodiesBytes * SHARE_OF_A_TOKEN) throw shareTaken();
    if (this.#bytes + bytes > maxBodiesBytes)
      throw overloaded('large request bodies take all the memory there is for them');
    this.#bytes += bytes;
    holder.bytes += bytes;
  }

  #giveBack(holder: Holder, bytes: number): void {
    this.#bytes -= bytes;
    holder.bytes -= bytes;
    this.#forget(holder);
  }

  #holderOf(tokenId: string): Holder {
    let holder = this.#holders.get(tokenId);
    if (!holder) this.#holders.set(tokenId, (holder = { tokenId, coming: 0, bytes: 0 }));
    return holder;
  }

  #forget(holder: Holder): void {
    if (holder.coming === 0 && holder.bytes === 0) this.#holders.delete(holder.tokenId);
  }
}

function overloaded(why: string): SallyportError {
  return new SallyportError('gateway.overloaded', `Sallyport is full: ${why}.`, {
    fix: 'Send the request again in a moment.',
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function shareTaken(): SallyportError {
  return new SallyportError(
    'limit.bodies',
    'This token has as many request bodies on their way as one token may have.',
    {
      fix: 'Send large requests one after another.',
      retryable: true,
      retryAfterSeconds: 1,
    },
  );
}
