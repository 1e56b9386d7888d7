/** Looks for phrases of injection in texts. Says where they stand in the original; what is done about them is the policy's affair. */
import {
  type InjectionRule,
  OVERLAP_LETTERS,
  PHRASE_RULES,
  phraseRule,
  TEMPLATE_TOKEN_RULE,
} from './injection-rules.ts';
import { type Letters, normalise } from './normalise.ts';

export interface Finding {
  readonly rule: string;
  /** In the text that was searched. */
  readonly start: number;
  readonly end: number;
}

/** Characters that are looked at in one go: about a millisecond. Whoever searches gives way in between. */
const SLICE = 16 * 1024;

export class PhraseSearch {
  readonly #rules: readonly InjectionRule[];

  /** With an operator's own phrases besides. */
  constructor(own: readonly string[] = []) {
    this.#rules = [...PHRASE_RULES, ...own.map(phraseRule).filter((rule) => rule !== null)];
  }

  /** All findings in a text, by where they begin. Yields now and then, so that a long text does not hold up everybody else. */
  *find(text: string): Generator<undefined, Finding[]> {
    const findings = new Map<string, Finding>();
    const note = (rule: string, start: number, end: number): void => {
      findings.set(`${rule} ${start} ${end}`, { rule, start, end });
    };
    for (const { index, 0: token } of text.matchAll(TEMPLATE_TOKEN_RULE.pattern))
      note(TEMPLATE_TOKEN_RULE.id, index, index + token.length);
    let from = 0;
    while (from < text.length) {
      const end = sliceEnd(text, from + SLICE);
      const letters = normalise(text, from, end);
      for (const rule of this.#rules)
        if (rule.stems.some((stem) => letters.text.includes(stem))) search(text, letters, rule, note);
      if (end === text.length) break;
      yield undefined;
      // The next slice begins with so many letters of this one that no phrase falls between them.
      const overlap = letters.starts[Math.max(0, letters.text.length - OVERLAP_LETTERS)];
      from = overlap !== undefined && overlap > from ? overlap : end;
    }
    return [...findings.values()].toSorted((a, b) => a.start - b.start);
  }
}

function search(
  text: string,
  letters: Letters,
  { id, pattern, wholeWords }: InjectionRule,
  note: (rule: string, start: number, end: number) => void,
): void {
  for (const { index, 0: match } of letters.text.matchAll(pattern)) {
    const last = index + match.length - 1;
    if (wholeWords && (letters.joined[index] === 1 || letters.joined[last + 1] === 1)) continue;
    note(id, letters.starts[index] ?? 0, withMarks(text, letters.ends[last] ?? 0));
  }
}

/** What belongs to the last letter without being seen goes with it. */
function withMarks(text: string, end: number): number {
  const rest = /^[\p{M}\p{Cf}]+/u.exec(text.slice(end, end + 16));
  return rest ? end + rest[0].length : end;
}

/** Not between the halves of a pair. */
function sliceEnd(text: string, at: number): number {
  if (at >= text.length) return text.length;
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
}
