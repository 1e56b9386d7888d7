/**
 * Keys as providers issue them, written down from what is known of them and not from the table of rules: a mistake there must show here. Values
 * are put together at run time, so that no file holds one.
 */
import {
  ALNUM,
  BASE32,
  BASE64,
  DIGITS,
  HEX,
  LOWER,
  LOWER_ALNUM,
  type Random,
  UNRESERVED,
  UPPER,
} from './random.ts';

export interface KeyShape {
  /** Of a row of the matrix. */
  readonly name: string;
  /** The rule that has to find it. */
  readonly rule: string;
  /** As it is called in names of variables: `groq` for `GROQ_API_KEY`. */
  readonly vendor: string;
  /** Names of variables that hold such a key. */
  readonly names: readonly string[];
  /** Only the name of its provider tells it. */
  readonly byContext?: boolean;
  readonly make: (random: Random) => string;
}

const OPENAI = ['OPENAI_API_KEY', 'OPENAI_KEY', 'API_KEY', 'LLM_API_KEY'];
const HALVES = [20, 51, 58, 74];
const openAi = (kind: string) => (random: Random) => {
  const half = random.pick(HALVES);
  return `sk-${kind}-${random.text(UNRESERVED, half)}T3BlbkFJ${random.text(UNRESERVED, half)}`;
};

function shape(
  name: string,
  rule: string,
  vendor: string,
  make: (random: Random) => string,
  names: readonly string[] = [],
): KeyShape {
  const upper = vendor.toUpperCase();
  return {
    name,
    rule,
    vendor,
    make,
    names: names.length > 0 ? names : [`${upper}_API_KEY`, `${upper}_KEY`, 'API_KEY', 'SERVICE_TOKEN'],
  };
}

/** Identified by their shape alone. */
export const SHAPED: readonly KeyShape[] = [
  shape('Groq', 'groq-api-key', 'groq', (r) => `gsk_${r.text(ALNUM, 20)}WGdyb3FY${r.text(ALNUM, 24)}`),
  shape('Groq, no marker', 'groq-api-key', 'groq', (r) => `gsk_${r.text(ALNUM, 52)}`),
  shape('OpenAI project', 'openai-project-key', 'openai', openAi('proj'), OPENAI),
  shape('OpenAI service', 'openai-project-key', 'openai', openAi('svcacct'), OPENAI),
  shape('OpenAI admin', 'openai-project-key', 'openai', openAi('admin'), ['OPENAI_ADMIN_KEY']),
  shape(
    'OpenAI legacy',
    'openai-api-key',
    'openai',
    (r) => `sk-${r.text(ALNUM, 20)}T3BlbkFJ${r.text(ALNUM, 20)}`,
    OPENAI,
  ),
  shape('Anthropic', 'anthropic-api-key', 'anthropic', (r) => `sk-ant-api03-${r.text(UNRESERVED, 93)}AA`),
  shape(
    'Anthropic admin',
    'anthropic-api-key',
    'anthropic',
    (r) => `sk-ant-admin01-${r.text(UNRESERVED, 93)}AA`,
  ),
  shape('Anthropic OAuth', 'anthropic-api-key', 'anthropic', (r) => `sk-ant-oat01-${r.text(UNRESERVED, 95)}`),
  shape('Google', 'google-api-key', 'gemini', (r) => `AIzaSy${r.text(UNRESERVED, 33)}`),
  shape('Google bound', 'google-bound-key', 'gemini', (r) => `AQ.Ab8RN6${r.text(UNRESERVED, 44)}`),
  shape('OpenRouter', 'openrouter-api-key', 'openrouter', (r) => `sk-or-v1-${r.text(HEX, 64)}`),
  shape('Hugging Face', 'huggingface-token', 'hf', (r) => `hf_${r.text(LOWER + UPPER, 34)}`, [
    'HF_TOKEN',
    'HUGGING_FACE_HUB_TOKEN',
  ]),
  shape(
    'Hugging Face organisation',
    'huggingface-token',
    'hf',
    (r) => `api_org_${r.text(LOWER + UPPER, 34)}`,
  ),
  shape('Replicate', 'replicate-api-token', 'replicate', (r) => `r8_${r.text(ALNUM, 37)}`),
  shape('xAI', 'xai-api-key', 'xai', (r) => `xai-${r.text(ALNUM, 80)}`),
  shape('Perplexity', 'perplexity-api-key', 'perplexity', (r) => `pplx-${r.text(ALNUM, 48)}`),
  shape('Cerebras', 'cerebras-api-key', 'cerebras', (r) => `csk-${r.text(LOWER_ALNUM, 48)}`),
  shape('NVIDIA', 'nvidia-api-key', 'nvidia', (r) => `nvapi-${r.text(UNRESERVED, 64)}`),
  shape('Together', 'together-api-key', 'together', (r) => `tgp_v1_${r.text(UNRESERVED, 43)}`),
  shape('Fireworks', 'fireworks-api-key', 'fireworks', (r) => `fw_${mixed(r, r.pick([22, 24]))}`),
  shape('LangSmith', 'langsmith-api-key', 'langsmith', (r) => {
    return `lsv2_${r.pick(['pt', 'sk'])}_${r.text(HEX, 32)}_${r.text(HEX, 10)}`;
  }),
  shape('Langfuse', 'langfuse-secret-key', 'langfuse', (r) => `sk-lf-${r.uuid()}`, ['LANGFUSE_SECRET_KEY']),
  shape('ElevenLabs', 'elevenlabs-api-key', 'elevenlabs', (r) => `sk_${r.text(HEX, 48)}`),
  shape('Cursor', 'cursor-api-key', 'cursor', (r) => `key_${r.text(HEX, 64)}`),
  shape('Weights & Biases', 'wandb-api-key', 'wandb', (r) => `wandb_v1_${r.text(UNRESERVED, 77)}`),
  shape('RunPod', 'runpod-api-key', 'runpod', (r) => `rpa_${r.text(ALNUM, 46)}`),
  shape('Pinecone', 'pinecone-api-key', 'pinecone', (r) => {
    return `pcsk_${r.text(ALNUM, r.pick([5, 6]))}_${r.text(ALNUM, 63)}`;
  }),
  shape('Vercel AI Gateway', 'vercel-ai-gateway-key', 'vercel', (r) => `vck_${r.text(ALNUM, 56)}`),
  shape('Databricks', 'databricks-token', 'databricks', (r) => `dapi${r.text(HEX, 32)}`),
  shape('MiniMax', 'minimax-api-key', 'minimax', (r) => `sk-api-${r.text(UNRESERVED, 119)}`),
  shape(
    'AWS id',
    'aws-access-key-id',
    'aws',
    (r) => `${r.pick(['AKIA', 'ASIA', 'ABIA', 'ACCA'])}${r.text(BASE32, 16)}`,
    ['AWS_ACCESS_KEY_ID'],
  ),
  shape('AWS id, older', 'aws-older-key-id', 'aws', (r) => `A3T${r.text(BASE32, 17)}`, ['AWS_ACCESS_KEY_ID']),
  shape('Devin', 'devin-service-token', 'devin', (r) => `cog_${r.text(`${LOWER}234567`, 52)}`),
  shape('Devin personal', 'devin-user-key', 'devin', (r) => {
    const text = `user-${r.text(HEX, 32)}_org-${r.text(HEX, 32)}:${r.text(HEX, 32)}`;
    // Without the padding, which is no part of what is told.
    return `apk_user_${Buffer.from(text).toString('base64url')}`;
  }),
  shape(
    'AWS Bedrock',
    'aws-bedrock-api-key',
    'bedrock',
    (r) => `ABSK${r.text(BASE64, 4 * r.between(28, 60))}`,
    ['AWS_BEARER_TOKEN_BEDROCK'],
  ),
  shape(
    'AWS Bedrock session',
    'aws-bedrock-session-key',
    'bedrock',
    (r) =>
      `bedrock-api-key-${Buffer.from('bedrock.amazonaws.com/?Action=Call').toString('base64').slice(0, 44)}${r.text(BASE64, 400)}`,
    ['AWS_BEARER_TOKEN_BEDROCK'],
  ),
  shape(
    'Azure client secret',
    'azure-client-secret',
    'azure',
    (r) => {
      return `${r.text(ALNUM, 3)}${r.text(DIGITS, 1)}Q~${r.text(`${ALNUM}_~.-`, r.between(30, 33))}${r.text(ALNUM, 1)}`;
    },
    ['AZURE_CLIENT_SECRET'],
  ),
  shape('Azure AI', 'azure-ai-key', 'azure', (r) => {
    return `${r.text(ALNUM, 52)}JQQJ99${r.text(ALNUM, 26)}`;
  }),
  shape(
    'GitHub',
    'github-token',
    'github',
    (r) => `gh${r.pick(['p', 'o', 'u', 's', 'r'])}_${r.text(ALNUM, 36)}`,
  ),
  shape('GitHub fine-grained', 'github-fine-grained-token', 'github', (r) => {
    return `github_pat_${r.text(ALNUM, 22)}_${r.text(ALNUM, 59)}`;
  }),
  shape('GitLab', 'gitlab-token', 'gitlab', (r) => `glpat-${r.text(UNRESERVED, 20)}`),
  shape('npm', 'npm-token', 'npm', (r) => `npm_${r.text(ALNUM, 36)}`),
  shape('Stripe', 'stripe-secret-key', 'stripe', (r) => `sk_live_${r.text(ALNUM, 99)}`),
  shape('SendGrid', 'sendgrid-api-key', 'sendgrid', (r) => {
    return `SG.${r.text(UNRESERVED, 22)}.${r.text(UNRESERVED, 43)}`;
  }),
];

function mixed(random: Random, length: number): string {
  for (;;) {
    const text = random.text(ALNUM, length);
    if (/[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text)) return text;
  }
}

function named(
  name: string,
  rule: string,
  vendor: string,
  make: (random: Random) => string,
  names?: readonly string[],
): KeyShape {
  const upper = vendor.toUpperCase();
  const usual = [`${upper}_API_KEY`, `${upper}_KEY`, `${upper}_TOKEN`, `MY_${upper}_API_KEY`];
  return { name, rule, vendor, make, names: names ?? usual, byContext: true };
}

/** Told by the name of the provider. */
export const NAMED: readonly KeyShape[] = [
  named('Mistral', 'mistral-api-key', 'mistral', (r) => mixed(r, 32)),
  named('Cohere', 'cohere-api-key', 'cohere', (r) => mixed(r, 40), [
    'COHERE_API_KEY',
    'CO_API_KEY',
    'COHERE_KEY',
  ]),
  named('DeepSeek', 'deepseek-api-key', 'deepseek', (r) => `sk-${r.text(HEX, 32)}`),
  named('Moonshot', 'moonshot-api-key', 'moonshot', (r) => `sk-${mixed(r, 48)}`),
  named('Azure OpenAI', 'azure-openai-key', 'azure_openai', (r) => r.text(HEX, 32)),
  named('AWS secret', 'aws-secret-access-key', 'aws_secret', (r) => r.text(BASE64, 40), [
    'AWS_SECRET_ACCESS_KEY',
    'MY_AWS_SECRET_ACCESS_KEY',
  ]),
  named('Z.ai', 'zai-api-key', 'zai', (r) => `${r.text(HEX, 32)}.${r.text(ALNUM, 16)}`, [
    'ZAI_API_KEY',
    'ZHIPU_API_KEY',
  ]),
  named('Ollama', 'ollama-api-key', 'ollama', (r) => `${r.text(HEX, 32)}.${r.text(UNRESERVED, 24)}`),
  named('AssemblyAI', 'assemblyai-api-key', 'assemblyai', (r) => r.text(HEX, 32)),
  named('Deepgram', 'deepgram-api-key', 'deepgram', (r) => r.text(HEX, 40)),
  named('W&B legacy', 'wandb-legacy-key', 'wandb', (r) => r.text(HEX, 40)),
  named('Together legacy', 'together-legacy-key', 'together', (r) => r.text(HEX, 64)),
  named('Upstage', 'upstage-api-key', 'upstage', (r) => `up_${mixed(r, r.pick([29, 40]))}`),
];

export const SHAPES: readonly KeyShape[] = [...SHAPED, ...NAMED];
