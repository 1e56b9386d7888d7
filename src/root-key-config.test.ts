import { describe, expect, test } from 'bun:test';
import { readConfig } from './config.ts';
import type { SallyportError } from './core/errors.ts';

const DATA = '/data';
const source = (variables: Record<string, string>, passphrase = false) =>
  readConfig({ data: DATA, passphrase }, variables).secrets.rootKey;

test('without a setting, the root key is a file in the data folder', () => {
  expect(source({})).toEqual({ kind: 'file', path: '/data/root.key', chosen: false });
  expect(source({ SALLYPORT_ROOT_KEY_FILE: '/run/key' })).toEqual({
    kind: 'file',
    path: '/run/key',
    chosen: true,
  });
});

test('one other source may be named', () => {
  expect(source({ SALLYPORT_ROOT_KEY: 'text' }).kind).toBe('env');
  expect(source({ SALLYPORT_PASSPHRASE_FILE: '/run/pass' })).toEqual({
    kind: 'passphrase-file',
    path: '/run/pass',
  });
  expect(source({}, true)).toEqual({ kind: 'prompt' });
});

test('the text of a root key cannot be printed with the configuration', () => {
  const text = ['sallyport-root', 'key-1:x'].join('-');
  const config = readConfig({ data: DATA }, { SALLYPORT_ROOT_KEY: text });
  expect(JSON.stringify(config) + Bun.inspect(config)).not.toContain(text);
});

describe('two sources refuse to start', () => {
  const variables = ['SALLYPORT_ROOT_KEY', 'SALLYPORT_ROOT_KEY_FILE', 'SALLYPORT_PASSPHRASE_FILE'];
  const pairs = [...variables, '--passphrase'].flatMap((other, index, all) =>
    all.slice(0, index).map((one) => [one, other]),
  );

  test.each(pairs)('%s and %s', (one = '', other = '') => {
    const given = Object.fromEntries(
      [one, other].filter((name) => name !== '--passphrase').map((name) => [name, 'secret-value']),
    );
    let error: SallyportError | undefined;
    try {
      source(given, other === '--passphrase');
    } catch (thrown) {
      error = thrown as SallyportError;
    }
    expect(error?.code).toBe('config.invalid');
    expect(error?.message).toContain(one);
    expect(error?.message).toContain(other);
    expect(error?.message).not.toContain('secret-value');
  });

  test('and so does an empty one', () => {
    expect(() => source({ SALLYPORT_ROOT_KEY: '' })).toThrow('SALLYPORT_ROOT_KEY is empty');
  });
});
