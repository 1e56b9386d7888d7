/** The part of the contract about keys and tokens that were found where they do not belong. */
import { z } from 'zod';
import * as leak from './leak-shapes.ts';

const none = z.strictObject({});

export const LEAK_ROUTES = {
  'leak.lookup': {
    method: 'POST',
    path: '/v1/leak-lookups',
    scope: 'leaks:read',
    params: none,
    query: none,
    body: leak.leakQuestion,
    response: leak.leakAnswer,
  },
  'leak.respond': {
    method: 'POST',
    path: '/v1/leak-responses',
    scope: 'leaks:write',
    params: none,
    query: none,
    body: leak.leakQuestion,
    response: leak.leakResponse,
  },
  'key.exposure': {
    method: 'POST',
    path: '/v1/keys/:name/exposure',
    scope: 'keys:write',
    params: z.strictObject({ name: z.string().min(1).max(100) }),
    query: none,
    body: leak.exposureChange,
    response: leak.exposureState,
  },
} as const;
