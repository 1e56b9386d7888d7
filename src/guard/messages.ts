/**
 * A chat request with the places of its parts in the bytes, as bounds and templates need them. Read only for tokens that have some. What two
 * parsers could read differently (a role in odd spelling, a text that is no text) is refused here, so that the rest can rely on it. No
 * text is decoded: what is thrown away needs not be read.
 */
import { ROLES, type Role } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import { OPEN_BRACE, OPEN_BRACKET, QUOTE } from '../core/json-lex.ts';
import { NameSet } from '../core/json-names.ts';
import { type JsonTree, readJson, type Span } from '../core/json-scan.ts';

/** One text of a message: its content, or the text of one part of its content. */
export interface TextPlace {
  /** Of the JSON string. */
  readonly span: Span;
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
  /** Where the addresses of images are. */
  readonly images: readonly Span[];
  /** What its tool calls are called by. */
  readonly calls: readonly string[];
  /** The tool call that it answers, or null. */
  readonly answers: string | null;
}

export interface Member {
  /** One of REQUEST_MEMBERS, or null. */
  readonly name: string | null;
  /** With its name. */
  readonly span: Span;
  readonly value: Span;
  /** The value is `null`. */
  readonly empty: boolean;
}

export interface ReadRequest {
  readonly members: readonly Member[];
  readonly messages: readonly Message[];
}

/** Members that define or choose tools. */
export const TOOL_MEMBERS: readonly string[] = [
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'functions',
  'function_call',
];

const NULL = 0x6e;
const NONE = -1;
/** Ids and names are shorter; of a longer one the beginning does. */
const MAX_ID_CHARS = 200;
const REQUEST = new NameSet(['messages', 'model', 'max_completion_tokens', 'max_tokens', ...TOOL_MEMBERS]);
const MESSAGE_MEMBERS = ['role', 'content', 'tool_calls', 'tool_call_id', 'function_call', 'name'] as const;
type MessageMember = (typeof MESSAGE_MEMBERS)[number];
const MESSAGE = new NameSet(MESSAGE_MEMBERS);
const PART_MEMBERS = ['type', 'text', 'refusal', 'image_url'] as const;
const PART = new NameSet(PART_MEMBERS);
const CALL = new NameSet(['id']);
const FUNCTION = new NameSet(['name']);
const ROLE_NAMES = new NameSet(ROLES);

/** Throws `request.invalid`, which names the place, for what no provider takes. The bytes were read as a chat request before. */
export function readRequest(body: Buffer): ReadRequest {
  return readJson(body, (tree) => {
    const members: Member[] = [];
    let messages: readonly Message[] = [];
    for (const member of membersOf(tree, 0)) {
      const name = REQUEST.list[nameOf(tree, REQUEST, member)] ?? null;
      const empty = tree.kind(member) === NULL;
      members.push({ name, span: tree.memberSpan(member), value: tree.span(member), empty });
      if (name === 'messages') messages = readMessages(tree, member);
    }
    return { members, messages };
  });
}

function readMessages(tree: JsonTree, array: number): Message[] {
  const messages: Message[] = [];
  for (const element of membersOf(tree, array))
    messages.push(readMessage(tree, element, `messages[${messages.length}]`));
  return messages;
}

function readMessage(tree: JsonTree, message: number, name: string): Message {
  if (tree.kind(message) !== OPEN_BRACE) throw invalid(name, 'must be an object');
  const found = namedMembers(tree, MESSAGE, message);
  const of = (member: MessageMember): number => found[MESSAGE_MEMBERS.indexOf(member)] ?? NONE;
  const role = ROLES[tree.textIn(ROLE_NAMES, of('role'))];
  if (!role) throw invalid(`${name}.role`, `must be one of ${ROLES.join(', ')}`);
  const answers = role === 'tool' ? of('tool_call_id') : role === 'function' ? of('name') : NONE;
  return {
    span: tree.span(message),
    role,
    roleSpan: tree.span(of('role')),
    ...readContent(tree, of('content'), `${name}.content`),
    calls: callsOf(tree, of('tool_calls'), of('function_call')),
    answers: textOf(tree, answers),
  };
}

function readContent(
  tree: JsonTree,
  content: number,
  name: string,
): Pick<Message, 'texts' | 'parts' | 'images'> {
  const texts: TextPlace[] = [];
  const parts: Span[] = [];
  const images: Span[] = [];
  if (content === NONE || tree.kind(content) === NULL) return { texts, parts, images };
  if (tree.kind(content) === QUOTE)
    return { texts: [{ span: tree.span(content), part: null }], parts, images };
  if (tree.kind(content) !== OPEN_BRACKET) throw invalid(name, 'must be text, an array or null');
  for (const part of membersOf(tree, content)) {
    const place = `${name}[${parts.length}]`;
    if (tree.kind(part) !== OPEN_BRACE) throw invalid(place, 'must be an object');
    const [, text = NONE, refusal = NONE, image = NONE] = namedMembers(tree, PART, part);
    if (text !== NONE && refusal !== NONE) throw invalid(place, 'must have one text');
    const written = text === NONE ? refusal : text;
    if (written !== NONE && tree.kind(written) !== QUOTE)
      throw invalid(place, 'must have a text that is one');
    if (written !== NONE) texts.push({ span: tree.span(written), part: parts.length });
    if (image !== NONE) images.push(tree.span(image));
    parts.push(tree.span(part));
  }
  return { texts, parts, images };
}

function callsOf(tree: JsonTree, toolCalls: number, functionCall: number): string[] {
  const calls: (string | null)[] = [];
  if (toolCalls !== NONE && tree.kind(toolCalls) === OPEN_BRACKET) {
    for (const call of membersOf(tree, toolCalls))
      if (tree.kind(call) === OPEN_BRACE) calls.push(textOf(tree, namedMembers(tree, CALL, call)[0] ?? NONE));
  }
  if (functionCall !== NONE && tree.kind(functionCall) === OPEN_BRACE)
    calls.push(textOf(tree, namedMembers(tree, FUNCTION, functionCall)[0] ?? NONE));
  return calls.filter((call) => call !== null);
}

/** The members of an object, or the elements of an array. */
function* membersOf(tree: JsonTree, container: number): Generator<number> {
  const end = tree.next(container);
  for (let member = container + 1; member < end; member = tree.next(member)) yield member;
}

/** The members that have a name of `names`, by its place there; NONE for those that are missing. */
function namedMembers(tree: JsonTree, names: NameSet, object: number): number[] {
  const found = names.list.map(() => NONE);
  for (const member of membersOf(tree, object)) {
    const place = nameOf(tree, names, member);
    if (place >= 0) found[place] = member;
  }
  return found;
}

/** Throws `request.invalid` for a name in other letters: there are parsers that ignore case in names. */
function nameOf(tree: JsonTree, names: NameSet, member: number): number {
  const place = tree.nameIn(names, member);
  if (place >= 0) return place;
  const folded = names.list[tree.foldedNameIn(names, member)];
  if (folded === undefined) return NONE;
  throw invalid(folded, `must be spelled like this, not as "${tree.name(member, MAX_ID_CHARS)}"`);
}

function textOf(tree: JsonTree, value: number): string | null {
  return value === NONE || tree.kind(value) !== QUOTE ? null : tree.text(value, MAX_ID_CHARS);
}

function invalid(field: string, problem: string): SallyportError {
  return new SallyportError('request.invalid', `${field} ${problem}.`, {
    fix: `Correct ${field} in the request body.`,
  });
}
