import { expect, test } from 'bun:test';
import { createHmac } from 'node:crypto';
import {
  newWebhookSecret,
  signStandardWebhook,
  verifyStandardWebhook,
  verifyWebhookSignature,
} from './webhooks.mjs';

const BODY = '{"type":"budget.paused"}';
const NOW = 1_795_000_000;

function hexOf(payload: string, secret: string): string {
  return createHmac('sha256', secret).update(payload).digest('hex');
}

test('the hex signature of the raw body under the secret is accepted, as text and as bytes, in either case', () => {
  const signature = hexOf(BODY, 'a secret');
  expect(verifyWebhookSignature(BODY, signature, 'a secret')).toBe(true);
  expect(verifyWebhookSignature(Buffer.from(BODY), signature.toUpperCase(), Buffer.from('a secret'))).toBe(
    true,
  );
  expect(verifyWebhookSignature('', hexOf('', 'k'), 'k')).toBe(true);
});

test('whatever else a sender sends is false and never a throw', () => {
  const right = hexOf(BODY, 'a secret');
  const wrong: (string | null | undefined)[] = [
    undefined,
    null,
    '',
    '0',
    right.slice(0, -1),
    right.slice(0, -2),
    `${right}00`,
    `${right} `,
    ` ${right}`,
    `sha256=${right}`,
    right.replace(/^./, (first) => (first === '0' ? '1' : '0')),
    'z'.repeat(64),
    '\u0131'.repeat(64),
    'a'.repeat(1_000_000),
    createHmac('sha256', 'a secret').update(BODY).digest('base64'),
    hexOf(`${BODY} `, 'a secret'),
    hexOf(BODY, 'another secret'),
    hexOf(BODY, ''),
  ];
  for (const signature of wrong) expect(verifyWebhookSignature(BODY, signature, 'a secret')).toBe(false);
  // From JavaScript anything can come.
  for (const signature of [1, {}, [right], Buffer.from(right)])
    expect(verifyWebhookSignature(BODY, signature as never, 'a secret')).toBe(false);
});

test('an empty secret never verifies: it is a mistake of the caller, and says so', () => {
  for (const secret of ['', new Uint8Array(0), undefined, null] as never[]) {
    expect(() => verifyWebhookSignature(BODY, hexOf(BODY, ''), secret)).toThrow('empty');
    expect(() => verifyWebhookSignature(BODY, 'x', secret)).toThrow('empty');
  }
  expect(() => verifyWebhookSignature({ parsed: true } as never, hexOf(BODY, 'k'), 'k')).toThrow('raw body');
});

test('the published vector of Standard Webhooks is signed and verified', () => {
  const secret = ['whsec_', 'MfKQ9r8GKYqrTwjU', 'PD8ILPZIo2LaLaSw'].join('');
  const payload = '{"test": 2432232314}';
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  expect(signStandardWebhook(id, 1_614_265_330, payload, secret)).toBe(signature);
  const headers = { 'webhook-id': id, 'webhook-timestamp': '1614265330', 'webhook-signature': signature };
  expect(verifyStandardWebhook(payload, headers, secret, { nowSeconds: 1_614_265_330 })).toBe(true);
  expect(verifyStandardWebhook(payload, headers, secret)).toBe(false);
});

const secret = newWebhookSecret();
const signed = (id = 'alr_1', at = NOW, key = secret, body = BODY) => ({
  'webhook-id': id,
  'webhook-timestamp': String(at),
  'webhook-signature': signStandardWebhook(id, at, body, key),
});
const verify = (headers: object, keys: string | string[] = secret, body = BODY): boolean =>
  verifyStandardWebhook(body, headers as never, keys, { nowSeconds: NOW });

test('a message is accepted inside the window of replay, either way, and not outside', () => {
  for (const at of [NOW, NOW - 300, NOW + 300]) expect(verify(signed('alr_1', at))).toBe(true);
  for (const at of [NOW - 301, NOW + 301, 0]) expect(verify(signed('alr_1', at))).toBe(false);
  const headers = signed('alr_1', NOW - 20);
  const within = (toleranceSeconds: number) =>
    verifyStandardWebhook(BODY, headers, secret, { nowSeconds: NOW, toleranceSeconds });
  expect([within(20), within(19)]).toEqual([true, false]);
  for (const bad of [0, -1, Number.NaN, Infinity]) expect(() => within(bad)).toThrow('toleranceSeconds');
});

test('while a secret is rotated, either side may have both', () => {
  const next = newWebhookSecret();
  const both = {
    ...signed(),
    'webhook-signature': `${signed()['webhook-signature']} ${signed('alr_1', NOW, next)['webhook-signature']}`,
  };
  expect([verify(both, secret), verify(both, next), verify(signed(), [next, secret])]).toEqual([
    true,
    true,
    true,
  ]);
  expect(verify(both, newWebhookSecret())).toBe(false);
});

test('headers are found in every form that servers have them in, and only once', () => {
  const headers = signed();
  const upper = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]),
  );
  const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const foreign = { get: (name: string) => new Map(Object.entries(headers)).get(name) ?? null };
  expect(verify(foreign)).toBe(true);
  expect([verify(new Headers(headers)), verify(upper), verify(lists)]).toEqual([true, true, true]);
  expect(verify({ ...headers, 'Webhook-Id': 'alr_1' })).toBe(false);
  expect(verify({ ...headers, 'webhook-id': ['alr_1', 'alr_1'] })).toBe(false);
});

test('a changed id, time, body or signature, and everything malformed, is false', () => {
  const good = signed();
  const changes: Record<string, string | undefined>[] = [
    { 'webhook-id': 'alr_2' },
    { 'webhook-id': '' },
    { 'webhook-id': undefined },
    { 'webhook-timestamp': String(NOW + 1) },
    { 'webhook-timestamp': `0${NOW}` },
    { 'webhook-timestamp': `${NOW}.0` },
    { 'webhook-timestamp': 'soon' },
    { 'webhook-timestamp': undefined },
    { 'webhook-signature': '' },
    { 'webhook-signature': undefined },
    { 'webhook-signature': good['webhook-signature'].replace('v1,', 'v1a,') },
    { 'webhook-signature': good['webhook-signature'].slice(3) },
    { 'webhook-signature': good['webhook-signature'].replace('v1,', 'v1,\u00e4') },
    { 'webhook-signature': `${'v1,x '.repeat(100_000)}${good['webhook-signature']}` },
  ];
  expect(verify(good)).toBe(true);
  for (const change of changes) expect(verify({ ...good, ...change })).toBe(false);
  expect(verify(good, secret, `${BODY} `)).toBe(false);
});

test('the same signed bytes cannot be read as another id with another time', () => {
  const body = `${NOW}.rest`;
  const signature = signStandardWebhook('alr_1', NOW - 9999, body, secret);
  const shifted = {
    'webhook-id': `alr_1.${NOW - 9999}`,
    'webhook-timestamp': String(NOW),
    'webhook-signature': signature,
  };
  expect(verify(shifted, secret, 'rest')).toBe(false);
  expect(() => signStandardWebhook('a.b', NOW, BODY, secret)).toThrow('dot');
});

test('a secret that is none, or too short to be one, is never used', () => {
  const bad = ['', 'whsec_', 'whsec_c2hvcnQ=', 'not base64!', 'A'.repeat(200)];
  for (const one of bad) {
    expect(() => verify(signed(), one)).toThrow('webhook secret');
    expect(() => signStandardWebhook('alr_1', NOW, BODY, one)).toThrow('webhook secret');
  }
  expect(() => verify(signed(), [])).toThrow('no secret');
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(verify(signed(), secret.slice('whsec_'.length))).toBe(true);
});
