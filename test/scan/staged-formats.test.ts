/** What `scan --staged` sees of files that have to be opened: all of it where lines mean nothing, the new lines where they do. */
import { expect, test } from 'bun:test';
import { groqKey } from '../../src/scan/formats/test-content.ts';
import { pdfOfPages } from '../../src/scan/formats/test-pdf.ts';
import { zip } from '../../src/scan/test-archives.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

interface Line {
  readonly event: string;
  readonly path: string;
  readonly line: number;
  readonly where?: string;
  readonly complete?: boolean;
}

async function scan(lab: GitLab): Promise<{ places: string[]; complete: boolean | undefined }> {
  const { out } = await lab.cli('scan', '--staged', '--json');
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const complete = lines.pop()?.complete;
  return {
    complete,
    places: lines.map(({ path, line, where }) => `${path}:${line} ${where ?? ''}`.trimEnd()),
  };
}

function stage(lab: GitLab, path: string, content: string | Uint8Array): void {
  lab.write(path, content);
  lab.git('add', '--', path);
}

function notebook(...sources: readonly (readonly string[])[]): string {
  return `${JSON.stringify({ cells: sources.map((source) => ({ source })) }, null, 1)}\n`;
}

test('of a notebook that changed, the new lines count, also for a value that only joined lines show', async () => {
  using lab = openGitLab();
  const [old, cut, half] = [groqKey(1), groqKey(2), groqKey(3)];
  const before = [`old = "${old}"\n`, 'x = 1\n'];
  stage(lab, 'a.ipynb', notebook(before, ['y = 2']));
  lab.git('commit', '-qm', 'old');
  stage(lab, 'a.ipynb', notebook(before, ['y = 2'], [`key = "${cut.slice(0, 30)}`, `${cut.slice(30)}"`]));
  expect(await scan(lab)).toEqual({ complete: true, places: ['a.ipynb:16 cell 3, source'] });
  lab.git('commit', '-qm', 'new');
  stage(lab, 'a.ipynb', notebook([...before, `key = "${half}"`], ['y = 2']));
  // The line before it changed too: it got its comma.
  expect((await scan(lab)).places).toEqual(['a.ipynb:7 cell 1, source']);
  lab.git('commit', '-qm', 'newer');
  stage(lab, 'a.ipynb', notebook([...before, `key = "${half}"`], ['y = 3']));
  expect((await scan(lab)).places).toEqual([]);
});

test('a PDF, a document, a mail and an image archive that changed are opened whole, and a picture is said to be unread', async () => {
  using lab = openGitLab();
  const [first, second, third] = [groqKey(1), groqKey(2), groqKey(3)];
  const runs = `<w:p><w:t>${second.slice(0, 20)}</w:t><w:t>${second.slice(20)}</w:t></w:p>`;
  stage(lab, 'a.pdf', pdfOfPages(['(one) Tj', `[(${first.slice(0, 30)}) -5 (${first.slice(30)})] TJ`]));
  stage(lab, 'b.docx', zip({ 'word/document.xml': `<w:document>${runs}</w:document>` }));
  const body = Buffer.from(`see ${third}`).toString('base64');
  stage(lab, 'c.eml', `From: a@example.com\nContent-Transfer-Encoding: base64\n\n${body}\n`);
  expect(await scan(lab)).toEqual({
    complete: true,
    places: ['a.pdf:1 page 2', 'b.docx!word/document.xml:1 its text', 'c.eml!text:1 mail from a@example.com'],
  });
  lab.git('commit', '-qm', 'all', '--no-verify');
  stage(lab, 'd.7z', Buffer.from('377abcaf271c0004', 'hex'));
  expect((await scan(lab)).complete).toBe(false);
});

test('of a file that Git LFS keeps, what is kept is scanned, and one that is not here counts as not scanned', async () => {
  using lab = openGitLab();
  const keep = (content: string): { pointer: string; id: string } => {
    const id = new Bun.CryptoHasher('sha256').update(content).digest('hex');
    const size = Buffer.byteLength(content);
    return { id, pointer: `version https://git-lfs.github.com/spec/v1\noid sha256:${id}\nsize ${size}\n` };
  };
  const old = keep('old\n');
  stage(lab, 'a.ipynb', old.pointer);
  expect((await scan(lab)).complete).toBe(false);
  lab.git('commit', '-qm', 'x');
  // Only two lines of the pointer are others.
  const content = notebook(['x = 1\n'], [`key = "${groqKey(1)}"`]);
  const { id, pointer } = keep(content);
  lab.write(`.git/lfs/objects/${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`, content);
  stage(lab, 'a.ipynb', pointer);
  expect(await scan(lab)).toEqual({ complete: true, places: ['a.ipynb:10 cell 2, source'] });
});

test('names inside an archive are scanned as well', async () => {
  using lab = openGitLab();
  stage(lab, 'a.zip', zip({ 'a/b': 'x', [`a/${groqKey(1)}.txt`]: '' }));
  expect((await scan(lab)).places).toEqual(['a.zip!a/[redacted].txt:0']);
});
