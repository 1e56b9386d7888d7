/** More tokens and keys for an open gate, and calls with them. */
import type { TokenRequest } from '../../src/access/tokens.ts';
import { Secret } from '../../src/core/secret.ts';
import { fixtureKey, LOCAL, MODEL, type OpenGate } from './harness.ts';

const DAY_MS = 86_400_000;

/** A token of team `acme` for Groq in `dev`, unless said otherwise. */
export async function issueToken(
  gate: OpenGate,
  change: Partial<TokenRequest> = {},
): Promise<{ readonly id: string; readonly text: string }> {
  const request = { team: 'acme', environment: 'dev', scopes: ['call:groq/*'], lifetimeMs: DAY_MS };
  const { token, text } = await gate.app.tokens.issue(LOCAL, { ...request, ...change });
  return { id: token.id, text };
}

/** The token with another last character, so that its checksum is wrong: never the token itself. */
export function mistyped(token: string): string {
  return token.slice(0, -1) + (token.endsWith('x') ? 'y' : 'x');
}

/** Seals a key for another upstream. Resolves to the key in clear. */
export async function addKey(
  gate: OpenGate,
  slot: {
    readonly name: string;
    readonly provider: string;
    readonly origin: string;
    readonly environment?: string;
  },
): Promise<string> {
  const key = fixtureKey();
  await gate.app.vault.addKey('local', { ...slot, allowPrivateOrigin: true }, Secret.fromText(key));
  return key;
}

export interface Sending {
  readonly token?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

/** A chat call; `body` is sent as it is when it is a text. */
export function postChat(gate: OpenGate, body: object | string, sending: Sending = {}): Promise<Response> {
  const { token = gate.token, path = '/openai/v1/chat/completions', headers = {}, signal } = sending;
  return fetch(gate.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : chatJson(body),
    redirect: 'manual',
    signal: signal ?? null,
  });
}

export function chatJson(change: object = {}): string {
  return JSON.stringify({ model: MODEL, messages: MESSAGES, max_completion_tokens: 50, ...change });
}

export interface ErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly code: string };
}

export async function errorOf(response: Response): Promise<ErrorBody['error']> {
  return ((await response.json()) as ErrorBody).error;
}
