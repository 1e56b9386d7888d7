/**
 * From the bytes that came to the bytes that go: what a token's bounds and template make of a chat request. Every change is a byte edit at a
 * place that our own scanner found; the result is read again like any request, so that what is decided, held and sent is the same.
 */
import { type Bounds, NO_BOUNDS } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import { type Edit, splice } from '../core/splice.ts';
import { type ChatRequest, readChatRequest } from '../providers/openai-request.ts';
import { boundRequest, boundText, type Changes, cutMessages, keptMessages, type Trimmed } from './bounds.ts';
import { filterMessages, injectionOf } from './filter.ts';
import { type Message, type ReadRequest, readRequest } from './messages.ts';
import type { BoundTemplate } from './templates.ts';

/** What a token's requests go through. */
export interface GuardPolicy {
  readonly bounds: Bounds | null;
  readonly template: BoundTemplate | null;
}

export interface ShapedRequest {
  readonly body: Buffer;
  readonly asked: ChatRequest;
  readonly trimmed: readonly Trimmed[];
  /** `<name>@<version>` of the template that was put in. */
  readonly template: string | null;
  /** Rules of injection that found something. */
  readonly findings: readonly string[];
}

const NOTHING: readonly never[] = [];

/** A request of a token without bounds and template. */
export function asItCame(body: Buffer, asked: ChatRequest): ShapedRequest {
  return { body, asked, trimmed: NOTHING, template: null, findings: NOTHING };
}

/**
 * The request within its token's bounds, with its template. `asked` is what was read from `body`. Rejects with `request.bounds`,
 * `request.invalid`, `guard.instructions` or `guard.injection`, which say what to change.
 */
export async function shapeRequest(
  { bounds, template }: GuardPolicy,
  body: Buffer,
  asked: ChatRequest,
): Promise<ShapedRequest> {
  if (bounds === null && template === null) return asItCame(body, asked);
  const limits = bounds ?? NO_BOUNDS;
  const changes: Changes = { edits: [], texts: new Map(), gone: new Set(), trimmed: new Set() };
  const request = readRequest(body);
  const { messages, demoted } = heard(template, request.messages);
  const kept = keptMessages(limits, messages, changes);
  // In front of the first message, which may be cut at the same place.
  if (template) changes.edits.push(insertAt(asked.places.messages.start + 1, `${template.message},`));
  cutMessages(messages, kept, changes);
  for (const message of kept) if (demoted.has(message)) changes.edits.push(asUser(message));
  for (const [index, message] of messages.entries())
    if (kept.has(message)) boundText(limits, body, message, `messages[${index}]`, changes);
  const findings = await filterMessages(injectionOf(limits, template), body, kept, changes);
  return finish(limits, template, body, asked, request, changes, findings);
}

function finish(
  bounds: Bounds,
  template: BoundTemplate | null,
  body: Buffer,
  asked: ChatRequest,
  { members }: ReadRequest,
  changes: Changes,
  findings: readonly string[],
): ShapedRequest {
  boundRequest(bounds, body, asked, members, changes);
  for (const [span, text] of changes.texts) changes.edits.push({ ...span, text: JSON.stringify(text) });
  const shaped = splice(body, changes.edits);
  return {
    body: shaped,
    asked: shaped === body ? asked : readChatRequest(shaped),
    trimmed: [...changes.trimmed],
    template: template?.id ?? null,
    findings,
  };
}

/** The messages as those they count as: where the server gives the instructions, the caller's are refused, or are a user's words. */
function heard(
  template: BoundTemplate | null,
  messages: readonly Message[],
): { messages: readonly Message[]; demoted: ReadonlySet<Message> } {
  const demoted = new Set<Message>();
  if (template === null || template.client === 'allow') return { messages, demoted };
  const counted = messages.map((message, index) => {
    if (message.role !== 'system' && message.role !== 'developer') return message;
    if (template.client === 'refuse') throw ownInstructions(message, index);
    const user: Message = { ...message, role: 'user' };
    demoted.add(user);
    return user;
  });
  return { messages: counted, demoted };
}

function ownInstructions({ role }: Message, index: number): SallyportError {
  return new SallyportError(
    'guard.instructions',
    `messages[${index}] has the role ${role}, but the instructions of this token are held by the server.`,
    { fix: 'Send messages of user and assistant only.' },
  );
}

function asUser({ roleSpan }: Message): Edit {
  return { ...roleSpan, text: '"user"' };
}

function insertAt(at: number, text: string): Edit {
  return { start: at, end: at, text };
}
