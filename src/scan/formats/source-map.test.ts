import { expect, test } from 'bun:test';
import { sourceName } from './source-map.ts';

test('a source is named as people know the file, whichever bundler wrote the map', () => {
  for (const name of [
    'src/a.ts',
    './src/a.ts',
    '../../src/a.ts',
    'webpack://app/./src/a.ts',
    'webpack:///./src/a.ts',
    'webpack:///src/a.ts?ab12',
    'webpack://_N_E/./src/a.ts',
    'webpack://app/src/a.ts',
    'turbopack:///[project]/src/a.ts',
    'file:///src/a.ts',
    '/src/a.ts',
  ])
    expect(`${name}: ${sourceName(name)}`).toBe(`${name}: src/a.ts`);
  expect(sourceName('a.ts', '../src/')).toBe('src/a.ts');
});
