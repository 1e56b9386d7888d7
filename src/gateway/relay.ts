/**
 * Passes a provider's stream on, chunk by chunk as the client takes them, and ends the call when either side does. Nothing is buffered
 * beyond the chunk in hand: a client that does not read stops us from reading.
 */
import type { CallProgress } from '../audit/entry.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';
import type { ReplyBody } from './http1/exchange.ts';
import type { OpenCall } from './open-call.ts';
import { readOn, SMALL_READ_BYTES } from './read-on.ts';
import type { StreamMeter } from './stream-meter.ts';

/** A progress entry is written when so much has passed since the last one: a dead process is then not charged the whole hold. */
const PROGRESS_BYTES = 64 * 1024;
const PROGRESS_MS = 5000;

export interface RelayDeps {
  readonly monotonicMs: () => number;
  readonly record: (entry: CallProgress) => void;
}

type Reader = Pick<ReplyBody, 'read' | 'takeKept'>;

export class Relay {
  readonly #deps: RelayDeps;
  readonly #call: OpenCall;
  readonly #meter: StreamMeter;
  readonly #reader: Reader;
  #cut = false;
  /** While what a client does not take is read for its usage. */
  #readingOn: Promise<void> | null = null;
  #progressBytes = 0;
  #progressMs: number;

  constructor(deps: RelayDeps, call: OpenCall, meter: StreamMeter, reader: Reader) {
    this.#deps = deps;
    this.#call = call;
    this.#meter = meter;
    this.#reader = reader;
    this.#progressMs = deps.monotonicMs();
  }

  /** The next bytes for the client; null when the provider has ended. Rejects when the provider's stream broke, the call settled. */
  async next(): Promise<Uint8Array | null> {
    try {
      for (;;) {
        const reading = this.#reader.read();
        const waited = this.#call.unseen.behind && Bun.peek.status(reading) === 'pending';
        const value = await reading;
        if (value === null) break;
        if (waited && value.length < SMALL_READ_BYTES) this.#call.unseen.caughtUp();
        const bytes = this.#meter.read(value);
        if (this.#meter.bytes - this.#progressBytes >= PROGRESS_BYTES) this.#progress();
        if (bytes.length > 0) return bytes;
      }
    } catch (error) {
      throw this.#broken(error);
    }
    const rest = this.#meter.end();
    this.#settle(null);
    return rest.length > 0 ? rest : null;
  }

  /** The reply's body. `first` was read already, so that a provider that fails before it can still be answered with an error. */
  body(first: Uint8Array | null): ReadableStream<Uint8Array> {
    let ready: Uint8Array | null | undefined = first;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          // A client that does not read asks for nothing, so no read of ours would fail: the end has to come from here.
          this.#call.abort.onAbort(() => this.#cutOff(controller));
          this.#call.onStall = (late) => {
            this.#readingOn ??= this.#stalled(controller, late);
          };
        },
        pull: async (controller) => {
          if (this.#readingOn) return this.#readingOn;
          // The client asks for more: it is the provider's turn.
          if (!this.#call.ended) this.#call.enter('provider');
          let bytes: Uint8Array | null;
          try {
            bytes = ready === undefined ? await this.next() : ready;
          } catch (error) {
            this.#fail(controller, error);
            return;
          }
          ready = undefined;
          if (this.#cut) return;
          if (bytes !== null) {
            controller.enqueue(bytes);
            if (!this.#call.ended) this.#call.enter('client');
            failpoint('mid-stream');
          }
          if (bytes === null || this.#call.ended) {
            controller.close();
          }
        },
        cancel: () => {
          this.#cut = true;
          this.clientGone();
        },
      },
      { highWaterMark: 0 },
    );
  }

  /** The client takes nothing: what the provider has sent already is read first, and then both sides are cut. */
  async #stalled(
    controller: ReadableStreamDefaultController<Uint8Array>,
    late: SallyportError,
  ): Promise<void> {
    this.#call.enter('provider');
    if (await readOn(this.#reader, this.#meter, this.#deps.monotonicMs)) this.#call.unseen.caughtUp();
    this.#settle('client.stalled');
    this.#call.abort.abort(late);
    this.#fail(controller, late);
  }

  /** The call was aborted from outside: a limit passed, its token was revoked, or this process ends. */
  #cutOff(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (!this.#cut && !this.#call.ended) this.#fail(controller, this.#broken(null));
  }

  /** Without its last chunk the client sees a broken answer, not a short one. */
  #fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    if (this.#cut) return;
    this.#cut = true;
    controller.error(error);
  }

  /** The client hung up: stops the provider and charges what was delivered. */
  clientGone(): void {
    // Some clients close right behind the usage chunk: that is an end, not an abort.
    this.#settle(this.#meter.usage === null ? 'client.aborted' : null);
    this.#call.abort.abort(new SallyportError('request.invalid', 'The client closed the connection.'));
  }

  /** Runs with the tick of the live calls. */
  tick(): void {
    if (this.#meter.bytes > this.#progressBytes && this.#deps.monotonicMs() - this.#progressMs >= PROGRESS_MS)
      this.#progress();
  }

  #progress(): void {
    if (this.#call.ended) return;
    this.#progressBytes = this.#meter.bytes;
    this.#progressMs = this.#deps.monotonicMs();
    // The bound has to hold until the next entry.
    const passed = this.#meter.completionTokens(PROGRESS_BYTES);
    const completionTokens = passed + this.#call.unseenTokens(passed);
    this.#deps.record({
      action: 'call.progress',
      id: this.#call.id,
      boundPicoUsd: this.#call.deliveredCost(completionTokens).toString(),
      completionTokens,
    });
  }

  #broken(thrown: unknown): SallyportError {
    const { abort } = this.#call;
    const error = abort.aborted
      ? asSallyportError(abort.reason)
      : new SallyportError('upstream.bad_reply', 'The provider broke the stream off.', {
          retryable: true,
          cause: thrown,
        });
    this.#settle(error.code);
    return error;
  }

  /** `errorCode` is null where the provider ended the stream itself, or we know what it used. */
  #settle(errorCode: string | null): void {
    if (this.#call.ended) return;
    // What has come and no client took was made all the same.
    const kept = errorCode === null ? null : this.#reader.takeKept?.();
    if (kept) this.#meter.read(kept);
    const { usage, failed, unreadable } = this.#meter;
    const code = errorCode ?? (failed ? 'upstream.stream_error' : null);
    const kind = errorCode === null ? 'delivered' : 'dropped';
    if (usage !== null) this.#call.end({ kind: 'usage', usage }, code);
    else if (unreadable) this.#call.end({ kind: 'unknown' }, code);
    else this.#call.end({ kind, completionTokens: this.#meter.completionTokens() }, code);
  }
}
