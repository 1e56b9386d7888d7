import { describe, expect, test } from 'bun:test';
import { gzipSync } from 'node:zlib';
import { hasContainerName, isContainer } from './container-kinds.ts';
import { eachEntry, type ContainerLimits } from './containers.ts';
import { tar, zip } from './test-archives.ts';

function unpack(
  path: string,
  bytes: Buffer,
  limits?: ContainerLimits,
): { entries: string[]; problems: string[] } {
  const entries: string[] = [];
  const problems: string[] = [];
  eachEntry(
    path,
    bytes,
    (entry) => entries.push(`${entry.path}: ${entry.bytes.toString().slice(0, 20)}`),
    (text) => problems.push(text),
    limits,
  );
  return { entries, problems };
}

test('gzip, zip and tar are told by how they begin, or by name', () => {
  for (const bytes of [gzipSync('x'), zip({ a: 'x' }), zip({}), tar({ a: 'x' })])
    expect(isContainer(bytes)).toBe(true);
  for (const bytes of [Buffer.alloc(0), Buffer.from('PK'), Buffer.from('plain text '.repeat(50))])
    expect(isContainer(bytes)).toBe(false);
  for (const name of ['a.zip', 'b/c.DOCX', 'x.tar.gz', 'x.tgz', 'x.jar'])
    expect(hasContainerName(name)).toBe(true);
  for (const name of ['a.txt', 'zip', 'a.zip.txt']) expect(hasContainerName(name)).toBe(false);
});

test('every file comes with its path, also from containers inside one another', () => {
  const inner = zip({ 'deep/.env': 'KEY=1', 'b.txt': 'two' }, { method: 0 });
  const outer = gzipSync(tar({ 'a.txt': 'one', 'inner.zip': inner }));
  expect(unpack('x/backup.tgz', outer)).toEqual({
    entries: [
      'x/backup.tgz!backup.tar!a.txt: one',
      'x/backup.tgz!backup.tar!inner.zip!deep/.env: KEY=1',
      'x/backup.tgz!backup.tar!inner.zip!b.txt: two',
    ],
    problems: [],
  });
  expect(unpack('log.gz', gzipSync('line')).entries).toEqual(['log.gz!log: line']);
  expect(unpack('plain', Buffer.from('text')).entries).toEqual(['plain: text']);
});

test('long names of tar are read', () => {
  const name = 'folder/'.repeat(30);
  const long = Buffer.concat([tar({ link: `${name}\0` }, 'L').subarray(0, -1024), tar({ short: 'one' })]);
  expect(unpack('a.tar', long).entries).toEqual([`a.tar!${name}: one`]);
  const record = `path=${name}\n`;
  const size = record.length + 4;
  const pax = Buffer.concat([
    tar({ head: `${size} ${record}` }, 'x').subarray(0, -1024),
    tar({ short: 'one' }),
  ]);
  expect(unpack('a.tar', pax).entries).toEqual([`a.tar!${name}: one`]);
});

describe('what is not unpacked is said, and its bytes are passed on as they are', () => {
  const full = zip({ a: 'x'.repeat(1000), b: 'y' });
  test.each([
    ['a cut gzip', gzipSync('x'.repeat(1000)).subarray(0, 20), 'damaged'],
    ['a cut zip', full.subarray(0, -30), 'directory is missing'],
    ['a zip whose directory lies', Buffer.concat([full.subarray(0, 10), full.subarray(20)]), 'damaged'],
    ['a cut tar', tar({ a: 'x'.repeat(5000) }).subarray(0, 2000), 'cut or damaged'],
  ])('%s', (_, bytes, why) => {
    const { entries, problems } = unpack('f', bytes);
    expect(problems).toEqual([expect.stringContaining(why)]);
    expect(entries.at(-1)).toStartWith('f: ');
  });

  test('an encrypted file, and an unknown method', () => {
    expect(unpack('f.zip', zip({ a: 'x' }, { flags: 1 })).problems).toEqual([
      'f.zip!a was not unpacked: it is encrypted',
    ]);
    expect(unpack('f.zip', zip({ a: 'x' }, { method: 12 })).problems).toEqual([
      'f.zip!a was not unpacked: its method 12 is not known',
    ]);
  });

  test('more than is safe: a bomb, too many files, too many layers', () => {
    const limits = { bytes: 1_000_000, entries: 100, depth: 3 };
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(unpack('bomb.gz', bomb, limits).problems).toEqual([expect.stringContaining('too large')]);
    expect(unpack('bombs.zip', zip({ 'a.gz': bomb, 'b.gz': bomb }), limits).problems).toEqual([
      expect.stringContaining('too large'),
    ]);
    const many = zip(Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}`, 'x'])));
    expect(unpack('many.zip', many, limits).problems).toHaveLength(1);
    let nested = gzipSync('x');
    for (let layer = 0; layer < 5; layer += 1) nested = gzipSync(nested);
    expect(unpack('nested.gz', nested, limits).problems).toEqual([
      expect.stringContaining('too many containers'),
    ]);
  });
});

test('no cut and no changed byte makes it throw or run on', () => {
  const samples = [
    zip({ a: 'one', 'b/c': 'two'.repeat(50) }),
    gzipSync(tar({ a: 'one', b: 'two' })),
    tar({ a: 'one', b: 'two'.repeat(300) }),
  ];
  for (const sample of samples) {
    for (let at = 0; at < sample.length; at += 3) {
      unpack('f', sample.subarray(0, at));
      const changed = Buffer.from(sample);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      unpack('f', changed);
    }
  }
  expect(samples).toHaveLength(3);
});
