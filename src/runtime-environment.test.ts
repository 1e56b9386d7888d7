import { expect, test } from 'bun:test';
import { runtimeEnvironment } from './runtime-environment.ts';

const CLEAN = { PATH: '/bin', HOME: '/h' };

test('an environment that is clean already needs no restart', () => {
  expect(runtimeEnvironment(CLEAN)).toBeNull();
  expect(runtimeEnvironment({ ...CLEAN, NODE_EXTRA_CA_CERTS: '/ca.pem' })).toBeNull();
});

test.each([
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_OPTIONS',
  'NODE_DEBUG',
  'BUN_OPTIONS',
  'BUN_INSPECT',
  'BUN_CONFIG_VERBOSE_FETCH',
  'BUN_CONFIG_MAX_HTTP_REQUESTS',
  'BUN_JSC_dumpOptions',
  'HTTP_PROXY',
  'https_proxy',
  'Https_Proxy',
  'ALL_PROXY',
  'no_proxy',
])('%s is not in force', (name) => {
  expect(runtimeEnvironment({ ...CLEAN, [name]: '1' })).toEqual(CLEAN);
});

test('what is made is clean: a second time nothing is left to do', () => {
  const made = runtimeEnvironment({
    PATH: '/bin',
    NODE_OPTIONS: '--inspect',
    SALLYPORT_PORT: '1',
    EMPTY: '',
  });
  expect(made).toEqual({
    PATH: '/bin',
    SALLYPORT_PORT: '1',
    EMPTY: '',
  });
  expect(runtimeEnvironment(made!)).toBeNull();
});

test('a variable without a value counts as not there', () => {
  expect(runtimeEnvironment({ ...CLEAN, GONE: undefined })).toEqual(CLEAN);
});
