/**
 * Applies a token's bounds to a chat request, as edits of its bytes. Trimming never makes a conversation that no provider takes: a tool
 * call and its results stay together or go together, and what cannot be trimmed so is refused.
 */
import type { Bounds, Over } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import { type Span, textAt } from '../core/json-scan.ts';
import { cutsOf, type Edit } from '../core/splice.ts';
import type { ChatRequest } from '../providers/openai-request.ts';
import { type Member, type Message, TOOL_MEMBERS } from './messages.ts';
import { beginning, characters } from './text.ts';

/** What was trimmed, in the names that bounds have. */
export type Trimmed = keyof Bounds;

export interface Changes {
  readonly edits: Edit[];
  /** Texts that were cut, by where they stand: their edits are made when nothing more is done to them. */
  readonly texts: Map<Span, string>;
  /** Texts that go with their part. */
  readonly gone: Set<Span>;
  readonly trimmed: Set<Trimmed>;
}

/** Characters that a message needs around its texts: names of members, ids. */
const SCAFFOLD = 1000;
/** So much more than the room is decoded, in units: enough to see where the letter ends that the room ends in. */
const LETTER = 256;

/** The messages that stay: who may speak, then how many. Throws `request.bounds`. */
export function keptMessages(
  bounds: Bounds,
  messages: readonly Message[],
  { trimmed }: Changes,
): Set<Message> {
  if (messages.length === 0) {
    throw new SallyportError('request.invalid', 'messages must not be empty.', {
      fix: 'Send at least one message.',
    });
  }
  let kept = [...messages];
  const { roles, messages: count } = bounds;
  if (roles) {
    const only = new Set<string>(roles.only);
    const strangers = kept.filter(({ role }) => !only.has(role));
    const [first] = strangers;
    if (first && roles.over === 'refuse')
      throw refused(`messages of the role ${first.role}`, `Send only the roles ${roles.only.join(', ')}.`);
    if (first) {
      const gone = new Set(strangers);
      kept = withoutBrokenExchanges(
        messages,
        kept.filter((message) => !gone.has(message)),
      );
      trimmed.add('roles');
    }
  }
  if (count && kept.length > count.atMost) {
    if (count.over === 'refuse')
      throw refused(`more than ${count.atMost} messages`, `Send at most ${count.atMost} messages.`);
    kept = withoutBrokenExchanges(messages, lastOf(kept, count.atMost));
    trimmed.add('messages');
  }
  const asked = messages.some(({ role }) => role === 'user');
  if (kept.length === 0 || (asked && !kept.some(({ role }) => role === 'user'))) {
    throw refused(
      'a conversation of which no message of the user would be left',
      'Send fewer messages since the last question.',
    );
  }
  return new Set(kept);
}

/** Instructions at the beginning, and as many of the last messages as there is room for besides. */
function lastOf(messages: readonly Message[], atMost: number): Message[] {
  const begin = messages.findIndex(({ role }) => role !== 'system' && role !== 'developer');
  const instructions = messages.slice(0, begin < 0 ? messages.length : begin);
  const room = atMost - instructions.length;
  if (room < 1) throw refused(`more than ${atMost} messages`, 'Send fewer system messages.');
  return [...instructions, ...messages.slice(begin).slice(-room)];
}

/**
 * A call of tools whose results went, and results whose call went, go as well: providers refuse one without the other. A result belongs
 * to the newest call before it that has its id.
 */
function withoutBrokenExchanges(all: readonly Message[], kept: readonly Message[]): Message[] {
  const staying = new Set(kept);
  const callers = new Map<string, Message>();
  const callOf = new Map<Message, Message>();
  for (const message of all) {
    for (const call of message.calls) callers.set(call, message);
    const caller = message.answers === null ? undefined : callers.get(message.answers);
    if (caller) callOf.set(message, caller);
  }
  for (const [result, caller] of callOf) if (!staying.has(result)) staying.delete(caller);
  for (const [result, caller] of callOf) if (!staying.has(caller)) staying.delete(result);
  return kept.filter((message) => staying.has(message));
}

/** Cuts the messages that do not stay. */
export function cutMessages(
  messages: readonly Message[],
  kept: ReadonlySet<Message>,
  { edits }: Changes,
): void {
  edits.push(
    ...cutsOf(
      messages.map(({ span }) => span),
      (index) => !kept.has(messages[index] as Message),
    ),
  );
}

/** Throws `request.bounds` where the text is too long and may not be cut, or the excess is not in the text. */
export function boundText(
  bounds: Bounds,
  body: Buffer,
  message: Message,
  place: string,
  changes: Changes,
): void {
  if (!bounds.text) return;
  const { atMost, over } = bounds.text;
  if (hasMoreBesides(body, message, atMost + SCAFFOLD))
    throw refused(
      `more than ${atMost} characters outside of the text of ${place}`,
      'Send shorter tool calls.',
    );
  let room = atMost;
  const gone = new Set<number>();
  for (const { span, part } of message.texts) {
    // A character may be two units.
    const text = textAt(body, span, 2 * room + LETTER);
    const size = characters(text);
    if (size <= room) {
      room -= size;
      continue;
    }
    if (over === 'refuse')
      throw refused(`more than ${atMost} characters in ${place}`, 'Send a shorter text.');
    changes.trimmed.add('text');
    if (room === 0 && part !== null) {
      gone.add(part);
      changes.gone.add(span);
    } else changes.texts.set(span, beginning(text, room));
    room = 0;
  }
  // The first text always stays, so something is left.
  if (gone.size > 0) changes.edits.push(...cutsOf(message.parts, (index) => gone.has(index)));
}

/** True when the message has more characters than that, its texts and the addresses of its images left out. */
function hasMoreBesides(body: Buffer, { span, texts, images }: Message, atMost: number): boolean {
  const inside = [...texts.map((text) => text.span), ...images];
  const bytes = inside.reduce((rest, { start, end }) => rest - (end - start), span.end - span.start);
  if (bytes <= atMost) return false;
  const length = ({ start, end }: Span): number => body.toString('utf8', start, end).length;
  return inside.reduce((rest, one) => rest - length(one), length(span)) > atMost;
}

/** Model, output cap and tools. */
export function boundRequest(
  bounds: Bounds,
  body: Buffer,
  asked: ChatRequest,
  members: readonly Member[],
  changes: Changes,
): void {
  const { models, output, tools } = bounds;
  const [first = ''] = models?.only ?? [];
  if (models?.over === 'trim' && !models.only.includes(asked.model)) {
    for (const { value } of members.filter(({ name }) => name === 'model'))
      changes.edits.push({ ...value, text: JSON.stringify(first) });
    changes.trimmed.add('models');
  }
  if (output?.over === 'trim') lowerCap(Math.floor(output.atMost / asked.choices), body, members, changes);
  if (tools) boundTools(tools, members, changes);
}

/** A cap of its own that is too high becomes the highest that is allowed; where there is none, the decision injects one. */
function lowerCap(
  perChoice: number,
  body: Buffer,
  members: readonly Member[],
  { edits, trimmed }: Changes,
): void {
  if (perChoice < 1) return;
  for (const { name, value, empty } of members) {
    if (empty || (name !== 'max_completion_tokens' && name !== 'max_tokens')) continue;
    if (Number(body.toString('latin1', value.start, value.end)) <= perChoice) continue;
    edits.push({ ...value, text: String(perChoice) });
    trimmed.add('output');
  }
}

function boundTools(over: Over, members: readonly Member[], { edits, trimmed }: Changes): void {
  const isTool = ({ name }: Member): boolean => name !== null && TOOL_MEMBERS.includes(name);
  const offered = members.filter((member) => isTool(member) && !member.empty);
  if (offered.length === 0) return;
  if (over === 'refuse')
    throw refused(`requests with ${offered.map(({ name }) => name).join(', ')}`, 'Leave tools out.');
  const spans = members.map(({ span }) => span);
  edits.push(...cutsOf(spans, (index) => isTool(members[index] as Member)));
  trimmed.add('tools');
}

function refused(what: string, fix: string): SallyportError {
  return new SallyportError('request.bounds', `This token's preset does not allow ${what}.`, { fix });
}
