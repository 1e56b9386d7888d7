/**
 * Workflow commands of GitHub Actions, which become annotations at the lines. A file's name comes from whoever opened the pull request: escaped as
 * the runner unescapes it, no name can end a command or begin another.
 */
import { plain } from '../../core/plain.ts';
import type { Finding } from '../finding.ts';
import type { ReportOptions } from '../report.ts';
import type { ScanResult } from '../sink.ts';
import { lineOf, nameOf } from './names.ts';
import { fileOf, levelOf, messageOf, placeOf, whatOf } from './words.ts';

const COMMAND = { critical: 'error', high: 'error', medium: 'warning', low: 'notice' } as const;
/** GitHub shows fewer. */
const MOST = 100;

export function githubReport({ findings, problems, notes }: ScanResult, { what }: ReportOptions): string {
  const commands = [
    ...problems.map((text) =>
      command(
        'error',
        { title: 'Not everything was scanned' },
        `not everything could be scanned: ${lineOf(text)}`,
      ),
    ),
    ...findings.slice(0, MOST).map(annotation),
  ];
  if (findings.length > MOST)
    commands.push(command('notice', {}, `and ${findings.length - MOST} more secrets in ${what}`));
  for (const text of notes) commands.push(command('notice', {}, lineOf(text)));
  return commands.map((line) => `${line}\n`).join('');
}

function annotation(finding: Finding): string {
  const { file, line } = fileOf(finding);
  const place = line === null ? {} : { line: String(line), col: String(Math.max(1, finding.column)) };
  return command(
    levelOf(finding, COMMAND),
    { file: fileName(file), ...place, title: whatOf(finding) },
    `${placeOf(finding)}: ${messageOf(finding)}`,
  );
}

/** With its line breaks, which are escaped; of what else a terminal would obey nothing is left, so such a name leads to no file. */
function fileName(path: string): string {
  return nameOf(path)
    .split(/(?<=[\r\n])|(?=[\r\n])/)
    .map((part) => (/^[\r\n]$/.test(part) ? part : plain(part)))
    .join('');
}

function command(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const written = Object.entries(properties).map(([key, value]) => `${key}=${property(value)}`);
  return `::${name}${written.length > 0 ? ` ${written.join(',')}` : ''}::${data(message)}`;
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
