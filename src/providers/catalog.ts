/** The providers: one row a vendor. A vendor that speaks a known dialect needs nothing but its row. */

export interface Provider {
  readonly id: string;
  readonly name: string;
  /** Where its API is, unless a key slot names another origin. */
  readonly origin: string;
  /** Put before every endpoint of the route table. */
  readonly basePath: string;
  readonly dialect: 'openai';
  /** How a stream states its token usage: by itself, or only when `stream_options.include_usage` asks for it. */
  readonly streamUsage: 'always' | 'on-request';
  /** Request headers that may pass, besides the content's own. */
  readonly requestHeaders: readonly string[];
  /** Where a person makes and deletes keys. */
  readonly keysUrl: string;
  /** A small chat model, for examples. */
  readonly exampleModel: string;
}

const ROWS: readonly Provider[] = [
  {
    id: 'groq',
    name: 'Groq',
    origin: 'https://api.groq.com',
    basePath: '/openai/v1',
    dialect: 'openai',
    streamUsage: 'always',
    requestHeaders: ['groq-model-version', 'groq-beta'],
    keysUrl: 'https://console.groq.com/keys',
    exampleModel: 'openai/gpt-oss-20b',
  },
  {
    id: 'openai',
    name: 'OpenAI',
    origin: 'https://api.openai.com',
    basePath: '/v1',
    dialect: 'openai',
    streamUsage: 'on-request',
    requestHeaders: [],
    keysUrl: 'https://platform.openai.com/api-keys',
    exampleModel: 'gpt-5-mini',
  },
];

const PROVIDERS: ReadonlyMap<string, Provider> = new Map(ROWS.map((row) => [row.id, row]));

export function findProvider(id: string): Provider | undefined {
  return PROVIDERS.get(id);
}

export function providerIds(): string[] {
  return [...PROVIDERS.keys()];
}
