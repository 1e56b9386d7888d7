/**
 * Asks providers whether they take the values that were found (verify-checks.ts): each distinct value once, a few at a time, and what is no answer
 * about the value is `unknown`. Values go to their own provider only, by verified TLS, in a header, and nowhere else.
 */
import type { Secret } from '../core/secret.ts';
import type { Rule } from '../detect/rule.ts';
import {
  type CheckAnswer,
  checkFor,
  type CheckRequest,
  type Classified,
  unknown,
  usual,
} from './verify-checks.ts';

export interface Asked {
  readonly rule: Rule;
  readonly value: Secret;
  /** The same for the same value. */
  readonly fingerprint: string;
}

export interface VerifyOptions {
  readonly userAgent: string;
  /** For tests: sends to another origin than the table says. There is no setting for it. */
  readonly originFor?: (origin: string) => string;
  readonly timeoutMs?: number;
}

const AT_ONCE = 4;
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 64 * 1024;

/** By fingerprint. Never rejects. */
export async function verifyValues(
  asked: readonly Asked[],
  options: VerifyOptions,
): Promise<ReadonlyMap<string, Classified>> {
  const waiting = [...new Map(asked.map((one) => [one.fingerprint, one])).values()];
  const results = new Map<string, Classified>();
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one; one = waiting.shift())
      results.set(one.fingerprint, await verify(one, options));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function verify({ rule, value }: Asked, options: VerifyOptions): Promise<Classified> {
  const check = checkFor(rule.id);
  if (!check) return unknown('there is no check that is known to be safe');
  const request = value.revealText(check.request);
  if (typeof request === 'string') return unknown(request);
  try {
    return (check.classify ?? usual)(await ask(request, options));
  } catch {
    // What the runtime says of it could quote the request.
    return unknown('the provider gave no answer');
  }
}

async function ask(
  { origin, path, headers }: CheckRequest,
  { userAgent, originFor = (same) => same, timeoutMs = TIMEOUT_MS }: VerifyOptions,
): Promise<CheckAnswer> {
  const response = await fetch(`${originFor(origin)}${path}`, {
    method: 'GET',
    headers: { ...headers, accept: 'application/json', 'user-agent': userAgent },
    redirect: 'manual',
    // One request is one request: a reused connection would be tried again without a word when it breaks.
    keepalive: false,
    tls: { rejectUnauthorized: true },
    verbose: false,
    signal: AbortSignal.timeout(timeoutMs),
  });
  const { text, whole } = await beginningOf(response);
  const json = whole ? parsed(text) : undefined;
  return {
    status: response.status,
    json,
    isJson: whole ? json !== undefined : /^\s*[[{]/.test(text) && isJsonType(response),
    header: (name) => response.headers.get(name),
  };
}

function isJsonType({ headers }: Response): boolean {
  return /\bjson\b/i.test(headers.get('content-type') ?? '');
}

/** Long lists of models are not read to their end. */
async function beginningOf(response: Response): Promise<{ readonly text: string; readonly whole: boolean }> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  let whole = true;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true as const, value: undefined };
    if (done) break;
    parts.push(value);
    size += value.length;
    whole = size <= MOST_BYTES;
    if (!whole) break;
  }
  await reader?.cancel();
  return { text: new TextDecoder().decode(Buffer.concat(parts)), whole };
}

/** Undefined for what is no object and no list: a bare text or number is no answer of an API. */
function parsed(text: string): unknown {
  try {
    const json = JSON.parse(text) as unknown;
    return typeof json === 'object' && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}
