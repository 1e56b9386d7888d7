/** The part of the contract about alerts: where they go, and what is on its way. */
import { z } from 'zod';
import * as alert from './alert-shapes.ts';

const none = z.strictObject({});
const name = z.string().min(1).max(100);
const named = z.strictObject({ name });

export const ALERT_ROUTES = {
  'alert.list': {
    method: 'GET',
    path: '/v1/alerts',
    scope: 'alerts:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ destinations: z.array(alert.destination) }),
  },
  'alert.add': {
    method: 'POST',
    path: '/v1/alerts',
    scope: 'alerts:write',
    params: none,
    query: none,
    body: alert.destinationRequest,
    response: alert.addedDestination,
  },
  'alert.outbox': {
    method: 'GET',
    path: '/v1/alert-outbox',
    scope: 'alerts:read',
    params: none,
    query: alert.outboxFilter,
    body: none,
    response: z.object({ alerts: z.array(alert.outboxItem) }),
  },
  'alert.retry': {
    method: 'POST',
    path: '/v1/alert-outbox/retry',
    scope: 'alerts:write',
    params: none,
    query: none,
    body: z.strictObject({ destination: name.optional() }),
    response: z.object({ retried: z.int() }),
  },
  'alert.show': {
    method: 'GET',
    path: '/v1/alerts/:name',
    scope: 'alerts:read',
    params: named,
    query: none,
    body: none,
    response: alert.destinationDetails,
  },
  'alert.change': {
    method: 'PATCH',
    path: '/v1/alerts/:name',
    scope: 'alerts:write',
    params: named,
    query: none,
    body: alert.destinationChange,
    response: alert.changedDestination,
  },
  'alert.test': {
    method: 'POST',
    path: '/v1/alerts/:name/test',
    scope: 'alerts:write',
    params: named,
    query: none,
    body: none,
    response: alert.trial,
  },
  'alert.rotate': {
    method: 'POST',
    path: '/v1/alerts/:name/secret',
    scope: 'alerts:write',
    params: named,
    query: none,
    body: alert.secretRotation,
    response: alert.addedDestination,
  },
  'alert.remove': {
    method: 'POST',
    path: '/v1/alerts/:name/remove',
    scope: 'alerts:write',
    params: named,
    query: none,
    body: none,
    response: alert.removedDestination,
  },
} as const;
