/** The clients that can be set up, one row each: what they speak, and the configuration that lets them call through a gateway. */
import type { Provider } from '../providers/catalog.ts';
import { aiSdk, groqSdk, langchain, openai, python, type Snippet, type SnippetInput } from './snippets.ts';

export interface Recipe {
  /** How to get the client; null for what is installed as a program of its own. */
  readonly install: string | null;
  /** What goes to standard output: a program, or lines of a configuration. */
  readonly text: string;
  /** For a `.env` file; null is where the token belongs. Empty for a client that reads none. */
  readonly variables: readonly (readonly [name: string, value: string | null])[];
  /** Where `--write` puts them. */
  readonly file: string;
  readonly notes: readonly string[];
}

export interface RecipeInput extends SnippetInput {
  /** Only programs on the gateway's machine reach it. */
  readonly loopback: boolean;
}

export interface Client {
  readonly id: string;
  readonly name: string;
  readonly dialect: Provider['dialect'] | 'anthropic';
  /** The only provider it speaks to, or null. */
  readonly provider: string | null;
  /** It calls from servers of its vendor, so the gateway must be reached from the internet. */
  readonly remote: boolean;
  readonly recipe: (input: RecipeInput) => Recipe;
}

const OWN_FILE = '.env.local';

/** What programs of one's own read: one address and one token, whatever package they call with. */
function ownVariables({ gateway }: RecipeInput): Recipe['variables'] {
  return [
    ['SALLYPORT_URL', gateway],
    ['SALLYPORT_TOKEN', null],
  ];
}

function library(
  id: string,
  name: string,
  install: (provider: string) => string,
  snippet: Snippet,
  provider: string | null = null,
): Client {
  return {
    id,
    name,
    dialect: 'openai',
    provider,
    remote: false,
    recipe: (input) => ({
      install: install(input.provider),
      text: snippet(input),
      variables: ownVariables(input),
      file: OWN_FILE,
      notes: [],
    }),
  };
}

function envRecipe({ gateway, path, shortPath, provider }: RecipeInput): Recipe {
  const groq = provider === 'groq';
  const variables: Recipe['variables'] = [
    groq ? ['GROQ_BASE_URL', `${gateway}${shortPath}`] : ['OPENAI_BASE_URL', `${gateway}${path}`],
    [groq ? 'GROQ_API_KEY' : 'OPENAI_API_KEY', null],
  ];
  return {
    install: null,
    text: lines(variables),
    variables,
    file: OWN_FILE,
    notes: [
      `${groq ? "Groq's" : "OpenAI's"} own packages for JavaScript and Python read both variables; no code changes.`,
      'Set both or neither: with the second alone, the token would go to the provider.',
    ],
  };
}

function aiderRecipe({ gateway, path, model }: RecipeInput): Recipe {
  const variables: Recipe['variables'] = [
    ['AIDER_MODEL', `openai/${model}`],
    ['OPENAI_API_BASE', `${gateway}${path}`],
    ['OPENAI_API_KEY', null],
  ];
  return {
    install: null,
    text: lines(variables),
    variables,
    file: '.env',
    notes: [
      'aider reads .env in the folder it is started in and at the root of the repository.',
      'The first "openai/" of the model names the dialect to aider; the gateway gets the rest.',
    ],
  };
}

function cursorRecipe({ gateway, path, model }: RecipeInput): Recipe {
  return {
    install: null,
    text: [
      'Cursor Settings, Models, API Keys:',
      '  OpenAI API Key              an access token, typed there and nowhere else',
      `  Override OpenAI Base URL    ${gateway}${path}`,
      `  Add Custom Model            ${model}`,
      '',
    ].join('\n'),
    variables: [],
    file: '',
    notes: [
      "Cursor's servers make the calls and keep the token: give it one of its own, with a small budget and without --cidr.",
      'For models that it takes for GPT, Claude or Gemini, Cursor may send a body that is not chat/completions; that is refused here. Try one with another name.',
      'Not tried with Cursor itself.',
    ],
  };
}

function lines(variables: Recipe['variables']): string {
  return variables
    .map(([name, value]) => (value === null ? `# ${name}= the access token` : `${name}=${value}`))
    .map((line) => `${line}\n`)
    .join('');
}

const notServed: Client['recipe'] = () => {
  throw new TypeError('A dialect that nobody serves has no recipe.');
};

export const CLIENTS: readonly Client[] = [
  library('groq-sdk', 'groq-sdk (JavaScript)', () => 'npm install groq-sdk', groqSdk, 'groq'),
  library('openai', 'openai (JavaScript)', () => 'npm install openai', openai),
  library(
    'ai-sdk',
    'AI SDK',
    (provider) => `npm install ai @ai-sdk/${provider === 'groq' ? 'groq' : 'openai-compatible'}`,
    aiSdk,
  ),
  library(
    'langchain',
    'LangChain.js',
    (provider) => `npm install @langchain/core @langchain/${provider === 'groq' ? 'groq' : 'openai'}`,
    langchain,
  ),
  library('python', 'openai (Python)', () => 'pip install openai', python),
  {
    id: 'aider',
    name: 'aider',
    dialect: 'openai',
    provider: null,
    remote: false,
    recipe: aiderRecipe,
  },
  { id: 'cursor', name: 'Cursor', dialect: 'openai', provider: null, remote: true, recipe: cursorRecipe },
  {
    id: 'env',
    name: 'environment variables',
    dialect: 'openai',
    provider: null,
    remote: false,
    recipe: envRecipe,
  },
  {
    id: 'anthropic',
    name: "Anthropic's SDK",
    dialect: 'anthropic',
    provider: 'anthropic',
    remote: false,
    recipe: notServed,
  },
  {
    id: 'claude-code',
    name: 'Claude Code',
    dialect: 'anthropic',
    provider: 'anthropic',
    remote: false,
    recipe: notServed,
  },
];
