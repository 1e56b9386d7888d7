import { expect, test } from 'bun:test';
import { newSpanId, newTraceId, parseTraceparent } from './trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

test.each([
  [`00-${TRACE}-${SPAN}-01`, true],
  [`00-${TRACE}-${SPAN}-00`, false],
  [`00-${TRACE}-${SPAN}-03`, true],
  [`00-${TRACE}-${SPAN}-fe`, false],
  // A version of later days: what it says behind the flags is not for us.
  [`cc-${TRACE}-${SPAN}-01`, true],
  [`cc-${TRACE}-${SPAN}-01-what.the-future-will-be`, true],
])('%s is a parent; sampled: %p', (header, sampled) => {
  expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
});

test.each([
  ['no header', null],
  ['an empty one', ''],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['no digits of hex', `00-${TRACE.replace('a', 'g')}-${SPAN}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a long span', `00-${TRACE}-${SPAN}0-01`],
  ['the version that is none', `ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 may say', `00-${TRACE}-${SPAN}-01-more`],
  ['a dash at the end', `00-${TRACE}-${SPAN}-01-`],
  ['flags without a dash', `cc-${TRACE}-${SPAN}-01what`],
  ['two headers', `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`],
  ['space around it', ` 00-${TRACE}-${SPAN}-01`],
  ['a line feed behind it', `00-${TRACE}-${SPAN}-01\n`],
  ['a line feed further behind it', `cc-${TRACE}-${SPAN}-01-\nx`],
  ['no end', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(5000)}`],
])('no parent: %s', (_, header) => {
  expect(parseTraceparent(header)).toBeNull();
});

test('ids of our own are such that a parent could have them', () => {
  expect(parseTraceparent(`00-${newTraceId()}-${newSpanId()}-01`)).not.toBeNull();
  expect(newTraceId()).not.toBe(newTraceId());
});
