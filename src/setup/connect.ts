/** Picks the recipe of a client for one gateway and provider. Refuses what would not work, and says what would. Pure. */
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { findProvider, type Provider, providerIds } from '../providers/catalog.ts';
import { type Client, CLIENTS, type Recipe } from './clients.ts';
import type { GatewayAddress } from './gateway-address.ts';

/** Throws `input.invalid` for an unknown client, and for one whose dialect the gateway does not speak. */
export function findClient(id: string): Client {
  const client = CLIENTS.find((one) => one.id === id);
  if (!client) {
    const ids = CLIENTS.map((one) => one.id);
    throw new SallyportError('input.invalid', 'There is no such client.', {
      fix: suggest(id, ids, `Use one of ${ids.join(', ')}.`),
    });
  }
  if (served().has(client.dialect)) return client;
  throw new SallyportError(
    'input.invalid',
    `${client.name} speaks the Messages API, and this gateway does not serve that yet.`,
    {
      fix: 'It serves chat/completions of Groq and OpenAI: see sallyport connect aider, openai or ai-sdk. No Anthropic key can be added here either.',
    },
  );
}

function served(): ReadonlySet<string> {
  return new Set(providerIds().map((id) => findProvider(id)?.dialect ?? ''));
}

/**
 * The provider that is meant: the client's only one, the asked one, or the only one of `withKey`, those that the gateway has a key for.
 * Throws `input.invalid` when that leaves none or several.
 */
export function chooseProvider(
  client: Client,
  asked: string | undefined,
  withKey: readonly string[],
): Provider {
  const distinct = [...new Set(withKey)];
  const id = asked ?? client.provider ?? (distinct.length === 1 ? distinct[0] : undefined);
  if (id === undefined) {
    throw new SallyportError('input.invalid', 'It is not clear which provider is meant.', {
      fix: `Name it: --provider ${(distinct.length > 0 ? distinct : providerIds()).join(' or --provider ')}.`,
    });
  }
  const provider = findProvider(id);
  if (!provider) {
    throw new SallyportError('input.invalid', 'There is no such provider.', {
      fix: suggest(id, providerIds(), `The providers are ${providerIds().join(', ')}.`),
    });
  }
  if (client.provider !== null && client.provider !== provider.id) {
    throw new SallyportError('input.invalid', `${client.name} speaks to ${client.provider} only.`, {
      fix: `Leave --provider out, or use another client: sallyport connect openai --provider ${provider.id}.`,
    });
  }
  return provider;
}

const MODEL = /^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}$/;

/** Throws `input.invalid` for a model that cannot be one, `config.invalid` where the client cannot reach the gateway. */
export function recipeFor(
  client: Client,
  provider: Provider,
  gateway: GatewayAddress,
  model = provider.exampleModel,
): Recipe {
  if (!MODEL.test(model)) {
    throw new SallyportError('input.invalid', '--model is not the id of a model.', {
      fix: `Write it as the provider does, such as ${provider.exampleModel}.`,
    });
  }
  if (client.remote && gateway.loopback) {
    throw new SallyportError(
      'config.invalid',
      `${client.name} calls from its vendor's servers, which do not reach ${gateway.origin}.`,
      {
        fix: 'Put the gateway on a public https address (docs/guide/deploy.md), then name that with --gateway.',
      },
    );
  }
  return client.recipe({
    gateway: gateway.origin,
    loopback: gateway.loopback,
    path: `/p/${provider.id}${provider.basePath}`,
    shortPath: `/p/${provider.id}`,
    provider: provider.id,
    model,
  });
}
