/** Which configuration an answer is from, and requests that depend on what their sender has read. */
import type { RecordBook } from '../records/records.ts';
import { checkExpectation, expecting } from '../records/expectation.ts';
import { REVISION_HEADER } from './contract.ts';
import type { ReplyHeaders } from './error-reply.ts';

export interface Revised<T> {
  readonly reply: T;
  readonly headers: ReplyHeaders;
}

/**
 * Runs a handler. Without `expected`, its answer carries the revision from before, so that what changed meanwhile is not taken for
 * read. With it, every change is made to exactly that configuration or refused with `conflict`, and the answer carries what is there then.
 */
export async function atRevision<T>(
  book: Pick<RecordBook, 'revision'>,
  expected: string | undefined,
  handler: () => T | Promise<T>,
): Promise<Revised<T>> {
  if (expected === undefined) {
    const { revision } = book;
    return { reply: await handler(), headers: { [REVISION_HEADER]: revision } };
  }
  const expectation = { revision: expected, over: false };
  checkExpectation(expectation, book.revision);
  const reply = await expecting(expectation, handler);
  return { reply, headers: { [REVISION_HEADER]: expectation.revision } };
}
