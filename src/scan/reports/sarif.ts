/**
 * SARIF 2.1.0, the format of code scanning. A result is told by `partialFingerprints`, which come from the value's hash, so an alert stays the same
 * one when the line moves. Section numbers are those of the standard.
 */
import type { Rule, Severity } from '../../detect/rule.ts';
import type { Finding } from '../finding.ts';
import { ownerName } from '../owner.ts';
import type { ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { jsonText, lineOf, nameOf } from './names.ts';
import { asidesOf, commitOf, fileOf, levelOf, placeOf, whatOf } from './words.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const ROOT = '%SRCROOT%';
const LEVEL = { critical: 'error', high: 'error', medium: 'warning', low: 'note' } as const;
/** Of GitHub: from 9.0 it is shown as critical, from 7.0 as high, from 4.0 as medium. */
const SECURITY_SEVERITY: Readonly<Record<Severity, string>> = {
  critical: '9.5',
  high: '8.0',
  medium: '5.5',
  low: '3.0',
};

export function sarifReport(result: ScanResult, { kind, version }: ReportOptions): string {
  const found = [...result.findings, ...result.allowed];
  const rules = [...new Map(found.map(({ rule }) => [rule.id, rule])).values()];
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'Sallyport', version, semanticVersion: version, rules: rules.map(ruleOf) },
        },
        // 3.17.3: what is scanned in another way is another category, and does not close the alerts of this one.
        automationDetails: { id: `sallyport-scan/${kind}/` },
        invocations: [invocationOf(result)],
        originalUriBaseIds: { [ROOT]: { description: { text: 'The top of what was scanned.' } } },
        columnKind: 'utf16CodeUnits',
        results: found.map((finding) =>
          resultOf(
            finding,
            rules.findIndex(({ id }) => id === finding.rule.id),
          ),
        ),
      },
    ],
  };
  return `${jsonText(log, 2)}\n`;
}

function ruleOf({ id, provider, what, severity, revoke }: Rule): object {
  const name = `${provider} ${what}`;
  const steps = [
    'Rotate it, so that what uses it goes on.',
    'Remove it from the file, and from the history.',
  ];
  const revocation = `Revoke it: ${revoke}`;
  return {
    id,
    name: id,
    shortDescription: { text: name },
    fullDescription: { text: `${name} in a place where others can read it.` },
    ...(URL.canParse(revoke) ? { helpUri: revoke } : {}),
    help: {
      text: [revocation, ...steps].join(' '),
      markdown: [revocation, ...steps].map((step, at) => `${at + 1}. ${step}`).join('\n'),
    },
    defaultConfiguration: { level: LEVEL[severity] },
    properties: { 'security-severity': SECURITY_SEVERITY[severity], tags: ['security', 'secret'] },
  };
}

/** 3.20.14: not successful says that there may be more. */
function invocationOf({ problems, notes }: ScanResult): object {
  return {
    executionSuccessful: problems.length === 0,
    toolExecutionNotifications: [
      ...problems.map((text) => ({
        level: 'error',
        message: { text: `not everything could be scanned: ${lineOf(text)}` },
      })),
      ...notes.map((text) => ({ level: 'note', message: { text: lineOf(text) } })),
    ],
  };
}

function resultOf(finding: Finding, ruleIndex: number): object {
  const { rule, path, fingerprint, commit, encodings, allowed } = finding;
  const known = [
    `fingerprint ${fingerprint}`,
    ...(commit === undefined ? [] : [`commit ${commitOf(finding)}`]),
  ];
  const asides = asidesOf(finding).map((text) => `; ${text}`);
  return {
    ruleId: rule.id,
    ruleIndex,
    level: levelOf(finding, LEVEL),
    message: { text: `${whatOf(finding)} at ${placeOf(finding)} (${known.join(', ')})${asides.join('')}` },
    locations: [locationOf(finding)],
    partialFingerprints: { 'sallyportValue/v1': fingerprint },
    ...(allowed
      ? {
          suppressions: [
            {
              kind: allowed.by === 'line' ? 'inSource' : 'external',
              status: 'accepted',
              justification: lineOf(allowed.reason),
            },
          ],
        }
      : {}),
    properties: {
      provider: rule.provider,
      sure: finding.sure,
      path: nameOf(path),
      ...(encodings.length > 0 ? { encodings } : {}),
      ...(commit === undefined ? {} : { commit }),
      ...(finding.owners ? { owners: finding.owners.map(ownerName) } : {}),
      ...(finding.verified ? { verified: finding.verified.state } : {}),
    },
  };
}

function locationOf(finding: Finding): object {
  const { path, column, lastLine } = finding;
  const { file, line } = fileOf(finding);
  return {
    physicalLocation: {
      artifactLocation: artifactOf(file),
      ...(line === null
        ? {}
        : {
            region: {
              startLine: line,
              startColumn: Math.max(1, column),
              ...(lastLine === undefined ? {} : { endLine: lastLine }),
            },
          }),
    },
    ...(file === path ? {} : { logicalLocations: [{ fullyQualifiedName: nameOf(path), kind: 'member' }] }),
  };
}

/** 3.4.4: relative to the top, unless it is absolute. Each part of the path is encoded, so that no name is taken for a scheme or a query. */
function artifactOf(path: string): object {
  const uri = nameOf(path).toWellFormed().split('/').map(encodeURIComponent).join('/');
  return path.startsWith('/') ? { uri: `file://${uri}` } : { uri, uriBaseId: ROOT };
}
