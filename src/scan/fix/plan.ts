/** How the values in one file are taken out of it: as edits of its bytes, or a reason for each that has to stay. Pure. */
import type { Finding } from '../finding.ts';
import { before, languageOf } from './languages.ts';
import { JAVASCRIPT, javascriptEdit } from './javascript.ts';
import { type Syntax, type Token, tokensOf } from './literals.ts';
import {
  cannotRead,
  ENV_EXAMPLE,
  ENV_FILE,
  envPlace,
  isShell,
  shellEdit,
  YAML,
  yamlEdit,
} from './text-files.ts';

/** A value in a file. Offsets are of bytes. */
export interface RawValue {
  readonly start: number;
  readonly end: number;
  readonly finding: Finding;
  /** The provider whose token takes its place. */
  readonly provider: string;
  /** What that provider's own packages read: GROQ_API_KEY. */
  readonly usual: string;
}

export interface Edit {
  readonly start: number;
  readonly end: number;
  /** Null: the access token. */
  readonly text: string | null;
}

export interface Mend {
  readonly raw: RawValue;
  /** In which the token is, by then. */
  readonly variable: string;
  readonly edits: readonly Edit[];
  readonly remark: string | null;
}

export interface Left {
  readonly raw: RawValue;
  readonly why: string;
}

export interface FilePlan {
  readonly mends: readonly Mend[];
  readonly left: readonly Left[];
  /** The file holds the token itself, as a .env file does. */
  readonly holdsToken: boolean;
}

/** `text` has one character a byte. */
export function planFile(path: string, text: string, values: readonly RawValue[]): FilePlan {
  const mends: Mend[] = [];
  const left: Left[] = [];
  // One reading of a program serves all that is in it.
  let read: Tokens | undefined;
  const tokens = (syntax: Syntax): Tokens => (read ??= tokensOf(text, syntax));
  for (const raw of values) {
    const planned = planValue(path, text, raw, tokens);
    if (typeof planned === 'string') left.push({ raw, why: planned });
    else mends.push(planned);
  }
  return { mends, left, holdsToken: ENV_FILE.test(path) };
}

type Tokens = ReturnType<typeof tokensOf>;
type Read = (syntax: Syntax) => Tokens;

function planValue(path: string, text: string, raw: RawValue, read: Read): Mend | string {
  const { start, end } = raw;
  if (ENV_EXAMPLE.test(path)) return 'an example is shared with everybody: write a placeholder there';
  if (ENV_FILE.test(path)) {
    const place = envPlace(text, start, end);
    if (typeof place === 'string') return place;
    return { raw, variable: place.name, edits: [{ start, end, text: null }], remark: null };
  }
  const variable = variableFor(text, raw);
  if (JAVASCRIPT.test(path)) {
    const edit = javascriptEdit(path, text, start, end, variable);
    if (!edit) {
      return 'no expression can stand there, or the file does not parse: it is in a comment, a type, or a part of another text';
    }
    const typed = /ts$|tsx$/.test(path);
    return mend(raw, variable, [edit], typed ? 'it may be undefined now: see that it still compiles' : null);
  }
  if (YAML.test(path)) {
    const edit = yamlEdit(path, text, start, end, variable);
    if (typeof edit === 'string') return edit;
    const compose = /(?:^|\/)(?:docker-)?compose[^/]*\.ya?ml$/.test(path);
    return mend(
      raw,
      variable,
      [edit],
      compose ? null : 'not everything that reads YAML puts variables in: see that what reads this file does',
    );
  }
  if (isShell(path, text)) {
    const edit = shellEdit(text, start, end, variable);
    return typeof edit === 'string'
      ? edit
      : mend(
          raw,
          variable,
          [edit],
          'the script has to be started with the variables of .env: set -a; . ./.env; set +a',
        );
  }
  return planProgram(path, text, raw, variable, read);
}

function mend(raw: RawValue, variable: string, edits: readonly Edit[], remark: string | null = null): Mend {
  return { raw, variable, edits, remark };
}

function planProgram(
  path: string,
  text: string,
  raw: RawValue,
  variable: string,
  tokensIn: Read,
): Mend | string {
  const { start, end } = raw;
  const language = languageOf(path);
  if (!language) return cannotRead(path);
  const { syntax, read, refuse, needs, remark = null } = language;
  if (syntax.unclear?.test(text.slice(0, start)) === true)
    return 'what stands before it keeps us from telling strings from code';
  const { tokens, until } = tokensIn(syntax);
  const around = tokens.find((token) => token.start <= start && end <= token.end);
  if (!around) return until <= end ? 'strings cannot be told from code there' : 'it is not in quotes';
  if (around.kind === 'comment') return 'it stands in a comment: take it out by hand';
  if (around.innerStart !== start || around.innerEnd !== end) return 'it is a part of a longer text';
  if (/[A-Za-z0-9_$@]/.test(text[around.start - 1] ?? '')) return 'the literal has a prefix';
  if (isJoined(text, tokens, around)) return 'it is joined with the literal beside it';
  const refusal = refuse(before(text, around.start), text, around.start);
  if (refusal !== null) return refusal;
  const needed = needs?.(text) ?? null;
  if (typeof needed === 'string') return needed;
  const edits: Edit[] = [{ start: around.start, end: around.end, text: read(variable) }];
  if (needed) edits.push({ start: needed.at, end: needed.at, text: needed.text });
  return mend(raw, variable, edits, remark);
}

/** Two literals side by side are one, also over lines and comments: an expression in the place of one of them would break it. */
function isJoined(text: string, tokens: readonly Token[], literal: Token): boolean {
  const strings = tokens.filter(({ kind }) => kind === 'string');
  const at = strings.indexOf(literal);
  return [strings[at - 1], strings[at + 1]].some((other) => {
    if (!other) return false;
    const [first, second] = other.start < literal.start ? [other, literal] : [literal, other];
    let between = '';
    let from = first.end;
    for (const { kind, start, end } of tokens) {
      if (kind !== 'comment' || start < first.end || end > second.start) continue;
      between += text.slice(from, start);
      from = end;
    }
    return /^[\s\\]*[A-Za-z]{0,2}$/.test(between + text.slice(from, second.start));
  });
}

/** The name that the program has for it, where that is like one of a variable; else the usual one. */
function variableFor(text: string, { start, usual }: RawValue): string {
  const [, name = ''] =
    /([A-Za-z_][A-Za-z0-9_]*)["']?[ \t]*(?::=|[:=])[ \t]*(?:\w+[ \t]*=[ \t]*)?["'`]?$/.exec(
      before(text, start),
    ) ?? [];
  return /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/.test(name) && /KEY|TOKEN|SECRET/.test(name) ? name : usual;
}

/** The file as it will be. Edits that say the same at the same place count once. */
export function applyEdits(text: string, mends: readonly Mend[], token: string): string {
  const edits = new Map<string, Edit>();
  for (const { edits: some } of mends) for (const edit of some) edits.set(`${edit.start} ${edit.end}`, edit);
  let edited = text;
  for (const { start, end, text: into } of [...edits.values()].toSorted((a, b) => b.start - a.start))
    edited = edited.slice(0, start) + (into ?? token) + edited.slice(end);
  return edited;
}
