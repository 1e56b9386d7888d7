import { describe, expect, test } from 'bun:test';
import { deflateSync } from 'node:zlib';
import { encodePng } from './png.ts';
import { pictureFacts } from './picture.ts';
import { groqKey, scanContent } from './test-content.ts';

const KEY = groqKey();

/** A PNG with another chunk behind its head. */
function pngWith(type: string, data: Buffer, width = 400, height = 300): Buffer {
  const png = encodePng(Buffer.alloc(width * height, 255), width, height, 1);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([png.subarray(0, 33), head, data, Buffer.alloc(4), png.subarray(33)]);
}

test('the size is read from the first bytes of each kind', () => {
  const jpeg = Buffer.from(
    'ffd8ffe000104a46494600010100000100010000ffc0001108012c01900301220002110103110100',
    'hex',
  );
  const gif = Buffer.concat([Buffer.from('GIF89a'), Buffer.from([0x90, 1, 0x2c, 1]), Buffer.alloc(20)]);
  const bmp = Buffer.alloc(60);
  bmp.write('BM');
  bmp.writeUInt32LE(60, 2);
  bmp.writeUInt32LE(40, 14);
  bmp.writeInt32LE(400, 18);
  bmp.writeInt32LE(-300, 22);
  const webp = Buffer.alloc(40);
  webp.write('RIFF');
  webp.write('WEBPVP8X', 8);
  webp.writeUIntLE(399, 24, 3);
  webp.writeUIntLE(299, 27, 3);
  const all = { png: pngWith('tEXt', Buffer.from('a\0b')), jpeg, gif, bmp, webp };
  for (const [kind, bytes] of Object.entries(all))
    expect(pictureFacts(bytes)).toMatchObject({ kind, width: 400, height: 300 });
  for (const text of ['', 'BM is a text that begins like a bitmap', 'GIF', 'RIFF.... other things than that'])
    expect(pictureFacts(Buffer.from(text))).toBeNull();
});

describe('text beside the pixels is searched without being asked for', () => {
  test.each([
    ['tEXt', Buffer.from(`Comment\0${KEY}`), 'a.png:3:'],
    [
      'zTXt',
      Buffer.concat([Buffer.from('Comment\0\0'), deflateSync(`\nsee ${KEY}`)]),
      'a.png:2:5 (metadata)',
    ],
    [
      'iTXt',
      Buffer.concat([Buffer.from('Comment\0\u0001\0en\0c\0'), deflateSync(`see ${KEY}`)]),
      'a.png:1:5 (metadata)',
    ],
  ])('%s', async (type, data, place) => {
    const { places, problems, skipped } = await scanContent('a.png', pngWith(type, data));
    expect(problems).toEqual([]);
    expect(skipped).toEqual({ images: 1 });
    expect(places).toEqual([expect.stringContaining(place)]);
  });

  test('one that unpacks to more than is safe is said', async () => {
    const bomb = Buffer.concat([Buffer.from('a\0\0'), deflateSync(Buffer.alloc(64 * 1024 * 1024))]);
    expect((await scanContent('a.png', pngWith('zTXt', bomb))).problems).toHaveLength(1);
  });
});

test('an icon has no room for a value and is not counted; a picture of too many pixels is not decoded', async () => {
  expect(await scanContent('a.png', encodePng(Buffer.alloc(32 * 32), 32, 32, 1))).toMatchObject({
    skipped: {},
  });
  const huge = pngWith('tEXt', Buffer.from('a\0b'));
  huge.writeUInt32BE(100_000, 16);
  huge.writeUInt32BE(100_000, 20);
  const images = { cores: ['/nowhere'], data: '/nowhere' };
  expect((await scanContent('a.png', huge, { images })).problems).toEqual([
    'the picture a.png was not opened: it has more than 60 million pixels',
  ]);
});
