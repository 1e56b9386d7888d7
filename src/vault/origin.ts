/**
 * Where a provider key may be sent: an exact origin, checked when the key is added and bound into its envelope.
 * A mistake or a metadata address is caught here. A name that is pointed elsewhere later is not: TLS to that name is what protects
 * the key then, which is why plain http is for loopback and private addresses only.
 */
import { lookup } from 'node:dns/promises';
import { SallyportError } from '../core/errors.ts';
import { classifyAddress, isAddress, type AddressClass } from './address.ts';

/** The addresses of a host name; empty when it has none now. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

const RESOLVE_MS = 3_000;
const MAX_HOST_CHARS = 253;
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
]);

/** The system's resolver, hosts file included. A name without an answer after 3 s counts as unresolved. */
export const systemResolve: Resolve = async (hostname) => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never[]>((done) => {
    timer = setTimeout(() => done([]), RESOLVE_MS);
  });
  const answer = lookup(hostname, { all: true }).then(
    (found) => found.map((entry) => entry.address),
    () => [],
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Resolves when `origin` may receive a key. Rejects with `input.invalid`; messages never repeat what was given, which may be a key
 * pasted into the wrong field. A public name that does not resolve here (a host that reaches the internet by proxy) is accepted.
 */
export async function checkOrigin(
  origin: string,
  allowPrivate: boolean,
  resolve: Resolve = systemResolve,
): Promise<void> {
  const url = parseOrigin(origin);
  const host = url.hostname;
  const kinds = await placesOf(host, resolve);
  if (kinds.includes('metadata')) throw metadata();
  if (kinds.includes('reserved')) {
    throw refused('The upstream address is not one that a provider can have.', 'Check the host name.');
  }
  const inside = kinds.length > 0 && kinds.every(isInside);
  if (url.protocol === 'http:' && !(allowPrivate && inside)) {
    throw refused(
      'A provider key is sent by plain http only to a loopback or private address, and only when that is allowed.',
      `Use https, or for a server of your own that is running now add --allow-private-origin.`,
    );
  }
  if (!allowPrivate && kinds.some(isInside)) {
    throw refused(
      'The upstream is a loopback, private or link-local address.',
      'If it is a server of your own, add --allow-private-origin.',
    );
  }
}

/** What kinds of place a URL's host name leads to now; none when it has no address. */
export async function placesOf(host: string, resolve: Resolve): Promise<AddressClass[]> {
  if (METADATA_NAMES.has(host)) return ['metadata'];
  return (await addressesOf(host, resolve)).map(classifyAddress);
}

function parseOrigin(origin: string): URL {
  const url = URL.parse(origin);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused('The upstream origin is not an http(s) URL.', 'Write it like https://api.groq.com');
  }
  if (url.hostname.endsWith('.') || url.hostname.length > MAX_HOST_CHARS) {
    throw refused('The upstream host name is too long or ends with a dot.', 'Check the host name.');
  }
  if (url.origin !== origin) {
    throw refused(
      'The upstream must be a bare origin: no path, query, user name or default port, all lower case.',
      `Write it as ${url.origin}`,
    );
  }
  return url;
}

async function addressesOf(host: string, resolve: Resolve): Promise<readonly string[]> {
  if (isAddress(host)) return [host];
  // RFC 6761: these names are loopback whatever a resolver says.
  if (host === 'localhost' || host.endsWith('.localhost')) return ['127.0.0.1'];
  return resolve(host);
}

/** On this machine or its network. */
export function isInside(kind: AddressClass): boolean {
  return kind === 'loopback' || kind === 'private' || kind === 'link-local';
}

function metadata(): SallyportError {
  return refused(
    'The upstream is a cloud metadata service; a key is never sent there.',
    'Check the host name.',
  );
}

function refused(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
