/** What a full disk does. A limit on the size of files stands in for it: the kernel then writes short and refuses, as a full disk does. */
import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { JournalLab, readAll } from '../../test/support/journal-lab.ts';

const LIMIT_BLOCKS = 16;
const LIMIT_BYTES = LIMIT_BLOCKS * 512;
const lab = JSON.stringify(join(import.meta.dir, '..', '..', 'test', 'support', 'journal-lab.ts'));

/** Runs `body` where no file can grow beyond 8 KB; it sees `journal`, `append(bytes)` and `report`, which it fills. */
function withFullDisk(folder: string, body: string): Record<string, unknown> {
  const script = `
    import { statSync } from 'node:fs';
    import { callStart, JournalLab } from ${lab};
    const lab = Object.assign(new JournalLab(), { folder: ${JSON.stringify(folder)} });
    const journal = lab.open({ collectMs: 1 });
    const size = () => statSync(${JSON.stringify(folder)} + '/' + journal.stream + '/000001.jsonl').size;
    const report = {};
    const append = (bytes) => {
      try {
        return journal.append(callStart('req', '1', { metadata: { pad: 'x'.repeat(bytes) } })).seq;
      } catch (error) {
        return error.code + ': ' + error.detail;
      }
    };
    ${body}
    process.stdout.write(JSON.stringify(report));
    process.exit();
  `;
  const run = Bun.spawnSync([
    'sh',
    '-c',
    `trap '' XFSZ; ulimit -f ${LIMIT_BLOCKS}; exec "$@"`,
    'sh',
    process.execPath,
    '--no-env-file',
    '-e',
    script,
  ]);
  if (!run.success) throw new Error(run.stderr.toString());
  return JSON.parse(run.stdout.toString()) as Record<string, unknown>;
}

test('an entry that does not fit is refused, nothing of it stays, and a smaller one is taken', () => {
  using lab = new JournalLab();
  const report = withFullDisk(
    lab.folder,
    `
    report.first = append(5000);
    const before = size();
    report.refused = [append(5000), append(5000)];
    report.same = size() === before;
    report.after = append(10);
    // With a whole line up to the limit, the write fails outright instead of coming up short.
    report.exact = append(${LIMIT_BYTES} - size() - 520);
    report.none = [append(5000), append(0)];
    report.end = size();
    `,
  );
  expect(report).toMatchObject({ first: 2, same: true, after: 3 });
  for (const refusal of report['refused'] as string[])
    expect(refusal).toBe('audit.unavailable: the disk is full');
  expect(report['none']).toEqual([
    expect.stringMatching(/^audit\.unavailable: /),
    expect.stringMatching(/^(?:4|5|audit\.unavailable: .*)$/),
  ]);
  const { entries, tail } = readAll(lab.folder);
  expect(tail.torn).toBeNull();
  expect(entries.at(-1)!.position.offset).toBe(report['end'] as number);
  expect(entries.map(({ entry }) => entry.seq)).toEqual(entries.map((_, index) => index + 1));
});

test('closing on a full disk says so, and who waited for what is written is not refused', () => {
  using lab = new JournalLab();
  const report = withFullDisk(
    lab.folder,
    `
    append(7000);
    try { for (;;) journal.append({ action: 'journal.close', reason: '' }); } catch {}
    const position = lab.written.at(-1).position;
    const waiting = journal.durable(position).then(() => 'durable', (error) => error.code);
    try { journal.close('full'); report.closed = true; } catch (error) { report.closed = error.code; }
    report.waiting = await waiting;
    report.later = append(0);
    `,
  );
  expect(report).toEqual({
    closed: 'audit.unavailable',
    waiting: 'durable',
    later: 'audit.unavailable: the journal is closed',
  });
  expect(readAll(lab.folder).tail.torn).toBeNull();
});
