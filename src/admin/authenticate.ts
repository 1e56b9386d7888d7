/** The gate of the admin listener on TCP: an admin token, from this machine, and not from a web page. */
import type { Token, Tokens } from '../access/tokens.ts';
import { SallyportError } from '../core/errors.ts';
import type { Principal } from './principal.ts';

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?$/i;
// Not sec-fetch-mode: the fetch of Node sends it too.
const BROWSER_HEADERS = ['origin', 'sec-fetch-site', 'sec-fetch-dest'];

/**
 * Throws `admin.forbidden` for what a web page may have sent: a name that a DNS server points at this machine, or a browser's own
 * headers. Runs before the credential is looked at.
 */
export function refuseWebPages(headers: Headers): void {
  if (!LOOPBACK_HOST.test(headers.get('host') ?? '')) {
    throw new SallyportError('admin.forbidden', 'The Host header names no loopback address.', {
      fix: 'Call the admin listener as 127.0.0.1, [::1] or localhost.',
    });
  }
  if (BROWSER_HEADERS.some((name) => headers.has(name))) {
    throw new SallyportError('admin.forbidden', 'The admin listener takes no requests from web pages.', {
      fix: 'Call it from a program, without an Origin header.',
    });
  }
}

/** The principal of an admin token. Throws `admin.unauthorized`, or `admin.forbidden` for a token that is valid but not for this. */
export function authenticateAdmin(tokens: Tokens, headers: Headers, address: string): Principal {
  const token = validToken(tokens, headers.get('authorization'));
  if (token.type !== 'admin') {
    throw new SallyportError('admin.forbidden', 'This is not an admin token.', {
      detail: `token ${token.id} of type ${token.type}`,
      fix: 'Use an admin token: sallyport token issue --type admin',
    });
  }
  if (!token.allowsAddress(address)) {
    throw new SallyportError('admin.forbidden', 'This token may not be used from this address.', {
      detail: `token ${token.id} from ${address}`,
      fix: 'Call from a network that the token is bound to.',
    });
  }
  const bounds = { expiresAtMs: token.expiresAtMs, cidrs: token.cidrs };
  return { kind: 'admin', id: `admin:${token.id}`, scopes: token.scopes, bounds };
}

function validToken(tokens: Tokens, authorization: string | null): Token {
  // The runtime joins repeated headers with ", ": then it is not one credential.
  const credential = /^Bearer +([^\s,]+)$/i.exec(authorization ?? '')?.[1];
  try {
    return tokens.authenticate(credential ?? '');
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    throw new SallyportError('admin.unauthorized', error.message, {
      detail: credential === undefined ? 'no credential' : (error.detail ?? ''),
      fix: 'Send "Authorization: Bearer sallyp_m..." with an admin token.',
    });
  }
}
