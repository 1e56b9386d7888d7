/** What will be changed, as lines for people. No value is in it, neither of those that go nor of those that stay. */
import { lineOf } from '../reports/names.ts';
import { lineEnd, lineStart } from './literals.ts';
import type { Edit, FilePlan } from './plan.ts';
import type { ReadFile } from './files.ts';

const HIDDEN = '[redacted]';
const TOKEN = '[a new access token]';
const MOST_CHARS = 160;

export function diffOf({ path, text, found }: ReadFile, { mends }: FilePlan): string[] {
  const hides: Edit[] = found.map(({ start, end }) => ({ start, end, text: HIDDEN }));
  const edits = [
    ...new Map(
      mends.flatMap((mend) => mend.edits).map((edit) => [`${edit.start} ${edit.end}`, edit]),
    ).values(),
  ];
  // What is replaced whole need not be hidden as well.
  const kept = hides.filter(
    (hide) => !edits.some(({ start, end }) => start <= hide.start && hide.end <= end),
  );
  const lines = [...new Set(edits.map(({ start }) => lineStart(text, start)))].toSorted((a, b) => a - b);
  const shownLines = [`--- ${lineOf(path)}`];
  for (const from of lines) {
    const to = lineEnd(text, from);
    const here = edits.filter(({ start }) => from <= start && start <= to);
    const changed = here.filter(({ start, end }) => start !== end);
    shownLines.push(`@@ line ${text.slice(0, from).split('\n').length} @@`);
    if (changed.length > 0) shownLines.push(shown('-', edited(text, from, to, hides)));
    for (const { start, end, text: into } of here) {
      if (start === end)
        for (const line of (into ?? '').split(/\r?\n/)) if (line !== '') shownLines.push(shown('+', line));
    }
    if (changed.length > 0) shownLines.push(shown('+', edited(text, from, to, [...changed, ...kept])));
  }
  return shownLines;
}

function edited(text: string, from: number, to: number, edits: readonly Edit[]): string {
  let line = text.slice(from, to);
  for (const { start, end, text: into } of edits.toSorted((a, b) => b.start - a.start)) {
    if (start >= from && end <= to)
      line = line.slice(0, start - from) + (into ?? TOKEN) + line.slice(end - from);
  }
  return line;
}

function shown(sign: string, line: string): string {
  const text = lineOf(Buffer.from(line.replace(/\r$/, ''), 'latin1').toString());
  return `${sign}${text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)} …` : text}`;
}
