/** The vectors of docs/spec/audit-log.md: what src/audit takes for whole and for broken, and that another implementation agrees. */
import { expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyJournal } from '../../src/audit/verify.ts';
import { callEnd, callStart, JournalLab, readAll } from '../support/journal-lab.ts';
import {
  type Files,
  loadJournal,
  makeJournal,
  makeVariants,
  verifyIndependently,
  writeJournal,
} from './audit-log-vectors.ts';

const FOLDER = new URL('audit-log', import.meta.url).pathname;
const spec = readFileSync(new URL('../../docs/spec/audit-log.md', import.meta.url), 'utf8');
const valid = loadJournal(FOLDER);
const variants = makeVariants(valid);

function inFolder<T>(files: Files, use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-vector-'));
  try {
    writeJournal(folder, files);
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the vector files are what their generator makes', () => {
  expect(valid).toEqual(makeJournal());
});

test('both implementations read the whole journal', () => {
  const { entries, tail } = readAll(FOLDER);
  expect(verifyIndependently(valid)).toEqual({ entries: entries.length, tornBytes: 0 });
  expect(tail).toMatchObject({ highestBoot: 3, torn: null });
  expect(verifyJournal(FOLDER)).toMatchObject({
    ok: true,
    entries: entries.length,
    streams: 3,
    anchored: false,
  });
});

test.each(variants.filter(({ expected }) => expected === null).map((one) => [one.class, one.files] as const))(
  'both find it broken: %s',
  (_, files) => {
    expect(() => verifyIndependently(files)).toThrow();
    const { ok, problem } = inFolder(files, verifyJournal);
    expect(ok).toBe(false);
    expect(problem).toStartWith('The audit journal is broken at entry ');
  },
);

test.each(variants.flatMap((one) => (one.expected ? [[one.class, one.files, one.expected] as const] : [])))(
  'both read on: %s',
  (_, files, expected) => {
    expect(verifyIndependently(files)).toEqual(expected);
    inFolder(files, (folder) => {
      const { entries, tail } = readAll(folder);
      expect({ entries: entries.length, tornBytes: tail.torn?.bytes ?? 0 }).toEqual(expected);
      expect(verifyJournal(folder)).toMatchObject({ ok: true, entries: expected.entries });
    });
  },
);

test('every class that the specification names has a variant', () => {
  const [, section = ''] = spec.split('## 7. Vectors');
  const named = [...section.split('## 8.')[0]!.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, name]) => name!);
  const made = variants.map((one) => one.class);
  expect(new Set(made).size).toBe(made.length);
  expect(made.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !made.includes(name) && name !== 'audit-log')).toEqual([]);
});

test('what this code writes, the other implementation verifies', () => {
  using lab = new JournalLab();
  for (let boot = 0; boot < 3; boot += 1) {
    const journal = lab.open({ segmentBytes: 700 });
    for (let call = 0; call < 5; call += 1) {
      journal.append(
        callStart(`req_${boot}_${call}`, '1', { metadata: { text: 'tab\t ü \u2028 \ud83d\udef0' } }),
      );
      journal.append(callEnd(`req_${boot}_${call}`));
    }
    if (boot === 1) journal.close('test');
  }
  const written = loadJournal(lab.folder);
  expect(verifyIndependently(written)).toEqual({ entries: lab.written.length, tornBytes: 0 });
});

test('the fields of every action are those of the specification, in any order, and no others', () => {
  const table = new Map<string, string[]>();
  for (const [, actions = '', fields = ''] of spec.matchAll(/^\| (`[a-z].*?`) \| (`.*?) \|/gm)) {
    for (const [, action] of actions.matchAll(/`([^`]+)`/g)) {
      table.set(
        action!,
        [...fields.matchAll(/`([A-Za-z]+)`/g)].map(([, field]) => field!),
      );
    }
  }
  const subject = table.get('subject')!;
  const seen = new Set<string>();
  for (const { entry } of readAll(FOLDER).entries) {
    const action = entry.action.startsWith('control.') ? 'control.<noun>.<verb>' : entry.action;
    const fields = table.get(action)!.flatMap((field) => (field === 'subject' ? subject : [field]));
    expect(Object.keys(entry).toSorted()).toEqual(['seq', 'at', 'action', ...fields].toSorted());
    seen.add(action);
  }
  table.delete('subject');
  expect([...seen].toSorted()).toEqual([...table.keys()].toSorted());
});
