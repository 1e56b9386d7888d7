/**
 * Programs that make one call through a gateway, complete enough to run as they stand. What is put into them (an origin, a provider's path,
 * a model) is checked before and needs no escape. None holds a token: each reads SALLYPORT_TOKEN.
 */
export interface SnippetInput {
  /** Origin of the gateway. */
  readonly gateway: string;
  /** Path of the OpenAI-style base URL, such as `/p/groq/openai/v1`. */
  readonly path: string;
  /** Path for clients that put `/openai/v1` behind it themselves. */
  readonly shortPath: string;
  readonly provider: string;
  readonly model: string;
}

export type Snippet = (input: SnippetInput) => string;

const QUESTION = 'Say hello in five words.';

export const groqSdk: Snippet = ({ gateway, shortPath, model }) => `import Groq from 'groq-sdk';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const groq = new Groq({ baseURL: \`\${gateway}${shortPath}\`, apiKey: process.env.SALLYPORT_TOKEN ?? '' });

const answer = await groq.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: '${QUESTION}' }],
  max_completion_tokens: 500,
});
console.log(answer.choices[0].message.content);
`;

export const openai: Snippet = ({ gateway, path, model }) => `import OpenAI from 'openai';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const openai = new OpenAI({ baseURL: \`\${gateway}${path}\`, apiKey: process.env.SALLYPORT_TOKEN ?? '' });

// chat.completions: the Responses API is not passed through.
const answer = await openai.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: '${QUESTION}' }],
  max_completion_tokens: 500,
});
console.log(answer.choices[0].message.content);
`;

const AI_SDK_CALL = (model: string): string => `
const { text } = await generateText({
  model: provider('${model}'),
  prompt: '${QUESTION}',
  maxOutputTokens: 500,
});
console.log(text);
`;

const aiSdkGroq: Snippet = ({ gateway, path, model }) => `import { createGroq } from '@ai-sdk/groq';
import { generateText } from 'ai';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const provider = createGroq({
  baseURL: \`\${gateway}${path}\`,
  apiKey: process.env.SALLYPORT_TOKEN ?? '',
});
${AI_SDK_CALL(model)}`;

const aiSdkCompatible: Snippet = ({
  gateway,
  path,
  provider,
  model,
}) => `import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const provider = createOpenAICompatible({
  name: '${provider}',
  baseURL: \`\${gateway}${path}\`,
  apiKey: process.env.SALLYPORT_TOKEN ?? '',
});
${AI_SDK_CALL(model)}`;

/** Groq has a package of its own; all others are reached in the dialect that they share. */
export const aiSdk: Snippet = (input) =>
  input.provider === 'groq' ? aiSdkGroq(input) : aiSdkCompatible(input);

const langchainGroq: Snippet = ({ gateway, shortPath, model }) => `import { ChatGroq } from '@langchain/groq';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const llm = new ChatGroq({
  model: '${model}',
  apiKey: process.env.SALLYPORT_TOKEN ?? '',
  baseUrl: \`\${gateway}${shortPath}\`,
  maxTokens: 500,
});
`;

const langchainOpenai: Snippet = ({
  gateway,
  path,
  model,
}) => `import { ChatOpenAI } from '@langchain/openai';

const gateway = process.env.SALLYPORT_URL ?? '${gateway}';
const llm = new ChatOpenAI({
  model: '${model}',
  apiKey: process.env.SALLYPORT_TOKEN ?? '',
  configuration: { baseURL: \`\${gateway}${path}\` },
  useResponsesApi: false,
  maxTokens: 500,
});
`;

export const langchain: Snippet = (input) => `${
  input.provider === 'groq' ? langchainGroq(input) : langchainOpenai(input)
}
const answer = await llm.invoke('${QUESTION}');
console.log(answer.text);
`;

export const python: Snippet = ({ gateway, path, model }) => `import os

from openai import OpenAI

gateway = os.environ.get("SALLYPORT_URL", "${gateway}")
client = OpenAI(base_url=f"{gateway}${path}", api_key=os.environ["SALLYPORT_TOKEN"])

answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "${QUESTION}"}],
    max_completion_tokens=500,
)
print(answer.choices[0].message.content)
`;
