/** What is done about phrases of injection: flagged on record, taken out of the text, or the whole request refused. */
import type { Bounds } from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import { type Span, textAt } from '../core/json-scan.ts';
import type { Changes } from './bounds.ts';
import { type Finding, PhraseSearch } from './injection.ts';
import type { Message } from './messages.ts';
import { type BoundTemplate, INJECTION_RULES, type InjectionRule } from './templates.ts';

export interface InjectionPolicy {
  readonly action: InjectionRule;
  readonly search: PhraseSearch;
}

const FILTERED = '[filtered]';
/** Stands between the texts of one message, so that what is split over them is found. */
const BETWEEN = '\n';
/** With more than that in one message nothing of its text is worth keeping. */
const MANY = 500;

const plain = new PhraseSearch();
const searches = new WeakMap<object, PhraseSearch>();

/** The stricter of what the token's bounds and its template say. */
export function injectionOf({ injection }: Bounds, template: BoundTemplate | null): InjectionPolicy {
  const strictness = (action: InjectionRule): number => INJECTION_RULES.indexOf(action);
  const own = injection?.action ?? 'allow';
  const shared = template?.injection ?? 'allow';
  const action = strictness(own) > strictness(shared) ? own : shared;
  return { action, search: injection ? searchOf(injection) : plain };
}

/** Made once for each token's bounds. */
function searchOf(injection: NonNullable<Bounds['injection']>): PhraseSearch {
  if (injection.phrases.length === 0) return plain;
  const known = searches.get(injection);
  if (known) return known;
  const search = new PhraseSearch(injection.phrases);
  searches.set(injection, search);
  return search;
}

/**
 * Looks through all messages but those of system and developer, which the policy trusts when they are there at all. Resolves to the rules
 * that found something. Rejects with `guard.injection` where that is refused. Gives way to others while it searches.
 */
export async function filterMessages(
  { action, search }: InjectionPolicy,
  body: Buffer,
  messages: Iterable<Message>,
  changes: Changes,
): Promise<readonly string[]> {
  if (action === 'allow') return [];
  const rules = new Set<string>();
  for (const message of messages) {
    if (message.role === 'system' || message.role === 'developer' || message.texts.length === 0) continue;
    const texts = message.texts
      .filter(({ span }) => !changes.gone.has(span))
      .map(({ span }) => ({
        span,
        text: changes.texts.get(span) ?? textAt(body, span, body.length),
      }));
    const findings = await find(search, texts.map(({ text }) => text).join(BETWEEN));
    for (const { rule } of findings) rules.add(rule);
    const [first] = findings;
    if (first && action === 'block') throw blocked(first);
    if (first && action === 'filter') takeOut(texts, findings, changes);
  }
  return [...rules];
}

async function find(search: PhraseSearch, text: string): Promise<Finding[]> {
  const searching = search.find(text);
  for (let step = searching.next(); ; step = searching.next()) {
    if (step.done) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Every found span becomes one `[filtered]`; of one that goes over several texts, each has its own. */
function takeOut(
  texts: readonly { readonly span: Span; readonly text: string }[],
  findings: readonly Finding[],
  changes: Changes,
): void {
  changes.trimmed.add('injection');
  const spans = findings.length > MANY ? [{ start: 0, end: Infinity }] : merged(findings);
  let offset = 0;
  for (const { span, text } of texts) {
    const end = offset + text.length;
    const inside = spans
      .filter((found) => found.start < end && found.end > offset)
      .map((found) => ({
        start: Math.max(0, found.start - offset),
        end: Math.min(text.length, found.end - offset),
      }));
    if (inside.length > 0) changes.texts.set(span, without(text, inside));
    offset = end + BETWEEN.length;
  }
}

function without(text: string, spans: readonly Span[]): string {
  let left = '';
  let at = 0;
  for (const { start, end } of spans) {
    left += text.slice(at, start) + FILTERED;
    at = end;
  }
  return left + text.slice(at);
}

/** Spans that overlap are one. They come by where they begin. */
function merged(findings: readonly Finding[]): Span[] {
  const spans: { start: number; end: number }[] = [];
  for (const { start, end } of findings) {
    const last = spans.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else spans.push({ start, end });
  }
  return spans;
}

/** Which phrase it was is in the log only: whoever looks for a way around learns nothing. */
function blocked({ rule }: Finding): SallyportError {
  return new SallyportError(
    'guard.injection',
    'The request looks like an attempt to change the instructions.',
    {
      detail: `rule ${rule}`,
      fix: 'Say what you want in other words. If that is a mistake, the operator can set the filter to flag.',
    },
  );
}
