/** The part of the contract about provider keys. */
import { z } from 'zod';
import * as hygiene from './hygiene-shapes.ts';
import * as shape from './shapes.ts';

const none = z.strictObject({});
const named = z.strictObject({ name: z.string().min(1).max(100) });

export const KEY_ROUTES = {
  'key.list': {
    method: 'GET',
    path: '/v1/keys',
    scope: 'keys:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ keys: z.array(shape.key) }),
  },
  'key.add': {
    method: 'POST',
    path: '/v1/keys',
    scope: 'keys:write',
    params: none,
    query: none,
    body: shape.keyRequest,
    response: shape.addedKey,
  },
  'key.declare': {
    method: 'POST',
    path: '/v1/key-slots',
    scope: 'keys:write',
    params: none,
    query: none,
    body: shape.keyDeclaration,
    response: shape.key,
  },
  'key.hygiene': {
    method: 'GET',
    path: '/v1/key-hygiene',
    scope: 'keys:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ keys: z.array(hygiene.keyHygiene) }),
  },
  'key.attest': {
    method: 'POST',
    path: '/v1/keys/:name/spend-limit',
    scope: 'keys:write',
    params: named,
    query: none,
    body: hygiene.attestation,
    response: hygiene.spendLimit,
  },
  'key.show': {
    method: 'GET',
    path: '/v1/keys/:name',
    scope: 'keys:read',
    params: named,
    query: none,
    body: none,
    response: shape.keyDetails,
  },
  'key.verify': {
    method: 'POST',
    path: '/v1/keys/:name/verify',
    scope: 'keys:write',
    params: named,
    query: none,
    body: none,
    response: shape.verification,
  },
  'key.state': {
    method: 'POST',
    path: '/v1/keys/:name/state',
    scope: 'keys:write',
    params: named,
    query: none,
    body: z.strictObject({ state: z.enum(['active', 'disabled']) }),
    response: shape.key,
  },
} as const;
