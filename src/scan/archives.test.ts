import { describe, expect, test } from 'bun:test';
import { zstdCompressSync } from 'node:zlib';
import { hasContainerName, isContainer } from './container-kinds.ts';
import { eachEntry } from './containers.ts';
import { groqKey, scanContent } from './formats/test-content.ts';
import { tar, zip } from './test-archives.ts';

function unpack(path: string, bytes: Buffer): { entries: string[]; problems: string[] } {
  const entries: string[] = [];
  const problems: string[] = [];
  eachEntry(
    path,
    bytes,
    (entry) => entries.push(`${entry.path}: ${entry.bytes.toString('latin1').slice(0, 20)}`),
    (text) => problems.push(text),
  );
  return { entries, problems };
}

function ar(files: Readonly<Record<string, Buffer | string>>): Buffer {
  const parts = Object.entries(files).flatMap(([name, text]) => {
    const content = Buffer.from(text);
    const head = `${`${name}/`.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(content.length).padEnd(10)}\`\n`;
    return [Buffer.from(head), content, Buffer.alloc(content.length % 2, '\n')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}

function cpio(files: Readonly<Record<string, string>>): Buffer {
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  const entry = (name: string, content: string, mode: number): Buffer => {
    const fields = [1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
    const head = Buffer.from(`070701${fields.map(hex).join('')}${name}\0`);
    const padded = (part: Buffer): Buffer => Buffer.concat([part, Buffer.alloc((4 - (part.length % 4)) % 4)]);
    return Buffer.concat([padded(head), padded(Buffer.from(content))]);
  };
  const all = Object.entries(files).map(([name, content]) => entry(name, content, 0o100644));
  return Buffer.concat([entry('folder', '', 0o040755), ...all, entry('TRAILER!!!', '', 0)]);
}

/** As `zip`, with the count, the sizes and the places where archives of more than 4 GB have them. */
function zip64(name: string, text: string): Buffer {
  const plain = zip({ [name]: text }, { method: 0 });
  const end = plain.length - 22;
  const directory = plain.readUInt32LE(end + 16);
  const central = Buffer.from(plain.subarray(directory, end));
  const extra = Buffer.alloc(28);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(24, 2);
  extra.writeBigUInt64LE(BigInt(central.readUInt32LE(24)), 4);
  extra.writeBigUInt64LE(BigInt(central.readUInt32LE(20)), 12);
  extra.writeBigUInt64LE(BigInt(central.readUInt32LE(42)), 20);
  for (const at of [20, 24, 42]) central.writeUInt32LE(0xffffffff, at);
  central.writeUInt16LE(extra.length, 30);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(1n, 32);
  record.writeBigUInt64LE(BigInt(directory), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(end + extra.length), 8);
  const tail = Buffer.from(plain.subarray(end));
  tail.writeUInt16LE(0xffff, 10);
  tail.writeUInt32LE(0xffffffff, 16);
  return Buffer.concat([plain.subarray(0, directory), central, extra, record, locator, tail]);
}

test('zstd, ar, cpio and archives with 64-bit directories are opened, inside one another too', () => {
  const inner = zstdCompressSync(tar({ 'etc/app.env': 'one' }));
  const all = {
    'a.deb': ar({ 'debian-binary': '2.0\n', 'data.tar.zst': inner }),
    'b.cpio': cpio({ 'etc/x': 'two', y: 'three!' }),
    'c.zip': zip64('d/e', 'four'),
    'f.tar.zst': inner,
  };
  expect(Object.entries(all).flatMap(([path, bytes]) => [isContainer(bytes), unpack(path, bytes)])).toEqual([
    true,
    { entries: ['a.deb!debian-binary: 2.0\n', 'a.deb!data.tar.zst!data.tar!etc/app.env: one'], problems: [] },
    true,
    { entries: ['b.cpio!etc/x: two', 'b.cpio!y: three!'], problems: [] },
    true,
    { entries: ['c.zip!d/e: four'], problems: [] },
    true,
    { entries: ['f.tar.zst!f.tar!etc/app.env: one'], problems: [] },
  ]);
});

describe('what is told and not opened is said, and its bytes are searched', () => {
  test.each([
    ['xz', '\u00fd7zXZ\u0000'],
    ['bzip2', 'BZh91AY&SY'],
    ['7z', '7z\u00bc\u00af\u0027\u001c'],
    ['rar', 'Rar!\u001a\u0007\u0001'],
    ['lz4', '\u0004\u0022\u004d\u0018'],
    ['rpm', '\u00ed\u00ab\u00ee\u00db'],
    ['cab', 'MSCF\0\0\0\0'],
  ])('%s', async (kind, start) => {
    const { places, problems } = await scanContent('f', Buffer.from(`${start}\n${groqKey()}`, 'latin1'));
    expect(problems).toEqual([`f was not unpacked: ${kind} is not opened; unpack it and scan what is in it`]);
    expect(places).toHaveLength(1);
  });
});

test('text that begins like one is none, and names say what has to be opened whole', () => {
  for (const text of [
    '070701 is a number',
    'BZh9 is not',
    '7z is a program',
    'Rar! said the lion',
    'MSCF is a name',
  ])
    expect(isContainer(Buffer.from(text.padEnd(300)))).toBe(false);
  for (const name of ['a.tar.zst', 'a.tar.xz', 'a.7z', 'a.deb']) expect(hasContainerName(name)).toBe(true);
});

test('no cut and no changed byte makes it throw or run on', () => {
  const samples = [
    ar({ a: 'one', b: 'two' }),
    cpio({ a: 'one', b: 'two' }),
    zip64('a', 'one'),
    zstdCompressSync('one'),
  ];
  let seen = 0;
  for (const one of samples) {
    for (let at = 0; at < one.length; at += 1) {
      unpack('f', one.subarray(0, at));
      const changed = Buffer.from(one);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      seen += unpack('f', changed).entries.length;
    }
  }
  expect(seen).toBeGreaterThan(samples.length);
});

test('an image that docker saved is looked into, layer by layer', async () => {
  const [first, second] = [groqKey(1), groqKey(2)];
  const layer = tar({ 'app/.env': `A=1\nKEY=${first}\n` });
  const config = JSON.stringify({
    architecture: 'amd64',
    config: { Env: [`GROQ_API_KEY=${second}`] },
    history: [{ created_by: `ENV GROQ_API_KEY=${second}` }],
  });
  const image = tar({ 'manifest.json': '[]', 'config.json': config, 'blobs/layer.tar': layer });
  const { findings, places, problems } = await scanContent('image.tar', image);
  expect(problems).toEqual([]);
  expect(places.map((place) => place.replace(/:\d+:\d+/, ''))).toEqual([
    'image.tar!config.json',
    'image.tar!config.json',
    'image.tar!blobs/layer.tar!app/.env',
  ]);
  expect(findings[0]?.cause).toContain('configuration of an image');
  expect(findings[2]?.cause).toContain('.env file');
});
