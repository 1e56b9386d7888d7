import { expect, test } from 'bun:test';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

const VALUE = ['hunter2', 'correct', 'horse'].join('-');
const hex = Buffer.from(VALUE).toString('hex');
const list = [...Buffer.from(VALUE)].join(',');

function shows(text: unknown): boolean {
  const seen = String(text);
  return seen.includes('hunter2') || seen.includes(hex) || seen.includes(list) || seen.includes('104, 117');
}

/** What ends up in stderr and stdout of a process that prints the secret in every way. */
function printed(): string {
  const script = `
    import { Secret } from ${JSON.stringify(new URL('secret.ts', import.meta.url).pathname)};
    const secret = Secret.fromText(process.env.VALUE);
    for (const level of ['log', 'error', 'debug', 'dir', 'table', 'trace']) console[level](secret);
    console.log([secret], { secret }, new Map([[secret, secret]]), new Error('x', { cause: secret }));
    console.log('%o %O %j', secret, secret, secret);
    queueMicrotask(() => { throw secret; });
  `;
  const run = Bun.spawnSync([process.execPath, '--no-env-file', '-e', script], { env: { VALUE } });
  return run.stdout.toString() + run.stderr.toString();
}

test('no way of printing, serialising or copying a secret shows its value', () => {
  using secret = Secret.fromText(VALUE);
  const ways: unknown[] = [
    JSON.stringify({ secret, list: [secret] }),
    inspect(secret),
    inspect({ secret }, { depth: 9, showHidden: true, customInspect: false }),
    Bun.inspect(secret),
    format('%s %o', [secret], secret),
    JSON.stringify(Object.assign({}, secret)),
    JSON.stringify(structuredClone({ secret })),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(Object.getOwnPropertyNames(secret)),
    secret.toString(),
    Object.prototype.toString.call(secret),
    inspect(new Error('x', { cause: secret })),
  ];
  expect(ways.filter(shows)).toEqual([]);
  expect(secret.toString()).toBe('[secret]');
});

test('a process that prints a secret, or dies of one, does not show it', () => {
  const text = printed();
  expect(text).toContain('[secret]');
  expect(shows(text)).toBe(false);
});

test('a secret in a template, a sum or a comparison is an error, and the error does not show it', () => {
  const hidden: unknown = Secret.fromText(VALUE);
  const secret = hidden as string;
  for (const use of [
    () => `Bearer ${secret}`,
    () => 'Bearer ' + secret,
    () => 'Bearer '.concat(secret),
    () => String(hidden),
    () => Number(secret),
    () => [secret].join(','),
    () => (secret as unknown) == VALUE, // oxlint-disable-line eqeqeq
    () => ({ [secret]: 1 }),
    () => new Error(secret),
    () => new Headers({ authorization: secret }),
  ]) {
    let thrown: unknown;
    try {
      use();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(TypeError);
    expect(shows(inspect(thrown))).toBe(false);
  }
});

test('the value is lent, not given', () => {
  using secret = Secret.fromText(VALUE);
  expect(secret.revealText((text) => text === VALUE)).toBe(true);
  expect(secret.reveal((bytes) => bytes.length)).toBe(secret.length);
});

test('a disposed secret is wiped and lends nothing any more', () => {
  const bytes = new TextEncoder().encode(VALUE);
  const secret = Secret.take(bytes);
  secret[Symbol.dispose]();
  expect(bytes.every((byte) => byte === 0)).toBe(true);
  expect(() => secret.reveal(() => 0)).toThrow('already wiped');
  expect(() => secret.revealText(() => 0)).toThrow('already wiped');
  secret[Symbol.dispose]();
});

test('leaving a block wipes what it holds with `using`, by an error as well', () => {
  const bytes = new TextEncoder().encode(VALUE);
  expect(() => {
    using held = Secret.take(bytes);
    throw new RangeError(`length ${held.length}`);
  }).toThrow(RangeError);
  expect(bytes.every((byte) => byte === 0)).toBe(true);
});
