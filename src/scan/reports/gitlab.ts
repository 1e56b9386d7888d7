/**
 * Reports that GitLab reads: code quality, which every edition shows in a merge request, and secret detection, which feeds the list of
 * vulnerabilities. The second could hold the line with the value (`raw_source_code_extract`); here it never does.
 */
import type { Finding } from '../finding.ts';
import type { ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { jsonText, lineOf, nameOf } from './names.ts';
import { fileOf, levelOf, messageOf, whatOf } from './words.ts';

const QUALITY = { critical: 'blocker', high: 'critical', medium: 'major', low: 'minor' } as const;
const SEVERITY = { critical: 'Critical', high: 'High', medium: 'Medium', low: 'Low' } as const;
/** Of the report format, https://gitlab.com/gitlab-org/security-products/security-report-schemas */
const SCHEMA_VERSION = '15.0.7';
/** What GitLab's own scanner writes where there is no commit. */
const NO_COMMIT = '0000000';

export function gitlabQualityReport({ findings, problems }: ScanResult): string {
  const issues = [
    ...withIds(findings).map(({ finding, id }) => ({
      description: messageOf(finding),
      check_name: finding.rule.id,
      fingerprint: id,
      severity: levelOf(finding, QUALITY),
      location: locationOf(finding),
    })),
    // There is no other place for it, and without it the report would be that of a clean scan.
    ...problems.map((text) => ({
      description: `not everything could be scanned: ${lineOf(text)}`,
      check_name: 'scan-incomplete',
      fingerprint: hash(`incomplete ${text}`),
      severity: 'blocker',
      location: { path: '.', lines: { begin: 1 } },
    })),
  ];
  return `${jsonText(issues, 2)}\n`;
}

function locationOf(finding: Finding): object {
  const { file, line } = fileOf(finding);
  return { path: nameOf(file), lines: { begin: line ?? 1 } };
}

export function gitlabSecretsReport(
  { findings, problems, notes }: ScanResult,
  { version, startedAtMs, nowMs }: ReportOptions,
): string {
  const program = { id: 'sallyport', name: 'Sallyport', version, vendor: { name: 'Sallyport' } };
  const report = {
    version: SCHEMA_VERSION,
    scan: {
      analyzer: program,
      scanner: program,
      type: 'secret_detection',
      start_time: timeOf(startedAtMs),
      end_time: timeOf(nowMs()),
      status: problems.length === 0 ? 'success' : 'failure',
      messages: [
        ...problems.map((text) => ({
          level: 'fatal',
          value: `not everything could be scanned: ${lineOf(text)}`,
        })),
        ...notes.map((text) => ({ level: 'info', value: lineOf(text) })),
      ],
    },
    vulnerabilities: withIds(findings).map(({ finding, id }) => vulnerabilityOf(finding, id)),
  };
  return `${jsonText(report, 2)}\n`;
}

function vulnerabilityOf(finding: Finding, id: string): object {
  const { rule, commit } = finding;
  const { file, line } = fileOf(finding);
  return {
    id: uuidOf(id),
    name: whatOf(finding),
    description: messageOf(finding),
    severity: levelOf(finding, SEVERITY),
    solution: `Revoke it: ${rule.revoke}. Rotate it, then take it out of the file and of the history.`,
    identifiers: [{ type: 'sallyport_rule_id', name: `Sallyport rule ${rule.id}`, value: rule.id }],
    location: {
      file: nameOf(file),
      ...(line === null ? {} : { start_line: line }),
      commit: { sha: commit ?? NO_COMMIT },
    },
  };
}

/** Each with what GitLab tells it by: the same for the same value in the same file, wherever it moves there; where it is twice, they differ. */
function withIds(findings: readonly Finding[]): { readonly finding: Finding; readonly id: string }[] {
  const count = new Map<string, number>();
  return findings.map((finding) => {
    const text = [finding.rule.id, finding.fingerprint, nameOf(finding.path)].join('\0');
    const before = count.get(text) ?? 0;
    count.set(text, before + 1);
    return { finding, id: hash(before === 0 ? text : `${text}\0${before}`) };
  });
}

function hash(text: string): string {
  return new Bun.CryptoHasher('sha256', 'sallyport.scan.gitlab.v1').update(text).digest('hex').slice(0, 32);
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
}

/** The format has no fractions of a second, and no zone. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
