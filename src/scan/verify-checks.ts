/**
 * How each provider can be asked whether it takes a key: one request that costs nothing and changes nothing, always a GET. A row has rules, where to
 * ask, how the key is sent, and what the answer means. Where no answer would be conclusive, there is a reason instead.
 */

/** `restricted`: the provider knows the key, and does not let it do this. Treat it as live. */
export type VerifiedState = 'live' | 'dead' | 'restricted' | 'unknown';

export interface CheckAnswer {
  readonly status: number;
  /** The answer as JSON; undefined where it was none, or too long to read: then `isJson` says what it looks like. */
  readonly json: unknown;
  readonly isJson: boolean;
  readonly header: (name: string) => string | null;
}

export interface CheckRequest {
  readonly origin: string;
  /** With the query. Never holds the value. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Check {
  readonly rules: readonly string[];
  /** A reason when this kind of the value cannot be checked. */
  readonly request: (value: string) => CheckRequest | string;
  /** Left out: `usual`. */
  readonly classify?: (answer: CheckAnswer) => Classified;
}

export interface Classified {
  readonly state: VerifiedState;
  readonly reason: string;
}

const bearer =
  (origin: string, path: string) =>
  (value: string): CheckRequest => ({
    origin,
    path,
    headers: { authorization: `Bearer ${value}` },
  });

const LIVE: Classified = { state: 'live', reason: 'the provider takes it' };
const DEAD: Classified = { state: 'dead', reason: 'the provider does not know it (any more)' };
const RESTRICTED: Classified = {
  state: 'restricted',
  reason: 'the provider knows it, and does not let it do this; treat it as live',
};

export function unknown(reason: string): Classified {
  return { state: 'unknown', reason };
}

/** What an answer means with most providers. Only an answer in JSON is the provider's: a proxy or a sign-in page on the way says nothing. */
export function usual({ status, isJson }: CheckAnswer): Classified {
  if (status === 429) return unknown('the provider limits the rate of requests now');
  if (status >= 500) return unknown(`the provider has a problem of its own (${status})`);
  if (status >= 300 && status < 400)
    return unknown(`the answer leads elsewhere (${status}), which is not followed`);
  if (!isJson) return unknown(`the answer (${status}) is not the provider's API`);
  if (status === 200) return LIVE;
  if (status === 401) return DEAD;
  if (status === 402 || status === 403) return RESTRICTED;
  return unknown(`the answer ${status} says nothing about the key`);
}

/** OpenAI answers 401 also where a key works, but not from this address. */
function openai(answer: CheckAnswer): Classified {
  const code = textAt(answer.json, 'error', 'code');
  return answer.status === 401 && code !== null && /ip_(?:address_)?not_authorized/.test(code)
    ? RESTRICTED
    : usual(answer);
}

/** An invalid key is a 400; of a 403 the reason says whether the key is restricted to something else. */
function google(answer: CheckAnswer): Classified {
  const { status, json } = answer;
  const reasons = JSON.stringify(json ?? null);
  if (status === 400 && reasons.includes('API_KEY_INVALID')) return DEAD;
  if (status === 403 && /API_KEY_[A-Z_]*BLOCKED|SERVICE_DISABLED/.test(reasons)) {
    return {
      state: 'restricted',
      reason: 'it is a key of Google that may not use Gemini; others may be open to it',
    };
  }
  if (status === 401 || status === 403)
    return unknown(`the answer ${status} does not say whether the key is valid`);
  return usual(answer);
}

/** Tells of a key that was switched off; one that there is not is a 400. */
function xai(answer: CheckAnswer): Classified {
  const { status, json } = answer;
  if (status === 400 && answer.isJson) return DEAD;
  const off = ['api_key_blocked', 'api_key_disabled', 'team_blocked'].some(
    (name) => valueAt(json, name) === true,
  );
  return status === 200 && off ? RESTRICTED : usual(answer);
}

/** The list of models is open to many; only a refusal is conclusive. */
function onlyRefusals(answer: CheckAnswer): Classified {
  const classified = usual(answer);
  return classified.state === 'live'
    ? unknown('the provider answers this question without a valid key too')
    : classified;
}

function github(answer: CheckAnswer): Classified {
  return answer.status === 403 && answer.header('x-ratelimit-remaining') === '0'
    ? unknown('the provider limits the rate of requests now')
    : usual(answer);
}

function gitlab(answer: CheckAnswer): Classified {
  return answer.status === 401 && answer.isJson
    ? unknown('gitlab.com does not know it; it may be of a server of your own')
    : usual(answer);
}

export const CHECKS: readonly Check[] = [
  { rules: ['groq-api-key'], request: bearer('https://api.groq.com', '/openai/v1/models') },
  {
    rules: ['openai-project-key', 'openai-api-key'],
    request: (value) =>
      bearer(
        'https://api.openai.com',
        value.startsWith('sk-admin-') ? '/v1/organization/admin_api_keys?limit=1' : '/v1/models',
      )(value),
    classify: openai,
  },
  { rules: ['deepseek-api-key'], request: bearer('https://api.deepseek.com', '/models') },
  {
    rules: ['anthropic-api-key'],
    request: (value) => {
      const kind = /^sk-ant-([a-z]+)\d\d-/.exec(value)?.[1];
      if (kind !== 'api' && kind !== 'admin')
        return 'of sessions and sign-ins there is no check that is known to be safe';
      return {
        origin: 'https://api.anthropic.com',
        path: kind === 'admin' ? '/v1/organizations/me' : '/v1/models?limit=1',
        headers: { 'x-api-key': value, 'anthropic-version': '2023-06-01' },
      };
    },
  },
  {
    rules: ['google-api-key', 'google-bound-key'],
    request: (value) => ({
      origin: 'https://generativelanguage.googleapis.com',
      path: '/v1beta/models?pageSize=1',
      headers: { 'x-goog-api-key': value },
    }),
    classify: google,
  },
  { rules: ['openrouter-api-key'], request: bearer('https://openrouter.ai', '/api/v1/key') },
  { rules: ['huggingface-token'], request: bearer('https://huggingface.co', '/api/whoami-v2') },
  { rules: ['xai-api-key'], request: bearer('https://api.x.ai', '/v1/api-key'), classify: xai },
  { rules: ['replicate-api-token'], request: bearer('https://api.replicate.com', '/v1/account') },
  { rules: ['cerebras-api-key'], request: bearer('https://api.cerebras.ai', '/v1/models') },
  {
    rules: ['together-api-key', 'together-legacy-key'],
    request: bearer('https://api.together.xyz', '/v1/models'),
  },
  {
    rules: ['fireworks-api-key'],
    request: bearer('https://api.fireworks.ai', '/inference/v1/models'),
    classify: onlyRefusals,
  },
  { rules: ['mistral-api-key'], request: bearer('https://api.mistral.ai', '/v1/models') },
  { rules: ['cohere-api-key'], request: bearer('https://api.cohere.com', '/v1/models') },
  {
    rules: ['github-token', 'github-fine-grained-token'],
    request: (value) =>
      value.startsWith('ghr_')
        ? 'it only renews another token, and asking would use it up'
        : bearer('https://api.github.com', '/user')(value),
    classify: github,
  },
  {
    rules: ['gitlab-token'],
    request: (value) => ({
      origin: 'https://gitlab.com',
      path: '/api/v4/user',
      headers: { 'private-token': value },
    }),
    classify: gitlab,
  },
  { rules: ['npm-token'], request: bearer('https://registry.npmjs.org', '/-/whoami') },
  {
    rules: ['nvidia-api-key'],
    request: () => 'its list of models is open to everybody, and what is not costs money',
  },
  { rules: ['perplexity-api-key'], request: () => 'its only check is a call, which may cost money' },
  {
    rules: ['langfuse-secret-key'],
    request: () => 'it cannot be checked without the public key that belongs to it',
  },
  {
    rules: ['aws-access-key-id', 'aws-secret-access-key'],
    request: () => 'it cannot be checked without its other half',
  },
  { rules: ['sallyport-token'], request: () => 'its own gateway knows: --whose' },
];

const BY_RULE: ReadonlyMap<string, Check> = new Map(
  CHECKS.flatMap((check) => check.rules.map((rule) => [rule, check] as const)),
);

export function checkFor(rule: string): Check | undefined {
  return BY_RULE.get(rule);
}

function valueAt(json: unknown, ...path: readonly string[]): unknown {
  let at = json;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

function textAt(json: unknown, ...path: readonly string[]): string | null {
  const value = valueAt(json, ...path);
  return typeof value === 'string' ? value : null;
}
