import { expect, test } from 'bun:test';
import { nearestName, suggest } from './nearest.ts';

const KNOWN = ['dev', 'test', 'staging', 'prod'];

test.each([
  ['prd', 'prod'],
  ['PROD', 'prod'],
  ['stagign', 'staging'],
  ['stging', 'staging'],
  ['tset', undefined],
  ['qa', undefined],
  ['', undefined],
  ['production', undefined],
])('%p was probably meant as %p', (name, meant) => {
  expect(nearestName(name, KNOWN)).toBe(meant);
});

test('of two the nearer one is named, and a very long name is not compared at all', () => {
  expect(nearestName('staging-eu', ['staging-us', 'staging-eu1'])).toBe('staging-eu1');
  expect(nearestName('x'.repeat(65), ['x'.repeat(65)])).toBeUndefined();
  expect(suggest('prd', KNOWN, 'Add it.')).toBe('Did you mean "prod"?');
  expect(suggest('zzz', KNOWN, 'Add it.')).toBe('Add it.');
});
