import { expect, test } from 'bun:test';
import { inspect } from 'node:util';
import { refusalOf } from '../../../test/support/refusal.ts';
import { OtlpHeaders } from './headers.ts';

const VALUE = ['credential', 'of', 'a', 'receiver'].join('-');

test.each([
  [`Authorization=Bearer ${VALUE}`, { authorization: `Bearer ${VALUE}` }],
  [`authorization=Bearer%20${VALUE}, x-org = 7 `, { authorization: `Bearer ${VALUE}`, 'x-org': '7' }],
  ['a=b==,c=%2C', { a: 'b==', c: ',' }],
])('%s is read', (text, headers) => {
  expect(OtlpHeaders.parse('X', text).reveal((read) => ({ ...read }))).toEqual(headers);
});

test.each([
  '',
  ',',
  'authorization',
  `=${VALUE}`,
  'authorization=',
  `authorization=${VALUE},`,
  `two words=${VALUE}`,
  `a=${VALUE}%0d%0ahost: evil`,
  `a=${VALUE}\nhost: evil`,
  `a=${VALUE}%00`,
  `a=${VALUE}%`,
  `a=${VALUE}ü`,
  `a=${VALUE},A=${VALUE}`,
  `content-type=${VALUE}`,
  `Host=${VALUE}`,
])('%p is refused, and what it holds is not repeated', (text) => {
  const refusal = refusalOf(() => OtlpHeaders.parse('X', text));
  expect(refusal).toMatchObject({ code: 'config.invalid', fix: expect.any(String) });
  expect(inspect(refusal)).not.toContain(VALUE);
});

test('they cannot be printed', () => {
  const headers = OtlpHeaders.parse('X', `authorization=${VALUE}`);
  expect(`${inspect(headers)}${JSON.stringify(headers)}`).not.toContain(VALUE);
});
