/** What hides a value by accident, one example of each, and what looks like it. test/scan/corpus has all of them with all kinds of keys. */
import { describe, expect, test } from 'bun:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { findDeep } from './deep.ts';
import { sample } from './samples.ts';

const KEY = `gsk_${sample('alnum', 20)}WGdyb3FY${sample('alnum', 24)}`;
const CODES = [...Buffer.from(KEY)];
const HEX = CODES.map((code) => code.toString(16).padStart(2, '0'));

function found(text: string | Uint8Array): string[] {
  return findDeep(typeof text === 'string' ? Buffer.from(text) : text).map(
    ({ encodings, value }) => `${encodings.join('>')} ${value}`,
  );
}

describe('escapes', () => {
  test.each([
    ['percent twice', KEY.replace('_', '%255F')],
    ['braces', KEY.replace('_', '\\u{5f}')],
    ['eight digits', KEY.replace('_', '\\U0000005f')],
    ['octal', KEY.replace('_', '\\137')],
    ['of CSS', KEY.replace('_', '\\00005f')],
    ['entities', KEY.replace('_', '&#95;')],
    ['entities in hexadecimal', KEY.replace('_', '&#x005F;')],
    ['entities twice', KEY.replace('_', '&amp;#95;')],
    ['a name', KEY.replace('_', '&lowbar;')],
    ['Markdown', KEY.replace('_', '\\_')],
    ['mail', KEY.replace('_', '=5F')],
    ['a line of mail that goes on', `${KEY.slice(0, 12)}=\r\n${KEY.slice(12)}`],
    ['JSON in JSON', HEX.map((hex) => `\\\\u00${hex}`).join('')],
  ])('%s', (_, text) => {
    expect(found(`x ${text} y`)).toEqual([`escapes ${KEY}`]);
  });
});

describe('codes of characters', () => {
  test.each([
    ['in decimal', `String.fromCharCode(${CODES.join(',')})`],
    ['over lines', JSON.stringify(CODES, null, 2)],
    ['in hexadecimal', `{ ${HEX.map((hex) => `0x${hex}`).join(', ')} }`],
    ['with colons', HEX.join(':').toUpperCase()],
    ['two together', (HEX.join('').match(/.{4}/g) ?? []).join(' ')],
  ])('%s', (_, text) => {
    expect(found(`x = ${text};`)).toEqual([`character codes ${KEY}`]);
  });

  test('any numbers, addresses and hashes are none', () => {
    const addresses = Array.from({ length: 40 }, (_, index) => sample('hex', 12, index)).join(':');
    const numbers = Array.from({ length: 400 }, (_, index) => (index * 37) % 256).join(', ');
    expect(found(`${addresses}\n${numbers}\n${sample('hex', 400)}`)).toEqual([]);
  });
});

describe('literals', () => {
  const [a, b, c] = [KEY.slice(0, 9), KEY.slice(9, 24), KEY.slice(24)];
  test.each([
    ['a list that is joined', `['${a}', '${b}', '${c}'].join('')`],
    ['a list that a string joins', `"".join(["${a}", "${b}", "${c}"])`],
    ['a call of SQL', `CONCAT('${a}', '${b}', '${c}')`],
    ['a method', `'${a}'.concat('${b}${c}')`],
    ['a literal in another', `\`${a}\${'${b}${c}'}\``],
    ['added to', `k = "${a}"\nk += "${b}"\nk += "${c}"\n`],
    ['Haskell', `"${a}" ++ "${b}" ++ "${c}"`],
    ['Visual Basic over lines', `"${a}" & _\r\n  "${b}" & _\r\n  "${c}"`],
    ['Lua', `"${a}" .. "${b}" .. "${c}"`],
    ['side by side', `("${a}"\n  "${b}"\n  "${c}")`],
    ['in a string', JSON.stringify(`"${a}" + "${b}" + "${c}"`)],
  ])('%s', (_, text) => {
    expect(found(text)).toEqual([`joined literals ${KEY}`]);
  });

  test('a list that nothing joins, or something with a mark between, is none', () => {
    expect(found(`f(['${a}', '${b}', '${c}'])`)).toEqual([]);
    expect(found(`['${a}', '${b}', '${c}'].join('-')`)).toEqual([]);
  });

  test('where the first piece is a value already, the whole is reported', () => {
    const long = `sk-proj-${sample('key', 58)}T3BlbkFJ${sample('key', 58)}`;
    expect(found(`"${long.slice(0, 110)}" + "${long.slice(110)}"`)).toEqual([`joined literals ${long}`]);
  });
});

describe('packed and wide text', () => {
  const text = `A=1\nGROQ_API_KEY=${KEY}\n`;
  const wide = (bytes: number): Buffer => {
    const out = Buffer.alloc(text.length * bytes);
    for (const [index, code] of Buffer.from(text).entries()) out[index * bytes] = code;
    return out;
  };
  test('gzip and zlib in base64, also cut', () => {
    const base64 = gzipSync(text.repeat(3)).toString('base64');
    expect(found(`release: ${base64}\n`).length).toBeGreaterThan(0);
    expect(found(`release: ${base64.slice(0, -16)}\n`)[0]).toBe(`packed ${KEY}`);
    expect(found(`b64decode("${deflateSync(text).toString('base64')}")`)).toEqual([`packed ${KEY}`]);
    const helm = Buffer.from(gzipSync(text).toString('base64')).toString('base64');
    expect(found(`release: ${helm}`)).toEqual([`base64>packed ${KEY}`]);
  });

  test('UTF-32, and UTF-16 in base64', () => {
    expect(found(wide(4))).toEqual([`utf-32 ${KEY}`]);
    expect(found(wide(4).swap32())).toEqual([`utf-32 ${KEY}`]);
    expect(found(`-EncodedCommand ${wide(2).toString('base64')}`)).toEqual([`base64>utf-16 ${KEY}`]);
  });

  test('no more is unpacked than is safe, and what follows is searched all the same', () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024)).toString('base64');
    expect(found(`${`x: ${bomb}\n`.repeat(8)}key = ${KEY}\n`)).toEqual([` ${KEY}`]);
  });
});

test('a key without a shape, in base64 beside the name of its provider', () => {
  const key = sample('alnum', 32);
  expect(found(`mistral-api-key: ${Buffer.from(key).toString('base64')}\n`)).toEqual([`base64 ${key}`]);
});

test('no input makes decoding slower than its length', () => {
  const size = 1 << 16;
  const units = [
    '1, ',
    '103, ',
    '0x67,',
    '67 ',
    '67:73:',
    '\\u{67}',
    '\\137',
    '\\_a',
    '&#95;',
    '&amp;#95;',
    'a=\n',
    'a\\\n',
    '%2525',
    `"a" + `,
    `'a'.`,
    `"a""b"`,
    "['a','b'].join('')",
    "concat('a',",
    "'a',",
    '${"a',
    'k += "a"\n',
    'H4sIAAAA',
    'H4sI ',
    'eJxa ',
    `${sample('base64', 30)}+`,
    'QQBBAEEA',
    'g\0\0\0',
    'A3TQ~8Q~',
    'secretAccessKey=',
    'AKIA',
    `AKIA${sample('base32', 16)} `,
    `${sample('alnum', 40)}/`,
    `mistral ${sample('alnum', 32)} `,
    `deepgram key ${sample('hex', 40)}\n`,
  ];
  // Were anything quadratic, this would take minutes and more, which the timeout of the suite does not leave.
  for (const unit of units) findDeep(Buffer.from(unit.repeat(Math.ceil(size / unit.length)), 'latin1'));
  expect(units.length).toBeGreaterThan(30);
});
