/** How an access token gets into the CLI: standard input, or a prompt that does not echo. Only a token for calls is let in. */
import { parseToken } from '../access/token-format.ts';
import { SallyportError } from '../core/errors.ts';
import type { Io } from './io.ts';
import { readSecretValue } from './key-value.ts';

/** Throws `input.invalid`, and repeats nothing of what was given. */
export async function readAccessToken(io: Io, fix: string): Promise<string> {
  const text = (await readSecretValue(io, 'access token', 'token', fix)).trim();
  const token = parseToken(text);
  if (token && token.type !== 'admin') return text;
  if (token) {
    throw new SallyportError('input.invalid', 'that is an admin token; it makes no calls', { fix });
  }
  throw new SallyportError('input.invalid', 'that is no access token of Sallyport', {
    fix: "a provider's key belongs into the vault, not into an application: sallyport key add",
  });
}

/** A value that can be issued again may be replaced without a word. */
export function isAccessToken(value: string): boolean {
  return parseToken(value) !== null;
}
