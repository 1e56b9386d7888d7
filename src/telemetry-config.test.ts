import { expect, test } from 'bun:test';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { tempFolder } from '../test/support/harness.ts';
import { refusalOf } from '../test/support/refusal.ts';
import { readConfig } from './config.ts';

const VALUE = ['credential', 'of', 'a', 'receiver'].join('-');
const ENDPOINT = { SALLYPORT_OTLP_ENDPOINT: 'https://otlp.example.com' };

const read = (variables: Readonly<Record<string, string>>) =>
  readConfig({}, { SALLYPORT_DATA: '/data', ...variables });

test('nothing is sent anywhere unless an endpoint is set', () => {
  expect(read({}).settings.telemetry).toEqual({ callLog: 'off', otlp: null });
  expect(read({}).secrets.otlpHeaders).toBeNull();
});

test('an endpoint is enough; everything else has a default', () => {
  expect(read(ENDPOINT).settings.telemetry.otlp).toEqual({
    endpoint: 'https://otlp.example.com',
    traces: true,
    metrics: true,
    sampleRatio: 1,
    metricsEveryMs: 60_000,
  });
});

test('every variable is read, and headers are a secret', () => {
  const config = read({
    SALLYPORT_OTLP_ENDPOINT: 'http://[::1]:4318/tenant/',
    SALLYPORT_OTLP_SIGNALS: 'metrics, traces',
    SALLYPORT_OTLP_SAMPLE_RATIO: '0.05',
    SALLYPORT_OTLP_METRICS_SECONDS: '5',
    SALLYPORT_OTLP_HEADERS: `authorization=Bearer ${VALUE}`,
  });
  expect(config.settings.telemetry.otlp).toEqual({
    endpoint: 'http://[::1]:4318/tenant',
    traces: true,
    metrics: true,
    sampleRatio: 0.05,
    metricsEveryMs: 5000,
  });
  expect(config.secrets.otlpHeaders?.reveal((headers) => headers['authorization'])).toBe(`Bearer ${VALUE}`);
  expect(`${inspect(config, { depth: 9 })}${JSON.stringify(config)}`).not.toContain(VALUE);
});

test('headers may be in a file that nobody else can read', () => {
  const folder = tempFolder();
  try {
    const file = join(folder, 'headers');
    writeFileSync(file, `authorization=Bearer ${VALUE}\n`, { mode: 0o600 });
    const variables = { ...ENDPOINT, SALLYPORT_OTLP_HEADERS_FILE: file };
    const { otlpHeaders } = read(variables).secrets;
    expect(otlpHeaders?.reveal((headers) => ({ ...headers }))).toEqual({ authorization: `Bearer ${VALUE}` });
    const both = { ...variables, SALLYPORT_OTLP_HEADERS: 'a=b' };
    expect(refusalOf(() => read(both)).message).toContain('both set');
    chmodSync(file, 0o644);
    expect(refusalOf(() => read(variables))).toMatchObject({
      code: 'config.invalid',
      fix: expect.any(String),
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['http://127.0.0.1:4318', 'http://localhost:4318', 'http://127.8.9.10', 'http://[::1]:4318'])(
  '%s stays on this machine, so it may be plain',
  (endpoint) => {
    expect(read({ SALLYPORT_OTLP_ENDPOINT: endpoint }).settings.telemetry.otlp?.endpoint).toBe(endpoint);
  },
);

test('plain http beyond this machine has to be allowed', () => {
  const plain = { SALLYPORT_OTLP_ENDPOINT: 'http://10.0.3.7:4318' };
  expect(refusalOf(() => read(plain)).fix).toContain('SALLYPORT_OTLP_INSECURE=1');
  const allowed = read({ ...plain, SALLYPORT_OTLP_INSECURE: '1' });
  expect(allowed.settings.telemetry.otlp?.endpoint).toBe('http://10.0.3.7:4318');
});

test.each<[string, Readonly<Record<string, string>>]>([
  ['headers without an endpoint', { SALLYPORT_OTLP_HEADERS: 'a=b' }],
  ['a file of headers without an endpoint', { SALLYPORT_OTLP_HEADERS_FILE: '/nonexistent' }],
  ['a file of headers that is not there', { ...ENDPOINT, SALLYPORT_OTLP_HEADERS_FILE: '/nonexistent' }],
  ['signals without an endpoint', { SALLYPORT_OTLP_SIGNALS: 'traces' }],
  ['a ratio without an endpoint', { SALLYPORT_OTLP_SAMPLE_RATIO: '1' }],
  ['a pace without an endpoint', { SALLYPORT_OTLP_METRICS_SECONDS: '5' }],
  ['a permission without an endpoint', { SALLYPORT_OTLP_INSECURE: '1' }],
  ['an empty endpoint', { SALLYPORT_OTLP_ENDPOINT: '' }],
  ['no URL', { SALLYPORT_OTLP_ENDPOINT: 'otlp.example.com:4318' }],
  ['another protocol', { SALLYPORT_OTLP_ENDPOINT: 'grpc://otlp.example.com' }],
  ['a user in the URL', { SALLYPORT_OTLP_ENDPOINT: `https://user:${VALUE}@otlp.example.com` }],
  ['a query in the URL', { SALLYPORT_OTLP_ENDPOINT: `https://otlp.example.com/?token=${VALUE}` }],
  ['the path of a signal', { SALLYPORT_OTLP_ENDPOINT: 'https://otlp.example.com/v1/traces' }],
  ['a name that looks like this machine', { SALLYPORT_OTLP_ENDPOINT: 'http://localhost.example.com' }],
  ['a permission for https', { ...ENDPOINT, SALLYPORT_OTLP_INSECURE: '1' }],
  ['a permission that is neither', { ...ENDPOINT, SALLYPORT_OTLP_INSECURE: 'yes' }],
  ['an unknown signal', { ...ENDPOINT, SALLYPORT_OTLP_SIGNALS: 'traces,logs' }],
  ['a signal twice', { ...ENDPOINT, SALLYPORT_OTLP_SIGNALS: 'traces,traces' }],
  ['a ratio above one', { ...ENDPOINT, SALLYPORT_OTLP_SAMPLE_RATIO: '1.1' }],
  ['a ratio in percent', { ...ENDPOINT, SALLYPORT_OTLP_SAMPLE_RATIO: '5%' }],
  ['a pace of zero', { ...ENDPOINT, SALLYPORT_OTLP_METRICS_SECONDS: '0' }],
  [
    'a ratio of no traces',
    { ...ENDPOINT, SALLYPORT_OTLP_SIGNALS: 'metrics', SALLYPORT_OTLP_SAMPLE_RATIO: '1' },
  ],
  [
    'a pace of no metrics',
    { ...ENDPOINT, SALLYPORT_OTLP_SIGNALS: 'traces', SALLYPORT_OTLP_METRICS_SECONDS: '9' },
  ],
  ['headers that are none', { ...ENDPOINT, SALLYPORT_OTLP_HEADERS: VALUE }],
])('refuses to start, says what to do, and repeats no secret: %s', (_, variables) => {
  const refusal = refusalOf(() => read(variables));
  expect(refusal).toMatchObject({ code: 'config.invalid', fix: expect.any(String) });
  expect(inspect(refusal)).not.toContain(VALUE);
});
