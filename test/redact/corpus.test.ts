/** The redactor over the scanner's corpus: every kind of key in every kind of file. What the scanner finds as it stands is taken out, in pieces too. */
import { expect, test } from 'bun:test';
import { findSecrets } from '../../src/detect/detect.ts';
import { createRedactor, redactText } from '../../src/redact/redact.ts';
import { cut, randomFrom } from '../../src/redact/test-fixtures.ts';
import { CARRIERS } from '../scan/corpus/carriers.ts';
import { Random } from '../scan/corpus/random.ts';
import { SHAPES } from '../scan/corpus/shapes.ts';

/** Of those that the scanner finds. What looks like a hash, and is called a key only behind it, is not waited for. */
const AIM = 0.998;

test('what the scanner finds in a file is taken out of it, and the same in pieces', () => {
  const random = new Random(7);
  const sizes = randomFrom(7);
  const redactor = createRedactor();
  let [found, left] = [0, 0];
  const examples: string[] = [];
  for (const shape of SHAPES) {
    for (const carrier of CARRIERS) {
      const key = shape.make(random);
      const text = carrier.write({ key, name: shape.name, vendor: shape.vendor, random });
      const bytes = Buffer.from(text);
      const hits = findSecrets(bytes).map(({ start, end }) => bytes.toString('utf8', start, end));
      const whole = redactText(text);
      if (sizes(4) === 0) {
        const pieces = cut(text, 6, sizes).map((piece) => redactor.push(piece));
        const joined = pieces.join('') + redactor.end();
        if (joined !== whole) expect([text, joined]).toEqual([text, whole]);
      }
      if (!hits.some((hit) => hit.includes(key))) continue;
      found += 1;
      if (!whole.includes(key)) continue;
      left += 1;
      examples.push(`${shape.rule} in ${carrier.name}`);
    }
  }
  expect(found).toBeGreaterThan(8000);
  if (left > found * (1 - AIM)) expect(examples).toEqual([]);
});
