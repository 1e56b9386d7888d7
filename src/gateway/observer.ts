/**
 * Who is told about calls: one word when a call has ended, one when a request was refused before it was a call. Nothing else on a call's
 * path knows of metrics, traces or logs of calls. An observer never throws, and never waits.
 */
import type { CallEnd } from '../audit/entry.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { CallContext } from './call-context.ts';

export interface CallObserver {
  /** Spans are made: only then are the caller's trace and the model that answered read. */
  readonly traces: boolean;
  /** After the end was handed to the journal. `model` is the price table's name; null for a call that costs nothing. */
  ended(context: CallContext, end: CallEnd, model: string | null): void;
  /** `alone`: the refusal has an entry of its own; those of strangers, and the many of one token holder, are folded. */
  refused(context: CallContext, code: ErrorCode, alone: boolean): void;
  /** A hold outlived its call, and was charged whole. */
  lost(): void;
}
