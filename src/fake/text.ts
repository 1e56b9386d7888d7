/**
 * What the fake model says: fixed words, one per token, so that a reply's tokens can be counted by eye.
 */
export interface Words {
  /** The text of token `index`, with its leading space. */
  readonly at: (index: number) => string;
  /** The same as a JSON string literal. */
  readonly jsonAt: (index: number) => string;
  /** Tokens in one pass over the text. */
  readonly length: number;
}

const PROSE = words(
  'This reply was written by no model at all: it is one word per token, so that anyone can count it and check the bill.',
);
const UNICODE = words('Grüße, naïve façade: 日本語 текст 한국어 🛰️ ωmega 👩‍🚀 zażółć “quoted” ½ ñandú 東京 ✓');
const DEMO = words('This is a demo reply from the built-in fake provider. No real model was called.');
const THOUGHTS = words('The user wants a reply so I count the words before I answer and keep it short.');

export function replyWords(options: { demo: boolean; unicode: boolean }): Words {
  if (options.unicode) return UNICODE;
  return options.demo ? DEMO : PROSE;
}

export function thoughtWords(): Words {
  return THOUGHTS;
}

const ATTACK =
  /\b(?:ignore|disregard|forget)\b.{0,40}\b(?:previous|prior|above|all|your)\b|\bjailbreak\b|system prompt/is;

/** A classifier's verdict: the probability of an attack, as text. */
export function attackProbability(text: string): string {
  return ATTACK.test(text) ? '0.9987' : '0.0012';
}

/** Arguments that satisfy the required properties of a function's JSON schema, at the top level. */
export function toolArguments(parameters: Readonly<Record<string, unknown>>): string {
  const properties = parameters['properties'];
  const names: unknown = parameters['required'] ?? Object.keys(properties ?? {});
  const filled: Record<string, unknown> = {};
  for (const name of Array.isArray(names) ? names : []) {
    if (typeof name !== 'string') continue;
    const schema = (properties as Record<string, unknown> | undefined)?.[name] as Schema | undefined;
    filled[name] = schema?.enum?.[0] ?? sample(schema?.type);
  }
  return JSON.stringify(filled);
}

interface Schema {
  readonly type?: unknown;
  readonly enum?: readonly unknown[];
}

function sample(type: unknown): unknown {
  if (type === 'integer' || type === 'number') return 7;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  if (type === 'object') return {};
  return 'fake value';
}

function words(sentence: string): Words {
  const first = sentence.split(' ');
  const spaced = first.map((word) => ` ${word}`);
  const json = spaced.map((word) => JSON.stringify(word));
  const head = first[0] ?? '';
  const headJson = JSON.stringify(head);
  return {
    at: (index) => (index === 0 ? head : (spaced[index % spaced.length] ?? '')),
    jsonAt: (index) => (index === 0 ? headJson : (json[index % json.length] ?? '""')),
    length: first.length,
  };
}
