/** `GET /metrics`: the one route that is no part of the contract, because its reader is Prometheus. */
import { CONTENT_TYPE } from '../telemetry/exposition.ts';
import { FIXED_HEADERS } from './error-reply.ts';
import type { AdminContext } from './admin.ts';
import { requireScope } from './principal.ts';

export const METRICS_PATH = '/metrics';
export const METRICS_SCOPE = 'metrics:read';

/** Rejects with `admin.forbidden` without the scope. */
export async function metricsReply(
  { principal, requestId }: AdminContext,
  metrics: () => Promise<string>,
): Promise<Response> {
  requireScope(principal, METRICS_SCOPE);
  const headers = { ...FIXED_HEADERS, 'content-type': CONTENT_TYPE, 'x-request-id': requestId };
  return new Response(await metrics(), { headers });
}
