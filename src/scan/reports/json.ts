/** One JSON object a line: each finding as soon as it is there, and last the summary. */
import type { Finding } from '../finding.ts';
import type { Report, ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { ownerName } from '../owner.ts';
import { jsonText, nameOf } from './names.ts';

export class JsonReport implements Report {
  readonly #options: ReportOptions;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  finding(finding: Finding): void {
    if (!finding.allowed || this.#options.showAllowed) this.#line(jsonOf(finding));
  }

  problem(): void {
    // In the summary.
  }

  skip(): void {
    // In the summary.
  }

  looked(): void {
    // In the summary.
  }

  end({ findings, allowed, files, bytes, problems, notes, skipped }: ScanResult): void {
    const complete = problems.length === 0;
    this.#line({
      event: 'summary',
      complete,
      files,
      bytes,
      findings: findings.length,
      ...(allowed.length > 0 ? { allowed: allowed.length } : {}),
      ...(skipped.size > 0 ? { skipped: Object.fromEntries(skipped) } : {}),
      ...(complete ? {} : { problems: problems.map(nameOf) }),
      ...(notes.length > 0 ? { notes: notes.map(nameOf) } : {}),
    });
  }

  #line(line: object): void {
    this.#options.write(`${jsonText(line)}\n`);
  }
}

/** One value may be in several keys: the first is the owner, and the others are named beside it. */
function ownedJson({ owners }: Finding): object {
  if (!owners) return {};
  const [owner, ...others] = owners;
  if (!owner) return { owner: null };
  return { owner: others.length === 0 ? owner : { ...owner, others: others.map(ownerName) } };
}

function verifiedJson({ verified }: Finding): object {
  return verified ? { verified: verified.state, verifiedReason: verified.reason } : {};
}

/** What is known of the place besides. */
function contextJson({ where, origin, cause }: Finding): object {
  return {
    ...(where === undefined ? {} : { where: nameOf(where) }),
    ...(origin ? { origin: { ...origin, path: nameOf(origin.path) } } : {}),
    ...(cause === undefined ? {} : { cause: nameOf(cause) }),
  };
}

function jsonOf(finding: Finding): object {
  const { rule, path, line, column, fingerprint, sure, encodings, commit, allowed, remark } = finding;
  return {
    // An event of its own: whoever counts findings must not count what is allowed.
    event: allowed ? 'allowed' : 'finding',
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
    ...contextJson(finding),
    ...(allowed ? { allowed: { ...allowed, reason: nameOf(allowed.reason) } } : {}),
    ...(remark === undefined ? {} : { remark: nameOf(remark) }),
    ...ownedJson(finding),
    ...verifiedJson(finding),
  };
}
