/** Reports of a scan: for people, and as JSON lines for programs. No value, and no part of one, is in either, also when it is a file's name. */
import { findDeep } from '../detect/deep.ts';
import type { Finding } from './finding.ts';
import type { ScanResult, Sink } from './sink.ts';

const HIDDEN = '[redacted]';
/** What nobody would read. */
const MOST_LINES = 100;

/** One object a line: each finding as soon as it is there, and last the summary. */
export class JsonReport implements Sink {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  finding(finding: Finding): void {
    this.#line(jsonOf(finding));
  }

  problem(): void {
    // In the summary.
  }

  looked(): void {
    // In the summary.
  }

  end({ findings, files, bytes, problems }: ScanResult): void {
    const complete = problems.length === 0;
    this.#line({
      event: 'summary',
      complete,
      files,
      bytes,
      findings: findings.length,
      ...(complete ? {} : { problems: problems.map(nameOf) }),
    });
  }

  #line(line: object): void {
    this.#write(`${JSON.stringify(line)}\n`);
  }
}

function jsonOf({ rule, path, line, column, fingerprint, sure, encodings, commit }: Finding): object {
  return {
    event: 'finding',
    rule: rule.id,
    provider: rule.provider,
    path: nameOf(path),
    line,
    column,
    fingerprint,
    severity: rule.severity,
    sure,
    ...(encodings.length > 0 ? { encodings } : {}),
    ...(commit === undefined ? {} : { commit }),
  };
}

/** Lines of text: what was found where, and what to do, in order. `[]` when there is nothing to say. */
export function textReport({ findings }: ScanResult): string[] {
  if (findings.length === 0) return [];
  return [
    ...findings.slice(0, MOST_LINES).map(lineOf),
    ...(findings.length > MOST_LINES ? [`and ${findings.length - MOST_LINES} more; --json lists all`] : []),
    '',
    'What to do, in this order:',
    ...revocations(findings).map((line, at) => `${at === 0 ? '  1. Revoke:  ' : '              '} ${line}`),
    '  2. Rotate:   put the new key where it is kept (sallyport key add NAME --replace), never into a file under git.',
    '  3. Remove:   take it out of the files above, then git add them again. Nothing was committed.',
    'If it is certain that a value was never a key, git commit --no-verify commits without this check, on your own account.',
  ];
}

function lineOf({ rule, path, line, column, fingerprint, sure, encodings }: Finding): string {
  const place = line === 0 ? `${nameOf(path)}: in the name of the file` : `${nameOf(path)}:${line}:${column}`;
  const hidden = encodings.length > 0 ? `, in ${encodings.join(' in ')}` : '';
  const what = `${sure ? '' : 'may be: '}${rule.provider} ${rule.what}${hidden}`;
  return `${place}: ${what} [${rule.id}, ${rule.severity}, fingerprint ${fingerprint}]`;
}

/** Each provider once. */
function revocations(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ rule }) => `${rule.provider} ${rule.what}: ${rule.revoke}`))];
}

/** A path without the secrets that may be in it. */
export function nameOf(path: string): string {
  const bytes = Buffer.from(path);
  let name = '';
  let at = 0;
  for (const { start, end } of findDeep(bytes)) {
    name += bytes.toString('utf8', at, start) + HIDDEN;
    at = end;
  }
  return name + bytes.toString('utf8', at);
}
