import { describe, expect, test } from 'bun:test';
import { refusalOf } from '../test/support/refusal.ts';
import { type Flags, readConfig } from './config.ts';

const DATA = { SALLYPORT_DATA: '/data' };
const TLS = { SALLYPORT_TLS_CERT: '/etc/tls/cert.pem', SALLYPORT_TLS_KEY: '/etc/tls/key.pem' };
const PROXY = { SALLYPORT_BEHIND_TLS_PROXY: '1', SALLYPORT_TRUSTED_PROXIES: '10.0.3.0/24, 2001:db8::1' };

const settings = (variables: Readonly<Record<string, string>>, flags: Flags = {}) =>
  readConfig(flags, { ...DATA, ...variables }).settings;
const refused = (variables: Readonly<Record<string, string>>, flags: Flags = {}) =>
  refusalOf(() => settings(variables, flags));

describe('listening beyond loopback', () => {
  test.each(['0.0.0.0', '::', '192.0.2.7', '2001:db8::7', '127.0.0.2'])('%s needs TLS', (host) => {
    expect(refused({ SALLYPORT_HOST: host })).toMatchObject({
      code: 'config.invalid',
      fix: expect.stringContaining('SALLYPORT_TLS_CERT'),
    });
    expect(refused({}, { host })).toMatchObject({ code: 'config.invalid' });
    expect(settings({ SALLYPORT_HOST: host, ...TLS }).host).toBe(host);
    expect(settings({ SALLYPORT_HOST: host, ...PROXY }).host).toBe(host);
  });

  test('loopback needs nothing', () => {
    expect(settings({})).toMatchObject({ host: '127.0.0.1', tls: null, trustedProxies: [] });
    expect(settings({ SALLYPORT_HOST: 'localhost' }).host).toBe('127.0.0.1');
    expect(settings({ SALLYPORT_HOST: '::1' })).toMatchObject({ host: '::1', adminHost: '::1' });
  });

  test.each(['0.0.0.0', '::', '192.0.2.7'])('the admin listener stays on loopback with %s', (host) => {
    expect(settings({ SALLYPORT_HOST: host, ...TLS }).adminHost).toBe('127.0.0.1');
  });

  test.each(['', 'example.com', '0', '0.0.0', '127.1'])('%p is no address to listen on', (host) => {
    expect(refused({ SALLYPORT_HOST: host })).toMatchObject({ code: 'config.invalid' });
  });
});

describe('TLS', () => {
  test('flags win over variables, and paths are made absolute', () => {
    const { tls } = settings(TLS, { tlsCert: '/a.pem', tlsKey: 'b.pem' });
    expect(tls).toEqual({ certFile: '/a.pem', keyFile: `${process.cwd()}/b.pem` });
  });

  test('half a pair is refused', () => {
    for (const name of ['SALLYPORT_TLS_CERT', 'SALLYPORT_TLS_KEY'] as const)
      expect(refused({ [name]: TLS[name] })).toMatchObject({ code: 'config.invalid' });
  });
});

describe('a proxy in front', () => {
  test('is known by its addresses', () => {
    expect(settings(PROXY).trustedProxies).toEqual(['10.0.3.0/24', '2001:db8::1']);
    const { SALLYPORT_TRUSTED_PROXIES } = PROXY;
    expect(settings({ SALLYPORT_TRUSTED_PROXIES }, { behindTlsProxy: true }).trustedProxies).toHaveLength(2);
  });

  test('without addresses, or addresses without a proxy, is refused', () => {
    expect(refused({ SALLYPORT_BEHIND_TLS_PROXY: '1' })).toMatchObject({ code: 'config.invalid' });
    expect(refused({ SALLYPORT_TRUSTED_PROXIES: '10.0.3.0/24' })).toMatchObject({ code: 'config.invalid' });
    expect(refused({ ...PROXY, SALLYPORT_BEHIND_TLS_PROXY: '0' })).toMatchObject({ code: 'config.invalid' });
    expect(refused({ ...PROXY, SALLYPORT_BEHIND_TLS_PROXY: 'maybe' })).toMatchObject({
      code: 'config.invalid',
    });
  });

  test.each(['0.0.0.0/0', '::/0', '10.0.0.0/00', 'proxy.internal', '10.0.3.0/24,', ',', '10.0.3.0/33'])(
    '%p is refused',
    (text) => {
      expect(refused({ ...PROXY, SALLYPORT_TRUSTED_PROXIES: text })).toMatchObject({
        code: 'config.invalid',
        fix: expect.any(String),
      });
    },
  );
});

test('a name that is not known refuses to start, and the nearest one is shown', () => {
  expect(refused({ SALLYPORT_PROT: '1' }).fix).toContain('SALLYPORT_PORT');
});
