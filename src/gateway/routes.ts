/**
 * The closed table of addresses. A request chooses a row of it, never a path: what is sent upstream is built from the row. Only the
 * normal form of a path is taken, so nothing that another parser might read differently gets through.
 */
import { SallyportError } from '../core/errors.ts';
import { findProvider, providerIds, type Provider } from '../providers/catalog.ts';

export type Endpoint = 'chat/completions' | 'models' | 'model';

export interface CallRoute {
  readonly kind: 'call';
  readonly endpoint: Endpoint;
  /** Named by the path, or null: the token's default provider. */
  readonly provider: Provider | null;
  /** Set for `model` only, decoded. */
  readonly modelId: string | null;
}

/** Answered by the gateway itself. */
const OWN = ['healthz', 'readyz', 'health', 'usage', 'audit'] as const;

type Own = (typeof OWN)[number];

export type Route = CallRoute | { [K in Own]: { readonly kind: K } }[Own];

/** Provider endpoints that exist, but bypass model, budget or data rules: off. */
const OFF =
  /^(?:responses|completions|embeddings|moderations|images|audio|files|uploads|batches|fine_tunings?|assistants|threads|vector_stores|realtime)(?:\/|$)/;

/** Prefixes that SDKs put before an endpoint; a Groq base URL with its path gives the first one twice. */
const PREFIX = /^(?:openai\/v1\/|v1\/){1,2}/;

/** Throws `request.unknown_path`, `request.invalid` or `access.feature`. */
export function matchRoute(method: string, url: string, host: string | null): Route {
  const path = normalPath(url, host);
  const own = OWN.find((name) => path === `/${name}`);
  if (own) {
    if (method !== 'GET') throw unknown(method, path);
    return { kind: own };
  }
  const { provider, rest } = splitProvider(method, path);
  const prefix = PREFIX.exec(rest)?.[0];
  if (prefix === undefined) throw unknown(method, path);
  const endpoint = rest.slice(prefix.length);
  if (method === 'POST' && endpoint === 'chat/completions') return call('chat/completions', provider);
  if (method === 'GET' && endpoint === 'models') return call('models', provider);
  if (method === 'GET' && endpoint.startsWith('models/')) {
    return { ...call('model', provider), modelId: endpoint.slice('models/'.length) };
  }
  if (OFF.test(endpoint)) {
    throw new SallyportError('access.feature', `The endpoint ${endpoint.slice(0, 80)} is off.`, {
      fix: 'This gateway passes chat/completions and models.',
    });
  }
  throw unknown(method, path);
}

function call(endpoint: Endpoint, provider: Provider | null): CallRoute {
  return { kind: 'call', endpoint, provider, modelId: null };
}

/** The path as the route table spells it, without a leading host or trailing slash. */
function normalPath(url: string, host: string | null): string {
  // The runtime hands over a raw, relative target when the Host header is unusable.
  if (!url.startsWith('http') || host === null || host.includes(',')) {
    throw new SallyportError('request.invalid', 'The request has no usable Host header.', {
      fix: 'Send exactly one Host header.',
    });
  }
  const path = url
    .slice(url.indexOf('/', 8))
    .replace(/^\/((?:p\/[a-z0-9]+\/)?(?:openai\/v1\/|v1\/){1,2}models\/)([^/]+)$/, decodeModelId);
  if (path.includes('?')) {
    throw new SallyportError('request.invalid', 'Query parameters are not taken here.', {
      fix: 'Remove everything from "?" on.',
    });
  }
  if (!/^\/[A-Za-z0-9._~/:@+-]*$/.test(path) || path.includes('//') || path.includes('/.')) {
    throw new SallyportError('request.unknown_path', 'The path is not in its plain form.', {
      fix: 'Use one of the documented paths, without encoded or doubled characters.',
    });
  }
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** SDKs encode the slash inside a model's id; nothing else may be encoded. */
function decodeModelId(_whole: string, prefix: string, id: string): string {
  return `/${prefix}${id.replaceAll(/%2f/gi, '/')}`;
}

function splitProvider(method: string, path: string): { provider: Provider | null; rest: string } {
  const named = /^\/p\/([^/]+)\/(.+)$/.exec(path);
  if (!named) return { provider: null, rest: path.slice(1) };
  const [, id = '', rest = ''] = named;
  const provider = findProvider(id);
  if (!provider) {
    throw new SallyportError(
      'request.unknown_path',
      `There is no provider "${id.slice(0, 40)}" (${method}).`,
      {
        fix: `The providers are ${providerIds().join(', ')}.`,
      },
    );
  }
  return { provider, rest };
}

function unknown(method: string, path: string): SallyportError {
  return new SallyportError('request.unknown_path', `There is nothing at ${method} ${path.slice(0, 120)}.`, {
    fix: 'The paths are /p/<provider>/openai/v1/chat/completions and .../models; see the README.',
  });
}
