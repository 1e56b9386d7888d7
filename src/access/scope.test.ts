import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { allows, checkScope, covers, providersOf } from './scope.ts';

// Few letters, so that random scopes and resources meet.
const resource = fc.stringMatching(/^[ab/]{0,4}$/);
const verb = fc.constantFrom('call', 'read', 'keys');
const scope = fc.oneof(
  fc.tuple(verb, resource, fc.constantFrom('', '*')).map(([name, on, star]) => `${name}:${on}${star}`),
  fc.constant('*'),
);
const wanted = fc.tuple(verb, resource).map(([name, on]) => `${name}:${on}`);
const scopes = fc.array(scope, { maxLength: 4 });

test('whoever holds a scope holds everything that a covered scope allows', () => {
  fc.assert(
    fc.property(scopes, scopes, wanted, (held, requested, want) => {
      fc.pre(covers(held, requested) && allows(requested, want));
      expect(allows(held, want)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test('what is not covered allows something that is not held', () => {
  fc.assert(
    fc.property(scopes, scope, (held, requested) => {
      fc.pre(!covers(held, [requested]));
      // The plainest thing it allows, and something that only a pattern as wide as it would allow.
      const plain = requested.replace(/\*$/, '');
      const odd = requested.replace(/\*$/, 'zz9');
      expect(allows([requested], requested.endsWith('*') ? odd : plain)).toBe(true);
      expect(allows(held, requested.endsWith('*') ? odd : plain)).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [['call:groq/a'], ['call:groq/a*'], false],
  [['call:groq/a'], ['call:groq/a'], true],
  [['call:groq/a*'], ['call:groq/a'], true],
  [['call:groq/a*'], ['call:groq/ab*'], true],
  [['call:groq/ab*'], ['call:groq/a*'], false],
  [['call:*'], ['*'], false],
  [['*'], ['*', 'keys:reveal:x'], true],
  [['call:a', 'call:b'], ['call:a', 'call:b', 'call:c'], false],
] as const)('%p covers %p: %p', (held, requested, covered) => {
  expect(covers(held, requested)).toBe(covered);
});

test('covering is reflexive and goes through any number of hands', () => {
  fc.assert(
    fc.property(scopes, scopes, scopes, (a, b, c) => {
      expect(covers(a, a)).toBe(true);
      if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
      expect(covers(a, [])).toBe(true);
      expect(allows([], 'call:a')).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [['call:groq/*'], 'call:groq/openai/gpt-oss-20b', true],
  [['call:groq/openai/gpt-oss-*'], 'call:groq/openai/gpt-oss-20b', true],
  [['call:groq/openai/gpt-oss-*'], 'call:groq/openai/gpt-5', false],
  [['call:groq/openai/gpt-oss-20b'], 'call:groq/openai/gpt-oss-20b-evil', false],
  [['call:groq/*'], 'call:openai/groq/x', false],
  [['call:groq/*'], 'call:Groq/x', false],
  [['call:groq*'], 'call:groqq/x', true],
  [['read:*'], 'call:groq/x', false],
  [['*'], 'keys:reveal:x', true],
  [['keys:read'], 'keys:reveal', false],
] as const)('%p and %p: %p', (held, want, may) => {
  expect(allows(held, want)).toBe(may);
});

test.each([
  '*',
  'call:*',
  'call:groq/*',
  'call:groq/openai/gpt-oss-20b',
  'keys:reveal:groq/chatbot-dev-*',
  'audit:read',
])('%s is a scope', (text) => {
  expect(checkScope(text)).toBe(text);
});

test.each([
  '',
  ':',
  'call:',
  'call',
  '**',
  'call:**',
  'call:*/x',
  'call:gr*q/x',
  'call:groq/x*y*',
  'call:groq/x y',
  'call:groq/x\n',
  'CALL:groq/x',
  'cal1:x',
  'fly:me',
  'call:gröq/x',
  `call:${'x'.repeat(200)}`,
  '!call:x',
])('%p is refused, with what to write instead', (text) => {
  expect(refusalOf(() => checkScope(text))).toMatchObject({ code: 'input.invalid', fix: expect.any(String) });
});

test('a mistyped verb is named', () => {
  expect(refusalOf(() => checkScope('cal:groq/x')).fix).toBe('Did you mean "call"?');
});

test.each([
  [['call:groq/*'], ['groq']],
  [['call:groq/a', 'call:groq/b*'], ['groq']],
  [
    ['call:groq/*', 'call:openai/gpt-5'],
    ['groq', 'openai'],
  ],
  [['call:*'], ['*']],
  [['call:gro*'], ['*']],
  [['*'], ['*']],
  [['read:*', 'keys:groq/x'], []],
] as const)('%p names the providers %p', (held, providers) => {
  expect([...providersOf(held)]).toEqual([...providers]);
});
