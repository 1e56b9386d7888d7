/** Where mutation starts: requests and streams as SDKs and providers write them, and a few that have hurt parsers before. */

const messages = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Say "usage": {"x": 1} \\ and 🛰 \u2028' },
];
const base = { model: 'openai/gpt-oss-20b', messages };

export const REQUESTS: readonly Buffer[] = [
  JSON.stringify(base),
  JSON.stringify({ ...base, stream: true }, null, 2),
  JSON.stringify({ ...base, stream: true, stream_options: { include_usage: false, x: [{}] } }),
  JSON.stringify({ ...base, stream: true, stream_options: { include_usage: true } }, null, '\t'),
  JSON.stringify({ ...base, stream: true, stream_options: {} }),
  JSON.stringify({ stream_options: null, max_completion_tokens: null, ...base }),
  JSON.stringify({ ...base, max_tokens: 10, n: 2, user: 'u-1', temperature: 0.7, stop: ['\n'] }),
  JSON.stringify({
    ...base,
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }],
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'x' },
          { type: 'image_url', image_url: { url: 'data:,' } },
        ],
      },
    ],
  }),
  String.raw`{"\u006dodel":"a","messages":[],"\ud800":"\udc00","":{"":[[],{}]}}`,
  ' \r\n\t{ "model" : "a" ,"messages" : [ ] , "x" : [1e-7,-0,1E+2,true,false,null] } \n',
  '{"model":"a","messages":[{"content":null}],"__proto__":{"model":"b"},"constructor":1}',
  `{"model":"a","messages":[],"x":${'['.repeat(60)}${']'.repeat(60)}}`,
  '{"model":"a","messages":[],"model":"b"}',
  '{}',
].map((text) => Buffer.from(text));

const usage = { prompt_tokens: 11, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 3 } };
const head = { id: 'c', object: 'chat.completion.chunk' };
const delta = (content: string): object => ({ ...head, choices: [{ index: 0, delta: { content } }] });
const finish = { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };

function stream(events: readonly object[], end = '\n', done = true): string {
  return [...events.map((event) => JSON.stringify(event)), ...(done ? ['[DONE]'] : [])]
    .map((data) => `data: ${data}${end}${end}`)
    .join('');
}

export const STREAMS: readonly Buffer[] = [
  stream([delta('Hello'), delta(' "usage": wörld 🛰'), finish, { ...head, choices: [], usage }]),
  stream([delta('a'), { ...finish, x_groq: { id: 'r', usage } }], '\r\n'),
  stream([
    { ...delta('a'), usage: null },
    { ...finish, usage, x_groq: { usage } },
    { ...head, choices: [], usage },
  ]),
  stream([delta('a'), { error: { message: 'x', code: null } }], '\n', false),
  stream([delta('a'), { ...finish, x_groq: { error: 'stopped', usage } }]),
  stream([delta('a'), delta('b')]).slice(0, -20),
  `: ping\n\nevent: message\nid: 1\nretry: 10\n${stream([delta('a')])}`,
  `\ufeff${stream([delta('a'), { ...head, choices: [], usage }])}`,
  stream([delta('a'), { ...head, choices: [], usage }]).replaceAll('\n', '\r'),
  `data:{"choices":[],\ndata:"usage":${JSON.stringify(usage)}}\n\n`,
  'data: hello\n\ndata: world\n\ndata:\n\ndata\n\n',
  '<html>\n<body>\n</html>\n',
  JSON.stringify({ object: 'chat.completion', usage }),
  ': comment\rdata: {"x":"a line behind a lone carriage return"}\r\r',
].map((text) => Buffer.from(text));
