/**
 * The messages of a chat request with the places of their parts in its bytes. Read only for tokens with bounds or a template. Whatever
 * two parsers could read differently (a role in odd spelling, a text that is no text) is refused here, so that the rest can rely on it.
 */
import { ROLES, type Role } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import type { Span } from '../core/json-scan.ts';
import { elementsOf, membersOf, valueAt } from '../core/json-walk.ts';

/** One text of a message: its content, or the text of one part of its content. */
export interface TextPlace {
  /** Of the JSON string. */
  readonly span: Span;
  readonly text: string;
  /** Index of the part in the content, or null when the content is one string. */
  readonly part: number | null;
}

export interface Message {
  readonly span: Span;
  readonly role: Role;
  readonly roleSpan: Span;
  readonly texts: readonly TextPlace[];
  /** Of the content's parts; empty when the content is one string. */
  readonly parts: readonly Span[];
  /** Length of its JSON outside of texts and image addresses: tool calls, names, fields that nobody knows. */
  readonly otherCharacters: number;
  /** What its tool calls are called by. */
  readonly calls: readonly string[];
  /** The tool call that it answers, or null. */
  readonly answers: string | null;
}

const READ = {
  message: new Set(['role', 'content', 'tool_calls', 'tool_call_id', 'function_call', 'name']),
  part: new Set(['type', 'text', 'refusal', 'image_url']),
} as const;

/** Throws `request.invalid`, which names the message, for what no provider takes. */
export function readMessages(body: Buffer, messages: Span): Message[] {
  return elementsOf(body, messages).map((span, index) => readMessage(body, span, `messages[${index}]`));
}

function readMessage(body: Buffer, span: Span, name: string): Message {
  const value = valueAt(body, span);
  if (!isObject(value)) throw invalid(name, 'must be an object');
  checkSpelling(Object.keys(value), READ.message);
  const members = new Map(membersOf(body, span).map((member) => [member.key, member.value]));
  const roleSpan = members.get('role');
  const role = ROLES.find((known) => known === value['role']);
  if (!roleSpan || !role) throw invalid(`${name}.role`, `must be one of ${ROLES.join(', ')}`);
  const content = members.get('content');
  const array = content && Array.isArray(value['content']);
  const parts = array ? elementsOf(body, content) : [];
  const texts = array
    ? parts.flatMap((part, index) => textOfPart(body, part, index, `${name}.content[${index}]`))
    : textOf(content, value['content'], name);
  const counted = [...texts.map((text) => text.span), ...parts.flatMap((part) => imageIn(body, part))];
  return {
    span,
    role,
    roleSpan,
    texts,
    parts,
    otherCharacters: lengthOf(body, span) - counted.reduce((sum, one) => sum + lengthOf(body, one), 0),
    calls: callsOf(value),
    answers:
      role === 'tool' ? asText(value['tool_call_id']) : role === 'function' ? asText(value['name']) : null,
  };
}

function textOf(span: Span | undefined, content: unknown, name: string): TextPlace[] {
  if (!span || content === null) return [];
  if (typeof content !== 'string') throw invalid(`${name}.content`, 'must be text, an array or null');
  return [{ span, text: content, part: null }];
}

function textOfPart(body: Buffer, part: Span, index: number, name: string): TextPlace[] {
  const value = valueAt(body, part);
  if (!isObject(value)) throw invalid(name, 'must be an object');
  checkSpelling(Object.keys(value), READ.part);
  const field = ['text', 'refusal'].filter((candidate) => value[candidate] !== undefined);
  const [only] = field;
  if (only === undefined) return [];
  const text = value[only];
  if (field.length > 1 || typeof text !== 'string') throw invalid(name, 'must have one text');
  const member = membersOf(body, part).find(({ key }) => key === only);
  return member ? [{ span: member.value, text, part: index }] : [];
}

/** An image's address is data, and bounded by the size of the request. */
function imageIn(body: Buffer, part: Span): Span[] {
  return membersOf(body, part)
    .filter(({ key }) => key === 'image_url')
    .map(({ value }) => value);
}

/** Throws `request.invalid` for a member that is one of `read` in other letters: there are parsers that ignore case in names. */
export function checkSpelling(keys: Iterable<string>, read: ReadonlySet<string>): void {
  for (const key of keys) {
    if (read.has(key) || /^[a-z0-9_]*$/.test(key)) continue;
    // By way of upper case, so that the long s and the Kelvin sign become letters as well.
    const folded = key.toUpperCase().toLowerCase();
    if (read.has(folded)) throw invalid(folded, `must be spelled like this, not as "${key.slice(0, 64)}"`);
  }
}

function lengthOf(body: Buffer, { start, end }: Span): number {
  return body.toString('utf8', start, end).length;
}

function callsOf(message: Readonly<Record<string, unknown>>): string[] {
  const calls: unknown[] = Array.isArray(message['tool_calls']) ? message['tool_calls'] : [];
  const ids = calls.map((call) => (isObject(call) ? asText(call['id']) : null));
  const older = message['function_call'];
  return [...ids, isObject(older) ? asText(older['name']) : null].filter((id) => id !== null);
}

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(field: string, problem: string): SallyportError {
  return new SallyportError('request.invalid', `${field} ${problem}.`, {
    fix: `Correct ${field} in the request body.`,
  });
}
