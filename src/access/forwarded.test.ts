import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { clientAddressBehind } from './forwarded.ts';

const behind = clientAddressBehind(['10.0.0.0/8', '2001:db8::/32', '127.0.0.1']);

test.each([
  ['the proxy wrote one client', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['the client wrote an entry itself', '10.0.0.1', '192.0.2.1, 203.0.113.9', '203.0.113.9'],
  ['the client wrote the address of a proxy', '10.0.0.1', '10.9.9.9, 203.0.113.9', '203.0.113.9'],
  ['two proxies', '10.0.0.1', '203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['two proxies and a lie', '10.0.0.1', '127.0.0.1, 203.0.113.9, 10.0.0.2', '203.0.113.9'],
  ['every hop is a proxy', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['no header', '10.0.0.1', null, '10.0.0.1'],
  ['an empty header', '10.0.0.1', '', '10.0.0.1'],
  ['an unknown peer', '198.51.100.7', '203.0.113.9', '198.51.100.7'],
  ['an unknown peer that names a proxy', '198.51.100.7', '10.0.0.2', '198.51.100.7'],
  ['a name for an address', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
  ['a port behind the address', '10.0.0.1', '203.0.113.9:8080', '10.0.0.1'],
  ['rubbish behind a good hop', '10.0.0.1', '203.0.113.9, x, 10.0.0.2', '10.0.0.2'],
  ['an empty entry', '10.0.0.1', '203.0.113.9,, 10.0.0.2', '10.0.0.2'],
  ['a leading zero', '10.0.0.1', '010.0.0.9', '10.0.0.1'],
  ['a proxy on a dual-stack listener', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
  ['a mapped client', '10.0.0.1', '::ffff:203.0.113.9', '203.0.113.9'],
  ['a mapped proxy in the header', '10.0.0.1', '203.0.113.9, ::ffff:10.0.0.2', '203.0.113.9'],
  ['IPv6', '2001:db8::1', '2001:4860::5, 2001:db8::2', '2001:4860::5'],
  ['spaces and tabs', '10.0.0.1', ' 203.0.113.9\t,\t10.0.0.2 ', '203.0.113.9'],
] as const)('%s', (_, peer, header, client) => {
  expect(behind(peer, header)).toBe(client);
});

test('without a proxy the header means nothing', () => {
  const direct = clientAddressBehind([]);
  expect(direct('127.0.0.1', '203.0.113.9')).toBe('127.0.0.1');
  expect(direct('::ffff:127.0.0.1', null)).toBe('127.0.0.1');
});

test('whatever a client sends, the address is the one that the proxy saw', () => {
  const entry = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
    fc.constantFrom('10.0.0.1', '127.0.0.1', '', ','),
  );
  fc.assert(
    fc.property(fc.array(entry), (sent) => {
      expect(behind('10.0.0.1', [...sent, '203.0.113.9'].join(', '))).toBe('203.0.113.9');
      expect(behind('198.51.100.7', sent.join(', '))).toBe('198.51.100.7');
    }),
  );
});
