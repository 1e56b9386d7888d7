/**
 * What may be the value of a label. Nothing that a caller can make up is one: names come from records, the price table and our own code,
 * each up to a number; what is beyond shares `_other`, a name that no team, environment or model can have.
 */

/** What is beyond a bound. */
export const OTHER = '_other';
/** What there is none of, such as the team of a stranger. An empty label would be no label. */
export const NONE = '_none';

/** The first `max` different names; everything after them is `_other`. */
export class BoundedNames {
  readonly #max: number;
  readonly #names = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  admit(name: string): string {
    if (this.#names.has(name)) return name;
    if (this.#names.size >= this.#max) return OTHER;
    this.#names.add(name);
    return name;
  }
}

const STATUS = /^upstream\.([0-9])([0-9]{2})$/;
/** What providers answer with; another status is counted by its first digit, because a provider may answer with any. */
const STATUSES: ReadonlySet<string> = new Set(
  [400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 424, 429, 498, 499, 500, 502, 503, 504, 529].map(String),
);

/** The code that a call ended with, as a label: all but the provider's status are ours. */
export function codeLabel(code: string): string {
  const status = STATUS.exec(code);
  if (!status) return code;
  const [, first = '', rest = ''] = status;
  return STATUSES.has(first + rest) ? code : `upstream.${first}xx`;
}

/** `name="value"` pairs as they stand in the text format, without braces. */
export function renderLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escape(value)}"`)
    .join(',');
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
