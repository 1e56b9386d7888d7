/** Of which provider a found value is, and how its own packages call the variables that they read. */
import { findProvider } from '../providers/catalog.ts';
import type { Finding } from '../scan/finding.ts';
import type { Owner } from '../scan/owner.ts';
import type { GatewayAddress } from '../setup/gateway-address.ts';

export interface Served {
  readonly gateway: GatewayAddress;
  /** Providers that the gateway has a key of in use. */
  readonly withKey: Set<string>;
  /** By fingerprint, what the gateway knows. */
  readonly owners: ReadonlyMap<string, { readonly owners: readonly Owner[] }>;
}

const BY_RULE: Readonly<Record<string, string>> = {
  'groq-api-key': 'groq',
  'openai-api-key': 'openai',
  'openai-project-key': 'openai',
};

/** Null for one that the gateway does not serve. What it holds decides before what the value looks like. */
export function providerOf({ rule, fingerprint }: Finding, { owners }: Served): string | null {
  const owner = owners.get(fingerprint)?.owners.find((one) => one.kind === 'key');
  const provider = owner?.provider ?? BY_RULE[rule.id];
  return provider !== undefined && findProvider(provider) ? provider : null;
}

export function usualName(provider: string): string {
  return `${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_API_KEY`;
}

/** The variable by which the provider's own packages find another address, and what goes into it. */
export function baseUrl(
  provider: string,
  { origin }: GatewayAddress,
): readonly [name: string, value: string] {
  // Groq's package adds the rest of the path by itself.
  const path = provider === 'groq' ? '' : (findProvider(provider)?.basePath ?? '');
  return [
    `${provider.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_BASE_URL`,
    `${origin}/p/${provider}${path}`,
  ];
}
