import { expect, test } from 'bun:test';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { refusalOf } from '../test/support/refusal.ts';
import { readWatching } from './watch-config.ts';
import { defaultDataFolder, type Environment, type Flags, readConfig, VARIABLES } from './config.ts';

const HOME = { HOME: '/home/ann' };
const read = (environment: Environment = {}, flags: Flags = {}): ReturnType<typeof readConfig> =>
  readConfig(flags, { ...HOME, ...environment });

test('without a word everything has a safe default', () => {
  expect(read()).toEqual({
    settings: {
      data: '/home/ann/.sallyport',
      host: '127.0.0.1',
      adminHost: '127.0.0.1',
      tls: null,
      trustedProxies: [],
      port: 4141,
      adminPort: 4142,
      logLevel: 'info',
      maxBodyBytes: 10_485_760,
      maxBodiesBytes: 268_435_456,
      maxCalls: 2000,
      strict: false,
      requestSeconds: 30,
      pricesFile: null,
      times: { firstByteMs: 600_000, idleMs: 300_000, stallMs: 120_000, totalMs: 3_600_000 },
      telemetry: { callLog: 'off', otlp: null },
      drainMs: 30_000,
      ...readWatching(undefined, {}),
    },
    secrets: {
      rootKey: { kind: 'file', path: '/home/ann/.sallyport/root.key', chosen: false },
      otlpHeaders: null,
    },
  });
});

test('every variable that is listed is read', () => {
  const { settings, secrets } = read({
    SALLYPORT_DATA: '/d',
    SALLYPORT_HOST: '::1',
    SALLYPORT_PORT: '1',
    SALLYPORT_ADMIN_PORT: '2',
    SALLYPORT_ROOT_KEY_FILE: '/k',
    SALLYPORT_LOG_LEVEL: 'debug',
    SALLYPORT_CALL_LOG: 'stdout',
    SALLYPORT_MAX_BODY_BYTES: '1024',
    SALLYPORT_MAX_BODIES_BYTES: '2048',
    SALLYPORT_MAX_CALLS: '12',
    SALLYPORT_DURABILITY: 'strict',
    SALLYPORT_REQUEST_SECONDS: '9',
    SALLYPORT_FIRST_BYTE_SECONDS: '3',
    SALLYPORT_IDLE_SECONDS: '4',
    SALLYPORT_STALL_SECONDS: '5',
    SALLYPORT_TOTAL_SECONDS: '6',
    SALLYPORT_DRAIN_SECONDS: '7',
  });
  expect({ ...settings, ...secrets }).toEqual({
    data: '/d',
    host: '::1',
    adminHost: '::1',
    tls: null,
    trustedProxies: [],
    port: 1,
    adminPort: 2,
    rootKey: { kind: 'file', path: '/k', chosen: true },
    otlpHeaders: null,
    logLevel: 'debug',
    maxBodyBytes: 1024,
    maxBodiesBytes: 2048,
    maxCalls: 12,
    strict: true,
    requestSeconds: 9,
    pricesFile: null,
    times: { firstByteMs: 3000, idleMs: 4000, stallMs: 5000, totalMs: 6000 },
    telemetry: { callLog: 'stdout', otlp: null },
    drainMs: 7000,
    ...readWatching(undefined, {}),
  });
  // Other files test those of the listener (config-network), of what is watched (watch-config) and of OpenTelemetry (telemetry-config).
  expect(Object.keys(VARIABLES)).toHaveLength(36);
});

test('a flag wins over a variable', () => {
  const { settings } = read(
    { SALLYPORT_DATA: '/d', SALLYPORT_PORT: '1', SALLYPORT_ADMIN_PORT: '2' },
    { data: '/e', port: '3', adminPort: '4' },
  );
  expect(settings).toMatchObject({ data: '/e', port: 3, adminPort: 4 });
});

test('paths are absolute, wherever it is started', () => {
  const { settings, secrets } = read({ SALLYPORT_DATA: 'some/folder', SALLYPORT_ROOT_KEY_FILE: 'key' });
  expect(settings.data).toBe(join(process.cwd(), 'some/folder'));
  expect(secrets.rootKey).toMatchObject({ kind: 'file', path: join(process.cwd(), 'key') });
  const path = join(process.cwd(), 'x', 'root.key');
  expect(read({}, { data: 'x' }).secrets.rootKey).toMatchObject({ kind: 'file', path });
});

test('without a home the user’s own is found', () => {
  expect(defaultDataFolder({})).toBe(join(homedir(), '.sallyport'));
  expect(defaultDataFolder({ HOME: '' })).toBe(join(homedir(), '.sallyport'));
  expect(defaultDataFolder({ HOME: '/h', SALLYPORT_DATA: '/d' })).toBe('/d');
});

test('localhost means the IPv4 loopback, and two free ports may be asked for', () => {
  expect(read({ SALLYPORT_HOST: 'localhost' }).settings.host).toBe('127.0.0.1');
  expect(read({}, { port: '0', adminPort: '0' }).settings).toMatchObject({ port: 0, adminPort: 0 });
});

test.each<[string, Environment, Flags?]>([
  ['an address that others can reach', { SALLYPORT_HOST: '0.0.0.0' }],
  ['every address', { SALLYPORT_HOST: '::' }],
  ['a name that looks like loopback', { SALLYPORT_HOST: 'localhost.evil.example' }],
  ['one port for both', { SALLYPORT_PORT: '5', SALLYPORT_ADMIN_PORT: '5' }],
  ['a port that is the other’s default', { SALLYPORT_PORT: '4142' }],
  ['a port by flag that is the other’s', { SALLYPORT_ADMIN_PORT: '9' }, { port: '9' }],
  ['a port out of range', { SALLYPORT_PORT: '65536' }],
  ['a negative port', {}, { port: '-1' }],
  ['no number', {}, { port: 'http' }],
  ['a number with a unit', { SALLYPORT_IDLE_SECONDS: '5m' }],
  ['a fraction', { SALLYPORT_IDLE_SECONDS: '0.5' }],
  ['an exponent', { SALLYPORT_MAX_BODY_BYTES: '1e6' }],
  ['hexadecimal', { SALLYPORT_PORT: '0x10' }],
  ['a space', { SALLYPORT_PORT: ' 80' }],
  ['less time for a request than the runtime can tell', { SALLYPORT_REQUEST_SECONDS: '3' }],
  ['more time for a request than the runtime can tell', { SALLYPORT_REQUEST_SECONDS: '256' }],
  ['no time at all', { SALLYPORT_TOTAL_SECONDS: '0' }],
  ['more than a day', { SALLYPORT_TOTAL_SECONDS: '86401' }],
  ['a body limit below a kilobyte', { SALLYPORT_MAX_BODY_BYTES: '1023' }],
  ['a body limit beyond a gigabyte', { SALLYPORT_MAX_BODY_BYTES: '1073741825' }],
  ['an unknown level', { SALLYPORT_LOG_LEVEL: 'verbose' }],
  ['a level in capitals', { SALLYPORT_LOG_LEVEL: 'INFO' }],
  ['a log of calls that goes nowhere', { SALLYPORT_CALL_LOG: '/var/log/calls' }],
  ['a log of calls that is on', { SALLYPORT_CALL_LOG: '1' }],
  ['a durability that there is not', { SALLYPORT_DURABILITY: 'always' }],
  ['an unknown variable', { SALLYPORT_BUDGET: '5' }],
  ['an empty data folder', { SALLYPORT_DATA: '' }],
  ['an empty data folder by flag', {}, { data: '' }],
  ['an empty root key file', { SALLYPORT_ROOT_KEY_FILE: '' }],
  ['an empty port', { SALLYPORT_PORT: '' }],
  ['an empty host', { SALLYPORT_HOST: '' }],
])('refuses to start, and says what to do: %s', (_, environment, flags = {}) => {
  expect(refusalOf(() => read(environment, flags))).toMatchObject({
    code: 'config.invalid',
    fix: expect.any(String),
  });
});

test('a mistyped variable is named with the one that was meant', () => {
  expect(refusalOf(() => read({ SALLYPORT_PROT: '5' })).fix).toBe('Did you mean "SALLYPORT_PORT"?');
});

test('variables of others, and of the test hooks, are no concern', () => {
  expect(() =>
    read({
      PATH: '/bin',
      SALLY: 'x',
      SALLYPORT_ADMIN_TOKEN: 'x',
      SALLYPORT_FAILPOINT: '',
      SALLYPORT_FAILPOINT_MARKER: 'm',
    }),
  ).not.toThrow();
});

test('room for bodies is room for two of the largest at least: half of it is one token’s', () => {
  const large = { SALLYPORT_MAX_BODY_BYTES: String(200 * 1024 ** 2) };
  expect(read(large).settings.maxBodiesBytes).toBe(400 * 1024 ** 2);
  expect(refusalOf(() => read({ ...large, SALLYPORT_MAX_BODIES_BYTES: '268435456' }))).toMatchObject({
    code: 'config.invalid',
    fix: expect.stringContaining('from 419430400'),
  });
});
