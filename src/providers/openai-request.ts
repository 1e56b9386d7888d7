/**
 * A chat request in the OpenAI wire dialect, as Groq and OpenAI take it: what of it moves cost or reach. Reads; never rewrites: changes are
 * byte edits, fields that are not read here pass untouched. Answers: openai-answer.ts.
 */
import { SallyportError } from '../core/errors.ts';
import { OPEN_BRACE, OPEN_BRACKET, QUOTE, skipSpace } from '../core/json-lex.ts';
import { NameSet } from '../core/json-names.ts';
import { type JsonTree, readJson, type Span } from '../core/json-scan.ts';
import type { Edit } from '../core/splice.ts';

export interface ChatRequest {
  readonly model: string;
  readonly stream: boolean;
  /** The caller asked for the extra usage chunk of a stream. */
  readonly includeUsage: boolean;
  /** Output tokens per choice asked for at most; null when there is no cap. */
  readonly outputCap: number | null;
  readonly choices: number;
  /** What it uses whose cost or reach we cannot bound, such as `tool:browser_search`: the first few of it. */
  readonly features: readonly string[];
  /** Upper bound of the prompt's tokens; Infinity when only the model's context window bounds it (images). */
  readonly promptTokens: number;
  /** The end user that the caller names, or null. */
  readonly user: string | null;
  readonly places: ChatPlaces;
}

/** Where things stand in the bytes of a request. */
export interface ChatPlaces {
  /** Just behind the request's `{`. */
  readonly bodyStart: number;
  readonly messages: Span;
  /** The value of `max_completion_tokens`, also when that is null. */
  readonly cap: Span | null;
  /** The value of `stream_options`, also when that is null. */
  readonly streamOptions: Span | null;
  /** The value of its `include_usage`. */
  readonly includeUsage: Span | null;
}

/** Byte-level vocabularies never make more tokens than bytes; the chat template adds a few per message. */
const TOKENS_PER_MESSAGE = 16;
const TOKENS_PER_REQUEST = 64;
const MAX_CHOICES = 128;
const MAX_CAP = 10_000_000;
const MAX_MODEL_CHARS = 200;
const MAX_USER_CHARS = 256;
const MAX_LABEL_CHARS = 40;
/** Of one request. Any of them refuses it; more would only be work. */
const MAX_FEATURES = 16;
/** No number that we take is written longer, and nobody shall make us read one that is. */
const MAX_NUMBER_CHARS = 32;
const NULL = 0x6e;
const TRUE = 0x74;
const FALSE = 0x66;

const PLAIN_TIERS = new NameSet(['auto', 'default', 'on_demand', 'flex']);
const PLAIN_TOOLS = new NameSet(['function', 'custom']);
const PLAIN_PARTS = new NameSet(['text', 'refusal', 'image_url']);
const IMAGE_PART = 2;
const PLAIN_MODALITIES = new NameSet(['text']);
/** Parameters that make the provider search, speak, run code or bill by another measure. */
const PRICED_PARAMETERS = [
  'web_search_options',
  'compound_custom',
  'search_settings',
  'audio',
  'prediction',
] as const;

/**
 * The members that are read here, by the object that has them. There are parsers that ignore case in names (Go's, by default): another
 * spelling beside one of these would be read there and not here.
 */
const REQUEST_FIELDS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'max_completion_tokens',
  'max_tokens',
  'n',
  'tools',
  'service_tier',
  'modalities',
  'safety_identifier',
  'user',
  ...PRICED_PARAMETERS,
] as const;
type RequestField = (typeof REQUEST_FIELDS)[number];
const REQUEST = new NameSet(REQUEST_FIELDS);
const MESSAGE = new NameSet(['content']);
const TYPED = new NameSet(['type']);
const STREAM_OPTIONS = new NameSet(['include_usage']);

const FIELD = Object.fromEntries(REQUEST_FIELDS.map((name, place) => [name, place])) as Record<
  RequestField,
  number
>;
/** Where the members of the request are that is read now. */
const fields = new Int32Array(REQUEST_FIELDS.length);
/** What stands for a member that is not there. */
const ABSENT = -1;
const NUMBER = /^-?\d/;
const PRINTABLE = /^[!-~]*$/;

/**
 * The request in these bytes. Throws `request.invalid` for what is not one JSON object in UTF-8, or whose fields have types that no
 * provider takes, and `request.too_large` for more values than any conversation has.
 */
export function readChatRequest(bytes: Buffer): ChatRequest {
  return readJson(bytes, readChat);
}

/** The edit that caps the output, for a request that has no cap of its own. */
export function capEdit({ places }: ChatRequest, tokens: number): Edit {
  // A cap of null is none, but its key is there already.
  if (places.cap) return { ...places.cap, text: String(tokens) };
  return insert(places.bodyStart, `"max_completion_tokens":${tokens},`);
}

/** The edit that makes a stream state its usage. */
export function includeUsageEdit(bytes: Buffer, { places }: ChatRequest): Edit {
  const { streamOptions, includeUsage, bodyStart } = places;
  if (!streamOptions) return insert(bodyStart, '"stream_options":{"include_usage":true},');
  if (bytes[streamOptions.start] === NULL) return { ...streamOptions, text: '{"include_usage":true}' };
  if (includeUsage) return { ...includeUsage, text: 'true' };
  const inside = streamOptions.start + 1;
  const comma = skipSpace(bytes, inside) < streamOptions.end - 1 ? ',' : '';
  return insert(inside, `"include_usage":true${comma}`);
}

function readChat(tree: JsonTree): ChatRequest {
  return new ChatReader(tree).read();
}

/** One request while it is read. Values are asked of the tree: none is made but those that are kept. */
class ChatReader {
  readonly #tree: JsonTree;
  readonly #features: string[] = [];
  #oddities = 0;
  #messages = 0;
  #images = false;

  constructor(tree: JsonTree) {
    this.#tree = tree;
  }

  read(): ChatRequest {
    const tree = this.#tree;
    const fields = this.#fields();
    const of = (field: RequestField): number => fields[FIELD[field]] ?? ABSENT;
    const options = of('stream_options');
    const includeUsage = this.#includeUsage(options);
    this.#readTools(of('tools'));
    this.#readMessages(of('messages'));
    this.#readPriced(of);
    const cap = of('max_completion_tokens');
    return {
      model: this.#model(of('model')),
      stream: this.#boolean('stream', of('stream')),
      includeUsage: this.#boolean('stream_options.include_usage', includeUsage),
      outputCap: this.#cap(cap, of('max_tokens')),
      choices: this.#integer('n', of('n'), MAX_CHOICES) ?? 1,
      features: this.#features,
      promptTokens: this.#images
        ? Infinity
        : tree.bytes.length + TOKENS_PER_MESSAGE * this.#messages + TOKENS_PER_REQUEST,
      user: this.#user(of('safety_identifier')) ?? this.#user(of('user')),
      places: {
        bodyStart: tree.span(0).start + 1,
        messages: tree.span(of('messages')),
        cap: cap === ABSENT ? null : tree.span(cap),
        streamOptions: options === ABSENT ? null : tree.span(options),
        includeUsage: includeUsage === ABSENT ? null : tree.span(includeUsage),
      },
    };
  }

  /** The members of the request that are read here, by their place in REQUEST_FIELDS. */
  #fields(): Int32Array {
    const tree = this.#tree;
    const end = tree.next(0);
    fields.fill(ABSENT);
    for (let member = 1; member < end; member = tree.next(member)) {
      const field = tree.nameIn(REQUEST, member);
      if (field >= 0) fields[field] = member;
      else this.#checkSpelling(REQUEST, member);
    }
    return fields;
  }

  /** The member of an object that has the one name of `name`, or ABSENT. */
  #member(object: number, name: NameSet): number {
    const tree = this.#tree;
    const end = tree.next(object);
    let found = ABSENT;
    for (let member = object + 1; member < end; member = tree.next(member)) {
      if (tree.nameIn(name, member) === 0) found = member;
      else this.#checkSpelling(name, member);
    }
    return found;
  }

  #checkSpelling(names: NameSet, member: number): void {
    const place = this.#tree.foldedNameIn(names, member);
    const name = names.list[place];
    if (name === undefined) return;
    throw invalid(name, `must be spelled like this, not as "${this.#tree.name(member, MAX_LABEL_CHARS)}"`);
  }

  #readMessages(messages: number): void {
    const tree = this.#tree;
    if (messages === ABSENT || tree.kind(messages) !== OPEN_BRACKET)
      throw invalid('messages', 'must be an array');
    const end = tree.next(messages);
    for (let message = messages + 1; message < end; message = tree.next(message)) {
      this.#messages += 1;
      if (tree.kind(message) !== OPEN_BRACE) throw invalid('messages', 'must hold objects');
      const content = this.#member(message, MESSAGE);
      if (this.#nothing(content)) continue;
      const kind = tree.kind(content);
      if (kind === OPEN_BRACKET) this.#readParts(content);
      else if (kind !== QUOTE) throw invalid('messages[].content', 'must be text, an array or null');
    }
  }

  #readParts(parts: number): void {
    const tree = this.#tree;
    const end = tree.next(parts);
    for (let part = parts + 1; part < end; part = tree.next(part)) {
      const kind = tree.kind(part);
      if (kind !== OPEN_BRACE) {
        this.#addFeature(`content:${kindName(kind)}`);
        continue;
      }
      const type = this.#member(part, TYPED);
      const plain = tree.textIn(PLAIN_PARTS, type);
      if (plain < 0) this.#addLabelled('content', type);
      else if (plain === IMAGE_PART) this.#images = true;
    }
  }

  #readTools(tools: number): void {
    const tree = this.#tree;
    if (this.#nothing(tools)) return;
    if (tree.kind(tools) !== OPEN_BRACKET) throw invalid('tools', 'must be an array');
    const end = tree.next(tools);
    for (let tool = tools + 1; tool < end; tool = tree.next(tool)) {
      const type = tree.kind(tool) === OPEN_BRACE ? this.#member(tool, TYPED) : ABSENT;
      if (tree.textIn(PLAIN_TOOLS, type) < 0) this.#addLabelled('tool', type);
    }
  }

  #readPriced(of: (field: RequestField) => number): void {
    const tree = this.#tree;
    const tier = of('service_tier');
    if (!this.#nothing(tier) && tree.textIn(PLAIN_TIERS, tier) < 0) this.#addLabelled('service_tier', tier);
    for (const name of PRICED_PARAMETERS) if (!this.#nothing(of(name))) this.#addFeature(name);
    const modalities = of('modalities');
    if (!this.#nothing(modalities) && !this.#onlyText(modalities)) this.#addFeature('modalities');
  }

  #onlyText(modalities: number): boolean {
    const tree = this.#tree;
    if (tree.kind(modalities) !== OPEN_BRACKET) return false;
    const end = tree.next(modalities);
    for (let one = modalities + 1; one < end; one = tree.next(one))
      if (tree.textIn(PLAIN_MODALITIES, one) < 0) return false;
    return true;
  }

  #addLabelled(what: string, type: number): void {
    // Each of them refuses the request: what is beyond the first few is not worth its decoding.
    if (this.#oddities >= MAX_FEATURES) return;
    this.#addFeature(`${what}:${this.#label(type)}`);
  }

  #addFeature(feature: string): void {
    this.#oddities += 1;
    if (this.#oddities <= MAX_FEATURES && !this.#features.includes(feature)) this.#features.push(feature);
  }

  #label(type: number): string {
    if (type === ABSENT || this.#tree.kind(type) !== QUOTE) return 'unknown';
    const text = this.#tree.text(type, MAX_LABEL_CHARS);
    return text.replaceAll(/[^A-Za-z0-9_.-]/g, '').slice(0, MAX_LABEL_CHARS);
  }

  #model(value: number): string {
    const tree = this.#tree;
    const text = value !== ABSENT && tree.kind(value) === QUOTE ? tree.text(value, MAX_MODEL_CHARS) : '';
    if (text === '' || text.length > MAX_MODEL_CHARS || (!PRINTABLE.test(text) && /[\p{Cc}\s]/u.test(text)))
      throw invalid('model', 'must be the name of a model');
    return text;
  }

  #cap(current: number, older: number): number | null {
    const newer = this.#integer('max_completion_tokens', current, MAX_CAP);
    const tokens = this.#integer('max_tokens', older, MAX_CAP);
    // Which of the two a provider heeds is its own affair: the larger one bounds both.
    return newer === null ? tokens : Math.max(newer, tokens ?? 0);
  }

  /** The value of `include_usage` in the given options, or ABSENT. */
  #includeUsage(options: number): number {
    if (this.#nothing(options)) return ABSENT;
    if (this.#tree.kind(options) !== OPEN_BRACE) throw invalid('stream_options', 'must be an object');
    return this.#member(options, STREAM_OPTIONS);
  }

  #boolean(name: string, value: number): boolean {
    if (this.#nothing(value)) return false;
    const kind = this.#tree.kind(value);
    if (kind !== TRUE && kind !== FALSE) throw invalid(name, 'must be true or false');
    return kind === TRUE;
  }

  #integer(name: string, value: number, most: number): number | null {
    if (this.#nothing(value)) return null;
    const { start, end } = this.#tree.span(value);
    const text = end - start > MAX_NUMBER_CHARS ? '' : this.#tree.bytes.toString('latin1', start, end);
    // What is written as no number, such as "5" or true, is none here either.
    const number = NUMBER.test(text) ? Number(text) : NaN;
    if (!Number.isInteger(number) || number < 1 || number > most)
      throw invalid(name, `must be a whole number from 1 to ${most}`);
    return number;
  }

  #user(value: number): string | null {
    if (value === ABSENT || this.#tree.kind(value) !== QUOTE) return null;
    const text = this.#tree.text(value, MAX_USER_CHARS).slice(0, MAX_USER_CHARS);
    return text === '' ? null : text;
  }

  #nothing(value: number): boolean {
    return value === ABSENT || this.#tree.kind(value) === NULL;
  }
}

/** What a value is, as `typeof` says it of what JSON.parse makes of it. */
function kindName(kind: number): string {
  switch (kind) {
    case QUOTE:
      return 'string';
    case TRUE:
    case FALSE:
      return 'boolean';
    case OPEN_BRACKET:
    case NULL:
      return 'object';
    default:
      return 'number';
  }
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

function invalid(field: string, problem: string): SallyportError {
  return new SallyportError('request.invalid', `${field} ${problem}.`, {
    fix: `Correct ${field} in the request body.`,
  });
}
