import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { inTheWay, setVariables } from './env-text.ts';

const never = (): boolean => false;
const always = (): boolean => true;
const A = { A: 'https://x.example:1/p' };

function set(text: string, mayReplace = always): string {
  expect(inTheWay(text, A, mayReplace)).toEqual([]);
  return setVariables(text, A);
}

describe('a variable', () => {
  test.each([
    ['', 'A=https://x.example:1/p\n'],
    ['B=1', 'B=1\nA=https://x.example:1/p\n'],
    ['B=1\n', 'B=1\nA=https://x.example:1/p\n'],
    ['B=1\r\n', 'B=1\r\nA=https://x.example:1/p\r\n'],
    ['# A=no\nAA=1\n', '# A=no\nAA=1\nA=https://x.example:1/p\n'],
  ])('is added at the end of %j', (before, after) => {
    expect(set(before, never)).toBe(after);
  });

  test.each([
    ['B=1\nA=old\nC=2\n', 'B=1\nA=https://x.example:1/p\nC=2\n'],
    ['export A = "old" # why\nC=2', 'export A=https://x.example:1/p\nC=2'],
    ['A=one\nB=1\nA=two\n', 'B=1\nA=https://x.example:1/p\n'],
    ['A="one\nB=not a variable\n"\nC=2\n', 'A=https://x.example:1/p\nC=2\n'],
    [String.raw`A="a\"b"` + '\nC=2\n', 'A=https://x.example:1/p\nC=2\n'],
    ['A="never closed\nC=2\n', 'A=https://x.example:1/p\nC=2\n'],
    ['A=\n', 'A=https://x.example:1/p\n'],
  ])('takes the place of what %j has', (before, after) => {
    expect(set(before)).toBe(after);
  });

  test('inside a text of several lines is none', () => {
    const text = "KEY='line\nA=inside\n'\n";
    expect(set(text, never)).toBe(`${text}A=https://x.example:1/p\n`);
  });
});

describe('a value that is there', () => {
  test('stays, and is named, unless it may be replaced', () => {
    expect(inTheWay('A=old\n', A, never)).toEqual(['A']);
    expect(inTheWay('A="old"\n', A, (value) => value === 'old')).toEqual([]);
    expect(inTheWay('A=1 # A real key\n', A, (value) => value === '1')).toEqual([]);
    expect(inTheWay(`A=${A.A}\n`, { A: null }, never)).toEqual(['A']);
  });

  test('one of two is enough to be in the way', () => {
    expect(inTheWay('A=old\nA=https://x.example:1/p\n', A, never)).toEqual(['A']);
  });

  test('that is the same is no change of value', () => {
    expect(set('A="https://x.example:1/p"\n', never)).toBe('A=https://x.example:1/p\n');
  });
});

test('a value that would need quotes is a defect, not a broken file', () => {
  expect(() => setVariables('', { A: 'a b' })).toThrow(TypeError);
});

test('other lines stay byte for byte, and a second time changes nothing', () => {
  const line = fc.constantFrom('B=1', '# a', '', 'C="x y"', 'export D=3', "E='a # b'", 'A=old', 'A="old"');
  fc.assert(
    fc.property(fc.array(line), fc.constantFrom('\n', '\r\n'), (all, newline) => {
      const before = all.map((one) => one + newline).join('');
      const after = set(before);
      const others = (text: string): string[] => text.split('\n').filter((one) => !one.startsWith('A='));
      expect(others(after)).toEqual(others(before));
      expect(after.match(/^A=/gm)).toHaveLength(1);
      expect(set(after, never)).toBe(after);
    }),
  );
});
