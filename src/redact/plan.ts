/** What a redactor looks for, worked out once from the table of the scanner's rules. A rule that is added there is looked for here. */
import { CLASS } from '../detect/bytes.ts';
import { type Matcher, matchersOf, standsFree } from '../detect/examine.ts';
import type { Rule } from '../detect/rule.ts';
import { RULES } from '../detect/rules.ts';
import { Automaton, type Pattern } from './automaton.ts';
import { AwsSecretCandidate, NAMES } from './aws-secret-candidate.ts';
import type { Candidate } from './candidate.ts';
import { KEY } from './characters.ts';
import { ClientSecretCandidate, MARK } from './client-secret-candidate.ts';
import { plusCandidate } from './context-candidate.ts';
import { ContextFacts } from './context-facts.ts';
import { knownForms } from './known-forms.ts';
import {
  ConnectionCandidate,
  CredentialCandidate,
  JwtCandidate,
  OBJECT,
  SEPARATOR,
} from './part-candidates.ts';
import { BEGIN, PemCandidate } from './pem-candidate.ts';
import { KnownCandidate, LookAlike, PrefixCandidate } from './prefix-candidates.ts';
import type { RedactOptions } from './public.ts';
import { WIDE, type Wide } from './wide.ts';

/** The candidate that begins when a pattern ends at `end`; null when what stands before it says that there is none. */
type Beginning = (codes: Uint8Array, end: number) => Candidate | null;

export interface Plan {
  readonly automaton: Automaton;
  /** For each pattern of the automaton. */
  readonly beginnings: readonly Beginning[];
  readonly context: ContextFacts | null;
  readonly wide: Wide | null;
}

interface Start extends Pattern {
  readonly begin: Beginning;
}

/** Plans are made once for all redactors that look for the same, but for known values, which must not be kept. */
const PLANS = new Map<string, Plan>();

/** Throws a TypeError for an id that no rule has, and for a known value that is too short. */
export function planFor(options: Omit<RedactOptions, 'mark'>): Plan {
  const { except = [], context = true, generic = false, wide = false, known = [] } = options;
  const name = JSON.stringify([except, context, generic, wide]);
  const made = known.length === 0 ? PLANS.get(name) : undefined;
  if (made) return made;
  for (const id of except) {
    if (!RULES.some((rule) => rule.id === id)) throw new TypeError(`No rule has the id "${id}".`);
  }
  const rules = RULES.filter(({ id, onRequest = false }) => !except.includes(id) && (generic || !onRequest));
  const facts = context ? new ContextFacts(rules) : null;
  const starts = [...rules.flatMap((rule) => startsOf(rule, facts)), ...credentialStarts(wide)];
  if (facts) starts.push(...awsStarts(rules), plusStart(facts));
  if (wide) starts.push(...wideStarts());
  for (const codes of known.flatMap(knownForms)) starts.push(knownStart(codes));
  const plan: Plan = {
    automaton: new Automaton(starts),
    beginnings: starts.map(({ begin }) => begin),
    context: facts,
    wide: wide ? WIDE : null,
  };
  if (known.length === 0) PLANS.set(name, plan);
  return plan;
}

/** One case for each kind of rule: what has a new shape does not compile before it is thought of here. */
function startsOf(rule: Rule, facts: ContextFacts | null): Start[] {
  switch (rule.shape.by) {
    case 'prefix':
      return matchersOf(rule).map(prefixStart);
    case 'pem': {
      const begin: Beginning = (_, end) => new PemCandidate(rule.id, end - BEGIN.length);
      return [{ text: BEGIN, held: true, begin }];
    }
    case 'jwt': {
      const begin: Beginning = (codes, end) =>
        standsFree(codes, end - OBJECT.length) ? new JwtCandidate(rule, end - OBJECT.length) : null;
      return [{ text: OBJECT, held: true, begin }];
    }
    case 'connection': {
      const begin: Beginning = (_, end) => new ConnectionCandidate(rule, end - SEPARATOR.length);
      return [{ text: SEPARATOR, held: false, begin }];
    }
    case 'azure-secret': {
      const begin: Beginning = (codes, end) => {
        const start = end - MARK.length;
        return new ClientSecretCandidate(rule, start, facts?.heldStart(codes, start) ?? start);
      };
      return [{ text: MARK, held: true, begin }];
    }
    case 'context':
      return [];
  }
}

function prefixStart(matcher: Matcher): Start {
  const { lead, prefix } = matcher;
  return {
    text: `${lead}${prefix}`,
    held: true,
    begin: (_, end) => new PrefixCandidate(matcher, end - prefix.length),
  };
}

/** Its secret half is looked for behind its names, and behind ids of the same provider. */
function awsStarts(rules: readonly Rule[]): Start[] {
  const rule = rules.find(({ shape }) => shape.by === 'context' && shape.names);
  if (!rule) return [];
  const names = NAMES.map((text) => ({
    text,
    held: false,
    begin: (_: Uint8Array, end: number) => new AwsSecretCandidate(rule, end),
  }));
  const ids = rules.filter(({ provider }) => provider === rule.provider).flatMap(matchersOf);
  const behindIds = ids.map((matcher) => ({
    text: `${matcher.lead}${matcher.prefix}`,
    held: true,
    begin: (_: Uint8Array, end: number) =>
      new AwsSecretCandidate(rule, end, matcher, end - matcher.prefix.length),
  }));
  return [...names, ...behindIds];
}

function plusStart(facts: ContextFacts): Start {
  return { text: '+', held: false, begin: (codes, end) => plusCandidate(facts, codes, end - 1) };
}

const SCHEMES = ['bearer', 'basic'];

/** However it is written: the word itself is not held. */
function credentialStarts(evenWords: boolean): Start[] {
  return SCHEMES.flatMap((word) =>
    casesOf(word).map((text) => ({
      text,
      held: false,
      begin: (codes: Uint8Array, end: number) =>
        isWordCharacter(codes[end - text.length - 1]) ? null : new CredentialCandidate(end, evenWords),
    })),
  );
}

function casesOf(word: string): string[] {
  let cases = [''];
  for (const letter of word) {
    cases = cases.flatMap((start) => [`${start}${letter}`, `${start}${letter.toUpperCase()}`]);
  }
  return cases;
}

function isWordCharacter(code: number | undefined): boolean {
  return code !== undefined && code !== 0x2d && ((CLASS[code] ?? 0) & KEY) !== 0;
}

/** Fewer characters behind a prefix are the name of something. */
const LEAST_LOOK_ALIKE = 12;

function wideStarts(): Start[] {
  return RULES.flatMap((rule) =>
    matchersOf(rule).map(({ lead, prefix }) => {
      const text = `${lead}${prefix}`;
      const begin: Beginning = (_, end) => new LookAlike(rule.id, end - text.length, end, LEAST_LOOK_ALIKE);
      return { text, held: true, begin };
    }),
  );
}

/** So many characters tell a value from others, until the rest of it is compared. */
const TELLING_START = 6;

function knownStart(codes: Uint8Array): Start {
  const start = codes.subarray(0, TELLING_START);
  return {
    text: String.fromCharCode(...start),
    held: true,
    begin: (_, end) => new KnownCandidate(codes, end - start.length),
  };
}
