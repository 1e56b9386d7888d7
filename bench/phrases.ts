/**
 * How many texts the list of phrases finds something in, and what a search costs in CPU. Reads a folder of JSON lines
 * (`{"text":"…","label":0|1,"source":"…"}`, 1 for an attack); texts of a label and source are one row.
 *
 *   npm run bench:phrases -- DIR
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PhraseSearch } from '../src/guard/injection.ts';

interface Row {
  texts: number;
  found: number;
}

const search = new PhraseSearch();

function finds(text: string): boolean {
  const searching = search.find(text);
  for (;;) {
    const step = searching.next();
    if (step.done) return step.value.length > 0;
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder of .jsonl files.');
const rows = new Map<string, Row>();
let bytes = 0;
const before = process.cpuUsage();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.jsonl'))) {
  for (const line of readFileSync(join(folder, file), 'utf8').trim().split('\n')) {
    const { text, label, source } = JSON.parse(line) as { text: string; label: number; source: string };
    const name = `${label === 1 ? 'attack' : 'benign'} | ${source}`;
    const row = rows.get(name) ?? { texts: 0, found: 0 };
    rows.set(name, row);
    row.texts += 1;
    if (finds(text)) row.found += 1;
    bytes += Buffer.byteLength(text);
  }
}
const { user, system } = process.cpuUsage(before);
process.stdout.write('| texts | source | number | found | % |\n| --- | --- | --: | --: | --: |\n');
for (const [name, { texts, found }] of [...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  process.stdout.write(`| ${name} | ${texts} | ${found} | ${((100 * found) / texts).toFixed(1)} |\n`);
process.stdout.write(`\n${((user + system) / (bytes / 1024)).toFixed(0)} us of CPU a KB\n`);
