/** JUnit XML: a failed test for each finding, an error for each thing that was not scanned, a skipped test for what is allowed. */
import type { Finding } from '../finding.ts';
import type { ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { lineOf } from './names.ts';
import { asidesOf, messageOf, placeOf } from './words.ts';

export function junitReport(result: ScanResult, { what, startedAtMs, nowMs }: ReportOptions): string {
  const { findings, allowed, problems, notes } = result;
  const cases = [
    ...findings.map((finding) =>
      testCase(finding, element('failure', { message: messageOf(finding), type: finding.rule.severity })),
    ),
    ...problems.map((text, at) =>
      element(
        'testcase',
        { classname: 'scan', name: `scanned everything (${at + 1})` },
        element('error', { message: `not everything could be scanned: ${lineOf(text)}`, type: 'incomplete' }),
      ),
    ),
    ...allowed.map((finding) =>
      testCase(finding, element('skipped', { message: asidesOf(finding).join('; ') })),
    ),
  ];
  // A report without any test counts as a failure in some places, and as nothing in others.
  if (findings.length + problems.length === 0)
    cases.push(element('testcase', { classname: 'scan', name: `no secret in ${what}` }));
  const counts = {
    tests: String(cases.length),
    failures: String(findings.length),
    errors: String(problems.length),
    skipped: String(allowed.length),
    time: (Math.max(0, nowMs() - startedAtMs) / 1000).toFixed(3),
  };
  const said = notes.length === 0 ? '' : element('system-out', {}, escaped(notes.map(lineOf).join('\n')));
  const suite = element('testsuite', { name: 'sallyport scan', ...counts }, cases.join('') + said);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: 'sallyport', ...counts }, suite)}`;
}

function testCase(finding: Finding, content: string): string {
  const { path, rule } = finding;
  return element('testcase', { classname: lineOf(path), name: `${rule.id} at ${placeOf(finding)}` }, content);
}

function element(name: string, attributes: Readonly<Record<string, string>>, content = ''): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  const start = `<${name}${written.join('')}`;
  return content === ''
    ? `${start}/>\n`
    : `${start}>${content.startsWith('<') ? '\n' : ''}${content}</${name}>\n`;
}

/** Without what no XML may hold, as a reference neither. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
