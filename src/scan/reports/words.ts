/** What is said of a finding in the same words everywhere. */
import type { Severity } from '../../detect/rule.ts';
import type { Finding } from '../finding.ts';
import { lineOf } from './names.ts';

const COMMIT_DIGITS = 12;

/** `may be: Groq API key, in base64`. */
export function whatOf({ rule, sure, encodings }: Finding): string {
  const hidden = encodings.length > 0 ? `, in ${encodings.join(' in ')}` : '';
  return `${sure ? '' : 'may be: '}${rule.provider} ${rule.what}${hidden}`;
}

/** What is known besides, each a part of a sentence: why it is allowed, or not. */
export function asidesOf({ allowed, remark, origin, cause }: Finding): string[] {
  const until = allowed?.until === undefined ? '' : ` (until ${allowed.until})`;
  return [
    ...(origin ? [`from ${lineOf(origin.path)}:${origin.line}:${origin.column}`] : []),
    ...(cause === undefined ? [] : [lineOf(cause)]),
    ...(allowed ? [`allowed: ${lineOf(allowed.reason)}${until}`] : []),
    ...(remark === undefined ? [] : [lineOf(remark)]),
  ];
}

/** `a.tgz!b/.env:2:5 (cell 3)`. */
export function placeOf({ path, line, column, where }: Finding): string {
  const name = lineOf(path);
  const inside = where === undefined ? '' : ` (${lineOf(where)})`;
  return line === 0 ? `${name}: in the name of the file` : `${name}:${line}:${column}${inside}`;
}

/** The commit as people write it; empty where there is none. */
export function commitOf({ commit }: Finding): string {
  return commit === undefined ? '' : commit.slice(0, COMMIT_DIGITS);
}

/** A message of one sentence: what it is, which, and what comes first. */
export function messageOf(finding: Finding): string {
  const { rule, fingerprint } = finding;
  const commit = commitOf(finding);
  const since = commit === '' ? '' : `, commit ${commit}`;
  const asides = asidesOf(finding).map((text) => `; ${text}`);
  return `${whatOf(finding)} (fingerprint ${fingerprint}${since})${asides.join('')}. Revoke it first: ${rule.revoke}`;
}

/** As far as annotations and reports of code quality tell them apart. */
export function levelOf<T>(finding: Finding, levels: Readonly<Record<Severity, T>>): T {
  return levels[finding.sure ? finding.rule.severity : 'medium'];
}

/** The file of the repository that it is in, on whose line people can look: no line inside an archive is one of the file. */
export function fileOf({ path, file, line }: Finding): {
  readonly file: string;
  readonly line: number | null;
} {
  return { file: file ?? path, line: file === undefined && line > 0 ? line : null };
}
