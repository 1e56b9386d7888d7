import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { PatchReader } from './patch.ts';

/** What the reader passes on, one text an event. */
function read(patch: string, pieceBytes = Infinity): string[] {
  const events: string[] = [];
  let block = '';
  const reader = new PatchReader({
    file: () => events.push('file'),
    path: (path, isNew) => events.push(`${isNew ? 'new' : 'path'} ${path}`),
    object: (id) => events.push(`object ${id}`),
    block: (line) => {
      block = `${line}:`;
    },
    added: (bytes) => (block += Buffer.from(bytes).toString()),
    endBlock: () => events.push(block),
    notShown: (what) => events.push(`not shown ${what}`),
  });
  const bytes = Buffer.from(patch);
  for (let at = 0; at < bytes.length; at += pieceBytes) reader.push(bytes.subarray(at, at + pieceBytes));
  reader.end();
  return events;
}

const PATCH = [
  'diff --git a/a.txt b/a.txt',
  'index 1..2 100644',
  '--- a/a.txt',
  '+++ b/a.txt',
  '@@ -1,2 +1,3 @@ function of a name with + and - in it',
  '--- a line that begins with two dashes',
  '-@@ -1 +1 @@',
  '+++ b/not-a-path',
  '+diff --git a/x b/x',
  '+',
  '@@ -9,0 +11 @@',
  '+last',
  '\\ No newline at end of file',
  'diff --git "a/t\\tb\\303\\251.txt" "b/t\\tb\\303\\251.txt"',
  'new file mode 100644',
  '--- /dev/null',
  '+++ "b/t\\tb\\303\\251.txt"',
  '@@ -0,0 +1 @@',
  '+x',
  'diff --git a/gone b/gone',
  'deleted file mode 100644',
  '--- a/gone',
  '+++ /dev/null',
  '@@ -1 +0,0 @@',
  '-was here',
  'diff --git a/a b b/c d',
  'similarity index 100%',
  'rename from a b',
  'rename to c d',
  'diff --git a/sp ace b/sp ace',
  '--- a/sp ace\t',
  '+++ b/sp ace\t',
  '@@ -3 +3 @@',
  '-old',
  '+new',
  '* Unmerged path both',
  '',
].join('\n');

const EVENTS = [
  'file',
  'object 2',
  'path a.txt',
  '1:++ b/not-a-path\ndiff --git a/x b/x\n\n',
  '11:last\n',
  'file',
  'new t\tbé.txt',
  '1:x\n',
  'file',
  'file',
  'new c d',
  'file',
  'path sp ace',
  '3:new\n',
  'not shown * Unmerged path both',
];

test('added lines come with their numbers, whatever they look like; nothing else comes', () => {
  expect(read(PATCH)).toEqual(EVENTS);
});

test('however the patch is cut, the same comes', () => {
  for (let pieceBytes = 1; pieceBytes <= 40; pieceBytes += 1) expect(read(PATCH, pieceBytes)).toEqual(EVENTS);
});

test('context, asked for or not, ends a block and counts', () => {
  const patch = '+++ b/a\n@@ -4,3 +4,5 @@\n one\n+two\n three\n\n+four\n';
  expect(read(patch)).toEqual(['path a', '5:two\n', '8:four\n']);
});

test('a line of several megabytes comes whole, and in bounded pieces', () => {
  const long = 'x'.repeat(3_000_000);
  const patch = `+++ b/a\n@@ -1 +1,2 @@\n-${long}\n+${long}\n+end\n`;
  expect(read(patch, 65_536)).toEqual(['path a', `1:${long}\nend\n`]);
});

test.each([
  ['cut in a hunk', '+++ b/a\n@@ -0,0 +1,2 @@\n+one\n'],
  ['cut in a line', '+++ b/a\n@@ -0,0 +1 @@\n+one'],
  ['cut in a head', 'diff --git a/'],
  ['a hunk with too many lines of a kind', '+++ b/a\n@@ -1 +1 @@\n+a\n+b\n-c\n'],
  ['a line of no kind', '+++ b/a\n@@ -0,0 +1 @@\nwhat\n'],
])('a patch with %s is not taken for scanned', (_, patch) => {
  expect(() => read(patch)).toThrow('the patch');
});

test('a path comes back from git’s quotes as it was', () => {
  const quoted = (path: string): string =>
    `"b/${[...Buffer.from(path)]
      .map((byte) => {
        const char = String.fromCharCode(byte);
        if (char === '"' || char === '\\') return `\\${char}`;
        return byte < 0x20 || byte > 0x7e ? `\\${byte.toString(8).padStart(3, '0')}` : char;
      })
      .join('')}"`;
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (path) => {
      const [event] = read(`+++ ${quoted(path)}\n@@ -0,0 +1 @@\n+x\n`);
      expect(event).toBe(`path ${path}`);
    }),
  );
});
