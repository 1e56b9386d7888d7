import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { addressRanges, checkCidr, normaliseAddress } from './address.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:10.0.0.7', '10.0.0.7'],
  ['::ffff:a00:7', '10.0.0.7'],
  ['0:0:0:0:0:ffff:10.0.0.7', '10.0.0.7'],
  ['::ffff:0:1', '0.0.0.1'],
  ['2001:db8::1', '2001:db8::1'],
  ['::1', '::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::ffff:10.0.0.7%lo', '10.0.0.7'],
  ['', ''],
  ['not an address', 'not an address'],
  ['::ffff:999.1.1.1', '::ffff:999.1.1.1'],
])('%p is the address %p', (given, plain) => {
  expect(normaliseAddress(given)).toBe(plain);
});

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.0.0.7/8', '10.9.9.9', true],
  ['10.0.0.7', '10.0.0.7', true],
  ['10.0.0.7', '10.0.0.8', false],
  ['10.0.0.7/31', '10.0.0.6', true],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['::1', '::1', true],
  ['::1', '127.0.0.1', false],
  ['::/0', '2001:db8::1', true],
  ['10.0.0.0/8', '', false],
  ['10.0.0.0/8', '10.0.0.1, 11.0.0.1', false],
  ['10.0.0.0/8', '10.0.0.1:80', false],
] as const)('%s holds %p: %p', (cidr, address, holds) => {
  expect(addressRanges([checkCidr(cidr)])(address)).toBe(holds);
});

test('an IPv4 range means the same for a client that comes over a dual-stack listener', () => {
  const octet = fc.nat(255);
  fc.assert(
    fc.property(octet, octet, octet, octet, fc.nat(32), (a, b, c, d, bits) => {
      const address = `${a}.${b}.${c}.${d}`;
      const inside = addressRanges([`10.20.30.40/${bits}`]);
      const mask = bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0;
      const number = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
      const expected = (number & mask) >>> 0 === (0x0a_14_1e_28 & mask) >>> 0;
      expect(inside(address)).toBe(expected);
      expect(inside(normaliseAddress(`::ffff:${address}`))).toBe(expected);
    }),
  );
});

test('of several ranges one is enough, and of none none is', () => {
  const inside = addressRanges(['10.0.0.0/8', '2001:db8::/32']);
  expect([inside('10.1.1.1'), inside('2001:db8::5'), inside('192.168.0.1')]).toEqual([true, true, false]);
  expect(addressRanges([])('10.1.1.1')).toBe(false);
});

test.each([
  '',
  '/8',
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '10.0.0.0/8 ',
  '10.0.0/8',
  '010.0.0.1',
  '10.0.0.0/0x8',
  '2001:db8::/129',
  '::ffff:10.0.0.0/104',
  '::ffff:a00:0/104',
  '::ffff:0:0/96',
  'fe80::1%eth0/64',
  'localhost',
  '10.0.0.0-10.0.0.9',
])('%p is no range, and is refused before it is stored', (text) => {
  expect(refusalOf(() => checkCidr(text))).toMatchObject({ code: 'input.invalid', fix: expect.any(String) });
});

test('every range that is accepted can be compiled', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(140), (address, bits) => {
      const text = `${address}/${bits}`;
      let accepted = true;
      try {
        checkCidr(text);
      } catch {
        accepted = false;
      }
      fc.pre(accepted);
      expect(addressRanges([text])(address)).toBe(true);
    }),
  );
});
