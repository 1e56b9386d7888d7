import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { StreamMeter } from './stream-meter.ts';

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };
const COUNTS = { promptTokens: 11, completionTokens: 7, cachedTokens: 0 };
const HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' };

const delta = (content: string): object => ({
  ...HEAD,
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
});
const finish = (rest: object = {}): object => ({
  ...HEAD,
  choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
  ...rest,
});
const usageOnly = { ...HEAD, choices: [], usage: USAGE };

const words = [
  'Hello',
  ' "usage":{"prompt_tokens":9999}',
  ' wörld 🛰',
  ' data: x\n\ndata: y',
  '',
  ' "error" and "x_groq"',
];
const tokens = words.map(delta);

/** The ways in which providers state usage in a stream, and what the caller sees of each. */
const VARIANTS = {
  'usage chunk': [...tokens, finish(), usageOnly],
  'x_groq only': [...tokens, finish({ x_groq: { id: 'r', usage: USAGE } })],
  mirrored: [...tokens, finish({ x_groq: { id: 'r', usage: USAGE }, usage: USAGE }), usageOnly],
  'null until the end': [
    ...tokens.map((event) => ({ ...event, usage: null })),
    finish({ usage: null }),
    usageOnly,
  ],
  none: [...tokens, finish()],
  failed: [...tokens, finish({ x_groq: { id: 'r', error: 'stopped early', usage: USAGE } })],
  'error event': [...tokens, { error: { message: 'x', type: 'api_error', code: null } }],
} as const;
const names = Object.keys(VARIANTS) as (keyof typeof VARIANTS)[];

interface Form {
  readonly end: string;
  readonly done: boolean;
  readonly comments: boolean;
  readonly space: string;
  /** The last line has no line feed. */
  readonly open: boolean;
}
const form: fc.Arbitrary<Form> = fc.record({
  end: fc.constantFrom('\n', '\r\n'),
  done: fc.boolean(),
  comments: fc.boolean(),
  space: fc.constantFrom(' ', ''),
  open: fc.boolean(),
});

function write(events: readonly object[], { end, done, comments, space, open }: Form): Buffer {
  const lines = events.map((event) => `data:${space}${JSON.stringify(event)}${end}${end}`);
  if (comments) lines.splice(1, 0, `: keep-alive "usage" "error"${end}${end}`);
  if (done) lines.push(`data:${space}[DONE]${end}${end}`);
  const text = lines.join('');
  return Buffer.from(open ? text.slice(0, -2 * end.length) : text);
}

function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((to, index) => bytes.subarray(at[index], to));
}

function run(chunks: readonly Uint8Array[], dropUsageChunk: boolean): { meter: StreamMeter; passed: Buffer } {
  const meter = new StreamMeter({ dropUsageChunk });
  const passed = chunks.map((chunk) => meter.read(chunk));
  return { meter, passed: Buffer.concat([...passed, meter.end()]) };
}

const cuts = fc.oneof(fc.array(fc.nat(100_000), { maxLength: 12 }), fc.constant('every byte' as const));

function pieces(bytes: Buffer, how: readonly number[] | 'every byte'): Buffer[] {
  return how === 'every byte' ? [...bytes].map((byte) => Buffer.from([byte])) : split(bytes, how);
}

test('wherever a stream is cut, its bytes pass unchanged and the same usage is read', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), form, cuts, (name, shape, how) => {
      const bytes = write(VARIANTS[name], shape);
      const { meter, passed } = run(pieces(bytes, how), false);
      expect(passed).toEqual(bytes);
      const stated = name === 'none' || name === 'error event' ? null : COUNTS;
      expect({
        usage: meter.usage,
        failed: meter.failed,
        unreadable: meter.unreadable,
        bytes: meter.bytes,
      }).toEqual({
        usage: stated,
        failed: name === 'failed' || name === 'error event',
        unreadable: false,
        bytes: bytes.length,
      });
      expect(meter.completionTokens()).toBe(run([bytes], false).meter.completionTokens());
    }),
    { numRuns: 400 },
  );
});

test('wherever a stream is cut, the chunk that we asked for is taken out with its blank line, and nothing else', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), form, cuts, (name, shape, how) => {
      const bytes = write(VARIANTS[name], shape);
      const { meter, passed } = run(pieces(bytes, how), true);
      const wanted = VARIANTS[name].filter((event) => event !== usageOnly);
      const removed = wanted.length < VARIANTS[name].length;
      // Where the last line is the one taken out, the line before it keeps its end.
      const kept = removed && shape.open && !shape.done ? { ...shape, open: false } : shape;
      expect(passed.toString()).toBe(write(wanted, kept).toString());
      expect(meter.usage).toEqual(run([bytes], false).meter.usage);
    }),
    { numRuns: 400 },
  );
});

test('each chunk passes as soon as it can: nothing but an unfinished line is held back', () => {
  fc.assert(
    fc.property(form, cuts, (shape, how) => {
      const bytes = write(VARIANTS.none, shape);
      const meter = new StreamMeter({ dropUsageChunk: true });
      let taken = Buffer.alloc(0);
      let passed = 0;
      for (const piece of pieces(bytes, how)) {
        taken = Buffer.concat([taken, piece]);
        passed += meter.read(piece).length;
        expect(passed).toBe(taken.lastIndexOf(10) + 1);
      }
    }),
    { numRuns: 100 },
  );
});

test('without dropping, the very same chunk is passed on', () => {
  const chunk = Buffer.from('data: {"half');
  expect(new StreamMeter({ dropUsageChunk: false }).read(chunk)).toBe(chunk);
});

test('the usage that is stated last wins, and nonsense does not take its place', () => {
  const line = (usage: unknown): string => `data: ${JSON.stringify({ ...HEAD, choices: [{}], usage })}\n\n`;
  const { meter } = run(
    [
      Buffer.from(
        [line({ ...USAGE, completion_tokens: 1 }), line(USAGE), line({ prompt_tokens: -1 }), line(null)].join(
          '',
        ),
      ),
    ],
    false,
  );
  expect(meter.usage).toEqual(COUNTS);
});

test.each([
  'event: usage\n\n',
  ': "usage":{"prompt_tokens":1,"completion_tokens":1}\n\n',
  'id: {"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n',
  'data: {"usage":{"prompt_tokens":1,"completion_tokens":1}\n\n',
  ' data: {"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n',
])('%p states nothing', (text) => {
  const { meter, passed } = run([Buffer.from(text)], true);
  expect({ usage: meter.usage, failed: meter.failed, passed: passed.toString() }).toEqual({
    usage: null,
    failed: false,
    passed: text,
  });
});

test('a line that is too long passes unread, whole and at once, and the stream goes on behind it', () => {
  const long = Buffer.from(
    `data: {"x":"${'y'.repeat(2_300_000)}data: z","usage":${JSON.stringify(USAGE)}}\n\n`,
  );
  const rest = write([delta('a'), usageOnly], {
    end: '\n',
    done: true,
    comments: false,
    space: ' ',
    open: false,
  });
  const bytes = Buffer.concat([long, rest]);
  for (const size of [1000, 65_536, 400_000]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
      bytes.subarray(index * size, (index + 1) * size),
    );
    const kept = run(chunks, false);
    expect(kept.passed.equals(bytes)).toBe(true);
    expect(kept.meter.unreadable).toBe(true);
    expect(kept.meter.usage).toEqual(COUNTS);
    const dropped = run(chunks, true);
    const wanted = write([delta('a')], { end: '\n', done: true, comments: false, space: ' ', open: false });
    expect(dropped.passed.equals(Buffer.concat([long, wanted]))).toBe(true);
    // Between the moment it is too long and its end nothing is held back.
    const meter = new StreamMeter({ dropUsageChunk: true });
    let passed = 0;
    for (const chunk of chunks.slice(0, Math.ceil(1_500_000 / size))) passed += meter.read(chunk).length;
    expect(passed).toBeGreaterThan(1024 * 1024);
  }
});

test('the rest of a line that was too long is not taken for a line of its own', () => {
  const forged = `data: ${JSON.stringify({ choices: [], usage: USAGE, error: 'x' })}\n\n`;
  for (const dropUsageChunk of [false, true]) {
    const { meter, passed } = run(
      [Buffer.from(`data: ${'y'.repeat(1_100_000)}`), Buffer.from(forged)],
      dropUsageChunk,
    );
    expect({ usage: meter.usage, failed: meter.failed, unreadable: meter.unreadable }).toEqual({
      usage: null,
      failed: false,
      unreadable: true,
    });
    expect(passed.toString()).toEndWith(forged);
  }
});

test('the mark of the end is no token, with or without its line feed', () => {
  const event = `data: ${JSON.stringify(delta('word'))}\n\n`;
  const counted = ['', 'data: [DONE]', 'data: [DONE]\n\n'].map((end) =>
    run([Buffer.from(event.repeat(5) + end)], false).meter.completionTokens(),
  );
  expect(new Set(counted)).toEqual(new Set([5]));
});

test('a long line that comes in one piece is read like any other', () => {
  const event = { ...delta('x'.repeat(2_000_000)), usage: USAGE };
  const { meter } = run([Buffer.from(`data: ${JSON.stringify(event)}\n\n`)], false);
  expect(meter.usage).toEqual(COUNTS);
});

test('where events passed, tokens are counted: at least one an event, never zero', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 30 }),
      cuts,
      (texts, how) => {
        const bytes = write(texts.map(delta), {
          end: '\n',
          done: true,
          comments: true,
          space: ' ',
          open: false,
        });
        const { meter } = run(pieces(bytes, how), false);
        const counted = meter.completionTokens();
        expect(counted).toBeGreaterThanOrEqual(texts.length);
        expect(counted).toBeLessThanOrEqual(texts.length + Math.ceil(bytes.length / 4));
        // What is ahead can only add.
        expect(meter.completionTokens(65_536)).toBeGreaterThan(counted);
      },
    ),
    { numRuns: 200 },
  );
});

test('an answer that comes in a few large events is counted by its text', () => {
  const text = 'four'.repeat(1000);
  for (const events of [1, 2, 5]) {
    const bytes = write(
      Array.from({ length: events }, () => delta(text)),
      {
        end: '\n',
        done: false,
        comments: false,
        space: ' ',
        open: false,
      },
    );
    const counted = run([bytes], false).meter.completionTokens();
    expect(counted).toBeWithin(events * 850, events * 1100);
  }
});

test('before anything has passed nothing is counted, but for what is ahead', () => {
  const meter = new StreamMeter({ dropUsageChunk: false });
  meter.read(Buffer.from(': ping\n\ndata: [DONE]\n\n'));
  expect([meter.completionTokens(), meter.completionTokens(400)]).toEqual([0, 100]);
});
