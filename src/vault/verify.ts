/**
 * Whether a provider still takes a key, read from its answer to `GET models`. Facts: each provider's error page; for Groq also reports of
 * what production sends. Only a code decides that a key is dead: a bare 401 or 403 may come from a proxy on the way.
 * The request itself is the gateway's, the only part that sends anything; here it is a port.
 */
import type { KeyEvent } from '../audit/entry.ts';
import { versionId, type KeySlot } from './provider-keys.ts';

export type Verdict =
  /** Authenticated, and a list of models came back. Calls may still be blocked per model. */
  | 'alive'
  /** The provider does not know the key (any more). */
  | 'dead'
  /** The key works, its organization may not spend or call. */
  | 'restricted'
  /** The key works, a permission set in the provider's console forbids this. */
  | 'blocked'
  /** No answer about the key: network, or an edge in front of the provider. */
  | 'unreachable'
  /** An answer that proves neither. */
  | 'unknown';

export interface Verification {
  readonly verdict: Verdict;
  readonly meaning: string;
  /** What to do now, or null when nothing is to be done. */
  readonly fix: string | null;
  /** The provider's own code, when it has the form of one. */
  readonly errorCode: string | null;
  /** 0 only for `alive`. */
  readonly exit: 0 | 1;
}

export interface ProbeAnswer {
  readonly status: number;
  /** Parsed JSON or text. */
  readonly body: unknown;
}

/** Sends `GET models` with the slot's key. Rejects when there was no answer. */
export type Probe = (principal: string, slot: KeySlot) => Promise<ProbeAnswer>;

export interface VerifiedKey extends Verification {
  readonly status: number | null;
  /** For the journal: null when the answer says nothing about the key. */
  readonly event: KeyEvent | null;
}

const DEAD = ['invalid_api_key', 'authentication_error'];
const ADDRESS = ['ip_not_authorized', 'ip_address_not_authorized'];
/** Groq: model_permission_blocked_org, permissions_error; Anthropic: permission_error; OpenAI: insufficient_permissions, missing_scope. */
const PERMISSION = /permission|scope/;
const RESTRICTED = [
  'organization_restricted',
  'organization_on_hold',
  'blocked_api_access',
  'insufficient_quota',
  'billing_error',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
];

/** Asks the provider through `probe`. Never rejects for a failed probe: that is the verdict `unreachable`. */
export async function verifyKey(probe: Probe, principal: string, slot: KeySlot): Promise<VerifiedKey> {
  let answer: ProbeAnswer;
  try {
    answer = await probe(principal, slot);
  } catch {
    return { ...unreachable('The provider gave no answer.'), status: null, event: null };
  }
  const result = interpretVerification(answer.status, answer.body);
  const { verdict, errorCode } = result;
  const aboutTheKey = verdict !== 'unreachable' && verdict !== 'unknown';
  const event: KeyEvent | null = aboutTheKey
    ? {
        action: verdict === 'alive' ? 'key.verified' : 'key.rejected',
        keyId: versionId(slot.name, slot.activeVersion),
        provider: slot.provider,
        status: answer.status,
        errorCode,
        principal,
      }
    : null;
  return { ...result, status: answer.status, event };
}

/**
 * What an answer to `GET models` says about the key. Pure. Texts never repeat the provider's message, which may quote the key or name
 * the organization.
 */
export function interpretVerification(status: number, body: unknown): Verification {
  const json = parsed(body);
  const error = errorOf(json);
  const code = error.code ?? error.type;
  const is = (codes: readonly string[]): boolean =>
    [error.code, error.type].some((one) => one !== null && codes.includes(one));
  if (status === 200) return ok(json);
  if (is(RESTRICTED) || (error.code?.startsWith('spend_') ?? false) || status === 402) {
    return verification(
      'restricted',
      "The key works, but the provider has restricted its organization's spending or access.",
      "Look at billing and limits in the provider's console; every key of that organization is affected.",
      code,
    );
  }
  if (status === 401) return unauthorized(is, code);
  if (status === 403) return forbidden(error, code);
  if (status === 429) {
    return verification(
      'unknown',
      'The provider limits the rate of requests now.',
      'Try again in a minute.',
      code,
    );
  }
  if (status >= 500) {
    return verification('unknown', 'The provider has a problem of its own.', 'Try again later.', code);
  }
  return verification(
    'unknown',
    `The provider answered ${status}, which says nothing about the key.`,
    "Check the slot's upstream origin: this does not look like the provider's API.",
    code,
  );
}

function ok(json: unknown): Verification {
  // A sign-in page of the network in between also answers 200.
  if (isObject(json) && Array.isArray(json['data'])) {
    return verification('alive', 'The provider accepts the key.', null, null);
  }
  return verification(
    'unknown',
    'The answer was 200 but not a list of models.',
    "Check the slot's upstream origin, and whether the network in between answers in the provider's place.",
    null,
  );
}

function unauthorized(is: (codes: readonly string[]) => boolean, code: string | null): Verification {
  if (is(ADDRESS)) {
    return verification(
      'blocked',
      "The key works, but not from this server's address.",
      "Add this server's public address to the allow-list in the provider's console.",
      code,
    );
  }
  if (is(DEAD)) {
    return verification(
      'dead',
      'The provider does not accept the key: it was deleted, or never was one.',
      "Make a new key in the provider's console and add it with --replace.",
      code,
    );
  }
  return verification(
    'unknown',
    'The answer was 401 without a code that says the key is invalid.',
    'Try again; if it stays so, check the upstream origin and any proxy on the way.',
    code,
  );
}

function forbidden(error: ProviderError, code: string | null): Verification {
  if ([error.code, error.type].some((one) => one !== null && PERMISSION.test(one))) {
    return verification(
      'blocked',
      "The key works, but a permission in the provider's console blocks this.",
      "Look at the permissions of the key's organization and project in the provider's console.",
      code,
    );
  }
  if (error.code === null || error.code.startsWith('unsupported_country')) {
    return unreachable(
      "The request was blocked before the provider looked at the key (403 from the network's edge).",
    );
  }
  return verification(
    'unknown',
    'The answer was 403 with a code that says nothing about the key.',
    "Look the code up in the provider's documentation.",
    code,
  );
}

function unreachable(meaning: string): Verification {
  return verification(
    'unreachable',
    meaning,
    "Check this server's network, VPN or proxy. The key itself is not in question.",
    null,
  );
}

function verification(
  verdict: Verdict,
  meaning: string,
  fix: string | null,
  errorCode: string | null,
): Verification {
  return { verdict, meaning, fix, errorCode, exit: verdict === 'alive' ? 0 : 1 };
}

interface ProviderError {
  readonly code: string | null;
  readonly type: string | null;
}

/** OpenAI, Groq and Anthropic all put an object named `error` at the top. */
function errorOf(json: unknown): ProviderError {
  const error = isObject(json) && isObject(json['error']) ? json['error'] : {};
  return { code: token(error['code']), type: token(error['type']) };
}

/** Only what looks like a code: never free text, which may hold anything. */
function token(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z][a-z0-9_.]{1,63}$/.test(value) ? value : null;
}

function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
