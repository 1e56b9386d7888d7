import { expect, test } from 'bun:test';
import { findProvider, providerIds } from './catalog.ts';

test('every row can be put into an address, and its origin is https', () => {
  const ids = providerIds();
  expect(ids).toContain('groq');
  for (const id of ids) {
    const row = findProvider(id)!;
    expect(id).toMatch(/^[a-z0-9]+$/);
    expect(new URL(row.origin).origin).toBe(row.origin);
    expect(row.origin).toStartWith('https://');
    expect(row.basePath).toMatch(/^(?:\/[a-z0-9]+)+$/);
    expect(row.keysUrl).toStartWith('https://');
  }
});

test('no header that identifies the caller, or a browser, may pass to a provider', () => {
  const passing = providerIds().flatMap((id) => findProvider(id)!.requestHeaders);
  expect(passing.filter((name) => name !== name.toLowerCase())).toEqual([]);
  for (const name of [
    'authorization',
    'cookie',
    'x-api-key',
    'host',
    'origin',
    'x-forwarded-for',
    'content-length',
  ]) {
    expect(passing).not.toContain(name);
  }
});

test('what is not in the table is no provider', () => {
  for (const id of ['', 'Groq', 'constructor', '__proto__', 'toString'])
    expect(findProvider(id)).toBeUndefined();
});
