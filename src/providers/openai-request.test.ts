import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf } from '../../test/support/refusal.ts';
import { splice } from '../core/splice.ts';
import { readChat } from '../fake/request.ts';
import { MODELS } from '../fake/rates.ts';
import { capEdit, includeUsageEdit, readChatRequest } from './openai-request.ts';

const MODEL = 'openai/gpt-oss-20b';
const messages = [{ role: 'user', content: 'hi' }];
const bytesOf = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
const read = (change: object = {}): ReturnType<typeof readChatRequest> =>
  readChatRequest(bytesOf({ model: MODEL, messages, ...change }));

test('a plain request asks for one answer without a cap, and uses nothing special', () => {
  const { places: _places, promptTokens, ...asked } = read();
  expect(asked).toEqual({
    model: MODEL,
    stream: false,
    includeUsage: false,
    outputCap: null,
    choices: 1,
    features: [],
    user: null,
  });
  expect(promptTokens).toBe(bytesOf({ model: MODEL, messages }).length + 16 + 64);
});

test.each<[object, number | null]>([
  [{ max_completion_tokens: 5 }, 5],
  [{ max_tokens: 6 }, 6],
  [{ max_tokens: 6, max_completion_tokens: 5 }, 6],
  [{ max_tokens: 5, max_completion_tokens: 6 }, 6],
  [{ max_tokens: null, max_completion_tokens: 6 }, 6],
  [{ max_tokens: 7, max_completion_tokens: null }, 7],
  [{ max_tokens: null, max_completion_tokens: null }, null],
])('with %j the output cap is %p', (change, cap) => {
  expect(read(change).outputCap).toBe(cap);
});

test.each<[object, object]>([
  [{ stream: true }, { stream: true }],
  [{ stream: null }, { stream: false }],
  [{ n: 3 }, { choices: 3 }],
  [{ n: null }, { choices: 1 }],
  [{ stream_options: null }, { includeUsage: false }],
  [{ stream_options: {} }, { includeUsage: false }],
  [{ stream_options: { include_usage: null } }, { includeUsage: false }],
  [{ stream_options: { include_usage: false } }, { includeUsage: false }],
  [{ stream_options: { include_usage: true, x: 1 } }, { includeUsage: true }],
  [{ user: 'ann' }, { user: 'ann' }],
  [{ user: 'ann', safety_identifier: 'bob' }, { user: 'bob' }],
  [{ user: 'ann', safety_identifier: '' }, { user: 'ann' }],
  [{ user: 7, safety_identifier: null }, { user: null }],
  [{ user: 'x'.repeat(1000) }, { user: 'x'.repeat(256) }],
  [{ tools: null, service_tier: null, modalities: null, audio: null, prediction: null }, { features: [] }],
  [{ tools: [{ type: 'function' }, { type: 'custom' }], modalities: ['text'] }, { features: [] }],
  [{ messages: [{ role: 'assistant', content: null }, { role: 'tool' }] }, { features: [] }],
  [{ temperature: 0.5, seed: 1, response_format: {}, unknown_field: { a: [1] } }, { features: [] }],
])('%j is read as %j', (change, expected) => {
  expect(read(change)).toMatchObject(expected);
});

const parts = (...types: unknown[]): object => ({ messages: [{ role: 'user', content: types }] });

test.each<[object, string[]]>([
  [{ tools: [{ type: 'browser_search' }] }, ['tool:browser_search']],
  [{ tools: [{ type: 'function' }, { type: 'mcp' }, { type: 'mcp' }] }, ['tool:mcp']],
  [{ tools: [{}, null, 'x', { type: 7 }] }, ['tool:unknown']],
  [{ tools: [{ type: '<script>x y' }] }, ['tool:scriptxy']],
  [{ service_tier: 'priority' }, ['service_tier:priority']],
  [{ service_tier: 'performance' }, ['service_tier:performance']],
  [{ service_tier: 5 }, ['service_tier:unknown']],
  [{ service_tier: 'flex' }, []],
  [{ web_search_options: {} }, ['web_search_options']],
  [{ compound_custom: {} }, ['compound_custom']],
  [{ search_settings: {} }, ['search_settings']],
  [{ audio: { voice: 'x' } }, ['audio']],
  [{ prediction: { type: 'content' } }, ['prediction']],
  [{ modalities: ['text', 'audio'] }, ['modalities']],
  [{ modalities: 'text' }, ['modalities']],
  [parts({ type: 'input_audio' }), ['content:input_audio']],
  [parts({ type: 'file' }, { type: 'video_url' }), ['content:file', 'content:video_url']],
  [parts({}), ['content:unknown']],
  [parts('bare text', null), ['content:string', 'content:object']],
  [parts({ type: 'text', text: 'x' }, { type: 'refusal' }), []],
  [parts({ type: 'image_url', image_url: { url: 'https://x/y.png' } }), []],
])('%j uses %j', (change, features) => {
  expect(read(change).features).toEqual(features);
});

test('an image has no bound but the context of the model', () => {
  expect(read(parts({ type: 'image_url', image_url: { url: 'data:,' } })).promptTokens).toBe(Infinity);
});

test.each<[string, string]>([
  ['no model', JSON.stringify({ messages })],
  ['a model that is no text', JSON.stringify({ model: 5, messages })],
  ['an empty model', JSON.stringify({ model: '', messages })],
  ['a model with a space', JSON.stringify({ model: 'a b', messages })],
  ['a model with a line break', JSON.stringify({ model: 'a\nb', messages })],
  ['a model with a NUL', JSON.stringify({ model: 'a\0b', messages })],
  ['a very long model', JSON.stringify({ model: 'x'.repeat(201), messages })],
  ['no messages', JSON.stringify({ model: MODEL })],
  ['messages that are no list', JSON.stringify({ model: MODEL, messages: {} })],
  ['a message that is no object', JSON.stringify({ model: MODEL, messages: ['x'] })],
  ['a message that is null', JSON.stringify({ model: MODEL, messages: [null] })],
  [
    'content that is an object',
    JSON.stringify({ model: MODEL, messages: [{ content: { type: 'image_url' } }] }),
  ],
  ['content that is a number', JSON.stringify({ model: MODEL, messages: [{ content: 5 }] })],
  ...(['0', '-1', '1.5', '"5"', 'true', '[]', '1e9', '10000001'] as const).flatMap(
    (value): [string, string][] => [
      [`max_completion_tokens ${value}`, `{"model":"m","messages":[],"max_completion_tokens":${value}}`],
      [`max_tokens ${value}`, `{"model":"m","messages":[],"max_tokens":${value}}`],
    ],
  ),
  ...(['0', '129', '"1"', '1.5', 'false'] as const).map((value): [string, string] => [
    `n ${value}`,
    `{"model":"m","messages":[],"n":${value}}`,
  ]),
  ['stream 1', '{"model":"m","messages":[],"stream":1}'],
  ['stream "false"', '{"model":"m","messages":[],"stream":"false"}'],
  ['stream_options as a list', '{"model":"m","messages":[],"stream_options":[]}'],
  ['include_usage as a text', '{"model":"m","messages":[],"stream_options":{"include_usage":"no"}}'],
  ['tools as an object', '{"model":"m","messages":[],"tools":{}}'],
  ['a key twice', '{"model":"m","messages":[],"model":"n"}'],
  ['a key twice, escaped', String.raw`{"model":"m","messages":[],"\u006dodel":"n"}`],
  ['a key twice in a tool', '{"model":"m","messages":[],"tools":[{"type":"function","type":"mcp"}]}'],
  ['text behind the object', '{"model":"m","messages":[]}{}'],
  ['a trailing comma', '{"model":"m","messages":[],}'],
  ['a comment', '{"model":"m"/**/,"messages":[]}'],
  ['a byte order mark', '\ufeff{"model":"m","messages":[]}'],
  ['a list', '[]'],
  ['nothing', ''],
])('refused, with the field and what to do: %s', (_, text) => {
  const error = refusalOf(() => readChatRequest(Buffer.from(text)));
  expect(error).toMatchObject({ code: 'request.invalid', fix: expect.any(String), retryable: false });
});

test('bytes that are no UTF-8 are refused, not repaired', () => {
  const body = Buffer.concat([
    Buffer.from('{"model":"m","messages":[{"content":"'),
    Buffer.from([0xff, 0xc0]),
    Buffer.from('"}]}'),
  ]);
  expect(refusalOf(() => readChatRequest(body)).message).toContain('UTF-8');
});

test.each([
  '{"model":"m","Model":"n","messages":[]}',
  '{"model":"m","messages":[],"MESSAGES":[]}',
  '{"model":"m","messages":[],"Max_Completion_Tokens":9}',
  '{"model":"m","messages":[],"max_to\u212aens":9}',
  '{"model":"m","messages":[],"\u017ftream":true}',
  '{"model":"m","messages":[],"N":5}',
  '{"model":"m","messages":[],"Web_search_options":{}}',
  String.raw`{"model":"m","messages":[],"\u0054ools":[]}`,
  '{"model":"m","messages":[{"content":"x","Content":[{"type":"image_url"}]}]}',
  '{"model":"m","messages":[{"content":[{"type":"text","TYPE":"image_url"}]}]}',
  '{"model":"m","messages":[],"tools":[{"type":"function","Type":"mcp"}]}',
  '{"model":"m","messages":[],"stream_options":{"Include_Usage":false}}',
])('a spelling that a parser without case would take for a field we read is refused: %s', (text) => {
  expect(refusalOf(() => readChatRequest(Buffer.from(text)))).toMatchObject({
    code: 'request.invalid',
    message: expect.stringContaining('spelled'),
  });
});

test('a name is refused in every letter that becomes another one by way of upper case', () => {
  const letters = new Map<string, string[]>();
  for (let point = 0; point < 0x11_0000; point += 1) {
    if (point >= 0xd800 && point < 0xe000) continue;
    const letter = String.fromCodePoint(point);
    const folded = letter.toUpperCase().toLowerCase();
    if (folded === letter || !/^[a-z]+$/.test(folded)) continue;
    letters.set(folded, [...(letters.get(folded) ?? []), letter]);
  }
  let variants = 0;
  for (const name of ['model', 'messages', 'stream', 'max_tokens', 'tools', 'user', 'service_tier', 'n']) {
    for (const [folded, others] of letters) {
      if (!name.includes(folded)) continue;
      for (const other of others) {
        const text = `{"model":"m","messages":[],${JSON.stringify(name.replace(folded, other))}:1}`;
        expect(refusalOf(() => readChatRequest(Buffer.from(text))).message).toContain(
          `${name} must be spelled`,
        );
        variants += 1;
      }
    }
  }
  // The capitals, the long s, the Kelvin sign, the dotless i and the ligatures that occur in these names.
  expect(variants).toBeGreaterThan(40);
  for (const name of [
    'mödel',
    'm\u043edel',
    'model\u0301',
    '\ufb01',
    'model ',
    'MODELS',
    '🛰',
    'x'.repeat(70) + 'M',
  ])
    expect(read({ [name]: 1 }).model).toBe(MODEL);
});

test('what a text is does not depend on its escapes', () => {
  const texts = String.raw`{"model":"\u006d","messages":[{"content":[{"type":"te\u0078t"},{"type":"image\u005furl"},{"type":"\u0066ile"}]}],
    "tools":[{"type":"\u0066unction"},{"\u0074ype":"m\u0063p"}],"service_tier":"\u0061uto","modalities":["te\u0078t"],"user":"a\u006e\nn"}`;
  expect(readChatRequest(Buffer.from(texts))).toMatchObject({
    model: 'm',
    features: ['tool:mcp', 'content:file'],
    promptTokens: Infinity,
    user: 'an\nn',
  });
});

test('of texts that nobody needs whole only the beginning is read, and no character of it is cut', () => {
  for (const piece of ['a', 'é', '日', '🛰', String.raw`\u00e9`, String.raw`\n`, String.raw`\ud83d\udef0`]) {
    for (let shift = 0; shift < 8; shift += 1) {
      const text = `${'b'.repeat(shift)}${piece.repeat(5000)}`;
      const whole = JSON.parse(`"${text}"`) as string;
      const bytes = Buffer.from(`{"model":"m","messages":[],"user":"${text}"}`);
      expect(readChatRequest(bytes).user).toBe(whole.slice(0, 256));
      const model = Buffer.from(`{"model":"${text}","messages":[]}`);
      expect(refusalOf(() => readChatRequest(model)).message).toContain('model');
    }
  }
  const exact = `{"model":"${String.raw`\u0061`.repeat(200)}","messages":[]}`;
  expect(readChatRequest(Buffer.from(exact)).model).toBe('a'.repeat(200));
});

test('any number of features is named by the first few of it', () => {
  const tools = Array.from({ length: 20_000 }, (_, n) => ({ type: `t${n}` }));
  expect(read({ tools }).features).toEqual(Array.from({ length: 16 }, (_, n) => `tool:t${n}`));
  expect(read({ tools: tools.map(() => ({ type: 'mcp' })) }).features).toEqual(['tool:mcp']);
  expect(read(parts(...tools.map(() => 7))).features).toEqual(['content:number']);
});

test('names in places that are not read may be spelled in any way', () => {
  const properties = { Model: { type: 'string' }, model: { type: 'string' }, Type: {} };
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties } } }];
  expect(read({ tools, metadata: { N: '1' }, camelCase: 1 }).features).toEqual([]);
});

// What a request may look like around the fields that are edited.
const filler = fc.dictionary(
  fc.stringMatching(/^[a-z]{1,6}$/).map((name) => `x_${name}`),
  fc.jsonValue({ maxDepth: 2 }),
  { maxKeys: 3 },
);
const spaced = fc.constantFrom(undefined, 1, '\t');
const shuffled = (object: object): fc.Arbitrary<object> =>
  fc
    .shuffledSubarray(Object.entries(object), { minLength: Object.keys(object).length })
    .map((entries) => Object.fromEntries(entries) as object);

test('an edit changes what it has to, and not one other byte', () => {
  const caps = fc.constantFrom({}, { max_completion_tokens: null }, { max_tokens: null });
  const options = fc.constantFrom(
    {},
    { stream_options: null },
    { stream_options: {} },
    { stream_options: { x: 1 } },
    { stream_options: { include_usage: false } },
    { stream_options: { include_usage: null, x: [1] } },
    { stream_options: { x: { include_usage: 0 }, include_usage: false } },
  );
  const body = fc
    .tuple(filler, caps, options)
    .chain(([extra, cap, option]) =>
      shuffled({ model: MODEL, messages, stream: true, ...extra, ...cap, ...option }),
    );
  fc.assert(
    fc.property(body, spaced, fc.integer({ min: 1, max: 9999 }), (object, space, tokens) => {
      const bytes = Buffer.from(JSON.stringify(object, null, space));
      const asked = readChatRequest(bytes);
      const edits = [capEdit(asked, tokens), includeUsageEdit(bytes, asked)];
      const sent = splice(bytes, edits);
      const { stream_options: before, ...rest } = JSON.parse(bytes.toString()) as Record<string, unknown>;
      const { stream_options: after, ...others } = JSON.parse(sent.toString()) as Record<string, unknown>;
      expect(others).toEqual({ ...rest, max_completion_tokens: tokens });
      expect(after).toEqual({ ...(before as object | null), include_usage: true });
      expect(readChatRequest(sent)).toMatchObject({ outputCap: tokens, includeUsage: true });
      // Taking the edits out again gives the bytes that came.
      let at = 0;
      let shift = 0;
      const back: Buffer[] = [];
      for (const edit of edits.toSorted((a, b) => a.start - b.start)) {
        back.push(sent.subarray(at, edit.start + shift), bytes.subarray(edit.start, edit.end));
        at = edit.start + shift + Buffer.byteLength(edit.text);
        shift += Buffer.byteLength(edit.text) - (edit.end - edit.start);
      }
      expect(Buffer.concat([...back, sent.subarray(at)])).toEqual(bytes);
    }),
    { numRuns: 400 },
  );
});

test.each([
  ['{"stream_options":null,"a":1}', '{"stream_options":{"include_usage":true},"a":1}'],
  ['{"stream_options" : { } }', '{"stream_options" : {"include_usage":true } }'],
  ['{"stream_options":{"x":1}}', '{"stream_options":{"include_usage":true,"x":1}}'],
  ['{"stream_options":{"include_usage": false }}', '{"stream_options":{"include_usage": true }}'],
  [
    String.raw`{"stream\u005foptions":{"include\u005fusage":null}}`,
    String.raw`{"stream\u005foptions":{"include\u005fusage":true}}`,
  ],
  ['{"a":1}', '{"stream_options":{"include_usage":true},"a":1}'],
])('%s asks for usage as %s', (given, sent) => {
  const rest = `"model":"m","messages":[],`;
  const bytes = Buffer.from(given.replace('{', `{${rest}`));
  const edited = splice(bytes, [includeUsageEdit(bytes, readChatRequest(bytes))]).toString();
  expect(edited.replace(rest, '')).toBe(sent);
});

test('the prompt bound is never below what the provider counts', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom('', '\u0000', '"\\\n', '日本語'.repeat(20), '🛰'.repeat(9)),
  );
  const message = fc.record({
    role: fc.constantFrom('user', 'system', 'assistant'),
    content: fc.oneof(
      text,
      fc.array(
        text.map((one) => ({ type: 'text', text: one })),
        { maxLength: 4 },
      ),
    ),
  });
  const tool = text.map((name) => ({
    type: 'function',
    function: {
      name,
      parameters: { type: 'object', properties: { [name]: { type: 'string', enum: [name] } } },
    },
  }));
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 6 }),
      fc.option(fc.array(tool, { maxLength: 3 }), { nil: undefined }),
      (list, tools) => {
        const bytes = bytesOf({ model: MODEL, messages: list, tools });
        const counted = readChat(
          JSON.parse(bytes.toString()) as Record<string, unknown>,
          { model: MODELS.get(MODEL)!.id, echo: '', elsewhere: '' },
          null,
        );
        if (!('promptTokens' in counted)) throw new Error('the provider refused the request');
        expect(readChatRequest(bytes).promptTokens).toBeGreaterThanOrEqual(counted.promptTokens);
      },
    ),
    { numRuns: 400 },
  );
});
