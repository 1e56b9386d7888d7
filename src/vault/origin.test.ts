import { expect, test } from 'bun:test';
import { SallyportError } from '../core/errors.ts';
import { classifyAddress, type AddressClass } from './address.ts';
import { checkOrigin, systemResolve } from './origin.ts';

const ADDRESSES: readonly (readonly [string, AddressClass])[] = [
  ['8.8.8.8', 'public'],
  ['9.255.255.255', 'public'],
  ['10.0.0.0', 'private'],
  ['10.255.255.255', 'private'],
  ['11.0.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['100.128.0.0', 'public'],
  ['100.100.100.200', 'metadata'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['168.63.129.16', 'metadata'],
  ['169.254.0.1', 'link-local'],
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['172.15.255.255', 'public'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.0', 'public'],
  ['192.0.0.192', 'metadata'],
  ['192.167.255.255', 'public'],
  ['192.168.1.1', 'private'],
  ['198.18.0.7', 'private'],
  ['198.20.0.0', 'public'],
  ['203.0.113.9', 'reserved'],
  ['0.0.0.0', 'reserved'],
  ['0.1.2.3', 'reserved'],
  ['224.0.0.1', 'reserved'],
  ['255.255.255.255', 'reserved'],
  ['256.1.1.1', 'reserved'],
  ['010.0.0.1', 'reserved'],
  ['1.2.3', 'reserved'],
  ['', 'reserved'],
  ['2606:4700::1', 'public'],
  ['::1', 'loopback'],
  ['[::1]', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::', 'reserved'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:a9fe:a9fe', 'metadata'],
  ['::ffff:8.8.8.8', 'public'],
  ['::127.0.0.1', 'loopback'],
  ['64:ff9b::a00:1', 'private'],
  ['64:ff9b::808:808', 'public'],
  ['64:ff9b:1::1', 'private'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['2002:7f00:1::', 'loopback'],
  ['2001:0:1::1', 'reserved'],
  ['2001:db8::1', 'reserved'],
  ['3fff::1', 'reserved'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['febf::1', 'link-local'],
  ['fec0::1', 'private'],
  ['fc00::1', 'private'],
  ['fdff::1', 'private'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:0ec2:0::0254', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  ['ff02::1', 'reserved'],
  ['100::1', 'reserved'],
  ['4000::1', 'reserved'],
  ['::1::', 'reserved'],
  ['zz::1', 'reserved'],
];

test.each(ADDRESSES)('%s is %s', (address, kind) => {
  expect(classifyAddress(address)).toBe(kind);
});

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'api.groq.com': ['104.18.0.1', '2606:4700::1'],
  'inside.example': ['10.1.2.3'],
  'mixed.example': ['104.18.0.1', '10.1.2.3'],
  'mapped.example': ['::ffff:10.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'zero.example': ['0.0.0.0'],
  gateway: ['172.18.0.2'],
};
const resolve = (name: string): Promise<readonly string[]> => Promise.resolve(NAMES[name] ?? []);

/** What happens without and with `allowPrivateOrigin`. */
const ORIGINS: readonly (readonly [string, 'ok' | 'refused', 'ok' | 'refused'])[] = [
  ['https://api.groq.com', 'ok', 'ok'],
  ['https://api.groq.com:8443', 'ok', 'ok'],
  ['https://unresolved.example', 'ok', 'ok'],
  ['https://8.8.8.8', 'ok', 'ok'],
  // not an exact origin
  ['https://api.groq.com/', 'refused', 'refused'],
  ['https://api.groq.com/openai', 'refused', 'refused'],
  ['https://api.groq.com:443', 'refused', 'refused'],
  ['https://API.groq.com', 'refused', 'refused'],
  ['https://api.groq.com.', 'refused', 'refused'],
  ['https://user:word@api.groq.com', 'refused', 'refused'],
  ['https://user@api.groq.com', 'refused', 'refused'],
  ['https://api.groq.com?', 'refused', 'refused'],
  ['https://api.groq.com?a=b', 'refused', 'refused'],
  ['https://api.groq.com#', 'refused', 'refused'],
  [' https://api.groq.com', 'refused', 'refused'],
  ['https:api.groq.com', 'refused', 'refused'],
  ['https:\\\\api.groq.com', 'refused', 'refused'],
  ['api.groq.com', 'refused', 'refused'],
  ['ftp://api.groq.com', 'refused', 'refused'],
  ['file:///etc/passwd', 'refused', 'refused'],
  ['data:text/plain,x', 'refused', 'refused'],
  ['', 'refused', 'refused'],
  [`https://${'a.'.repeat(127)}com`, 'refused', 'refused'],
  // plain http
  ['http://api.groq.com', 'refused', 'refused'],
  ['http://8.8.8.8', 'refused', 'refused'],
  ['http://mixed.example', 'refused', 'refused'],
  ['http://unresolved.example', 'refused', 'refused'],
  ['http://127.0.0.1:9100', 'refused', 'ok'],
  ['http://localhost:9100', 'refused', 'ok'],
  ['http://[::1]:9100', 'refused', 'ok'],
  ['http://gateway:9100', 'refused', 'ok'],
  ['http://10.0.0.1', 'refused', 'ok'],
  // inside
  ['https://127.0.0.1', 'refused', 'ok'],
  ['https://localhost', 'refused', 'ok'],
  ['https://x.localhost', 'refused', 'ok'],
  ['https://192.168.1.10', 'refused', 'ok'],
  ['https://169.254.1.1', 'refused', 'ok'],
  ['https://100.64.1.1', 'refused', 'ok'],
  ['https://[fd12::1]', 'refused', 'ok'],
  ['https://[fe80::1]', 'refused', 'ok'],
  ['https://[::ffff:a00:1]', 'refused', 'ok'],
  ['https://inside.example', 'refused', 'ok'],
  ['https://mixed.example', 'refused', 'ok'],
  ['https://mapped.example', 'refused', 'ok'],
  // other spellings of an address are not exact
  ['http://2130706433', 'refused', 'refused'],
  ['http://0x7f.1', 'refused', 'refused'],
  // never
  ['https://169.254.169.254', 'refused', 'refused'],
  ['http://169.254.169.254', 'refused', 'refused'],
  ['https://[::ffff:a9fe:a9fe]', 'refused', 'refused'],
  ['https://[fd00:ec2::254]', 'refused', 'refused'],
  ['https://metadata.google.internal', 'refused', 'refused'],
  ['http://metadata', 'refused', 'refused'],
  ['https://metadata.example', 'refused', 'refused'],
  ['https://0.0.0.0', 'refused', 'refused'],
  ['https://zero.example', 'refused', 'refused'],
  ['https://[::]', 'refused', 'refused'],
  ['https://224.0.0.1', 'refused', 'refused'],
];

test.each(ORIGINS)('%s is %s; with private origins allowed %s', async (origin, usual, allowed) => {
  for (const [expected, allow] of [[usual, false] as const, [allowed, true] as const]) {
    const error: unknown = await checkOrigin(origin, allow, resolve).catch((thrown: unknown) => thrown);
    if (expected === 'ok') {
      expect(error).toBeUndefined();
    } else {
      expect(error).toBeInstanceOf(SallyportError);
      expect(error).toMatchObject({ code: 'input.invalid', fix: expect.stringMatching(/\S/) as string });
    }
  }
});

test('a refusal never repeats what was pasted, other than the host it would accept', async () => {
  const pasted = ['word', 'that', 'must', 'not', 'show'].join('-');
  for (const origin of [pasted, `https://me:${pasted}@api.groq.com`, `https://api.groq.com/?${pasted}`]) {
    const error = (await checkOrigin(origin, false, resolve).catch(
      (thrown: unknown) => thrown,
    )) as SallyportError;
    expect(`${error.message} ${error.fix} ${error.detail}`).not.toContain(pasted);
  }
});

test('the system resolver answers with addresses, and with none for a name that cannot exist', async () => {
  expect((await systemResolve('localhost')).map(classifyAddress)).toContain('loopback');
  expect(await systemResolve('name.invalid')).toEqual([]);
});
