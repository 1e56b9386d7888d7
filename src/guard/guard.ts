/**
 * From the bytes that came to the bytes that go: what a token's bounds make of a chat request. Every change is a byte edit at a place that
 * our own scanner found; the result is read again like any request, so that what is decided, held and sent is the same.
 */
import type { Bounds } from '../access/bounds.ts';
import { splice } from '../core/splice.ts';
import { type ChatRequest, readChatRequest } from '../providers/openai.ts';
import { boundRequest, boundText, type Changes, cutMessages, keptMessages, type Trimmed } from './bounds.ts';
import { readRequest } from './messages.ts';

export interface ShapedRequest {
  readonly body: Buffer;
  readonly asked: ChatRequest;
  readonly trimmed: readonly Trimmed[];
}

const NOTHING: readonly never[] = [];

/**
 * The request within its token's bounds; as it came without any. Throws `request.bounds` or `request.invalid`, which say what to change.
 * `asked` is what was read from `body`.
 */
export function shapeRequest(bounds: Bounds | null, body: Buffer, asked: ChatRequest): ShapedRequest {
  if (bounds === null) return { body, asked, trimmed: NOTHING };
  const changes: Changes = { edits: [], trimmed: new Set() };
  const { members, messages } = readRequest(body);
  const kept = keptMessages(bounds, messages, changes);
  cutMessages(messages, kept, changes);
  for (const [index, message] of messages.entries())
    if (kept.has(message)) boundText(bounds, body, message, `messages[${index}]`, changes);
  boundRequest(bounds, body, asked, members, changes);
  if (changes.edits.length === 0) return { body, asked, trimmed: NOTHING };
  const shaped = splice(body, changes.edits);
  return { body: shaped, asked: readChatRequest(shaped), trimmed: [...changes.trimmed] };
}
