/**
 * Refusals with the bodies and headers seen from the real provider: one row per kind.
 * Sources: the provider's Errors, Rate Limits, Model Permissions and Spend Limits pages, and error bodies
 * quoted in public issue trackers (2024 to 2026). Wording that nobody has published is marked `guess`.
 */
import { limitHeaders } from './limits.ts';

export const ERROR_ROWS = [
  '401',
  '403_model_org',
  '403_model_project',
  '403_html',
  '403_network',
  '404_model',
  '400_decommissioned',
  '400_spend',
  '400_blocked_api_access',
  '400_org_restricted',
  '400_json_validate',
  '400_tool_use',
  '413',
  '424',
  '429_minute',
  '429_requests',
  '429_daily',
  '429_too_large',
  '498',
  '499',
  '500',
  '502',
  '503',
  '200_html',
  'redirect',
] as const;
export type ErrorRow = (typeof ERROR_ROWS)[number];

/** A whole reply of known length. */
export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answered in front of the API: no request id, no region, no limits. */
  readonly edge?: true;
}

/** What an error text mentions. `echo` is appended to the message. */
export interface ErrorFacts {
  readonly model: string;
  readonly echo: string;
  /** Where `redirect` points: another origin than the one called. */
  readonly elsewhere: string;
}

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html; charset=UTF-8';
const ORGANIZATION = 'org_01jy3f0e8vfkz9m4q2w7t6r5xs';
const UPGRADE = 'Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing';

/** The reply for one row. */
export function errorReply(row: ErrorRow, facts: ErrorFacts): Reply {
  return ROWS[row](facts);
}

/** An error body in the provider's shape; absent fields stay absent, and the body ends with a line feed. */
export function jsonError(
  status: number,
  error: { message: string; type?: string; code?: string; param?: string; failed_generation?: string },
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify({ error })}\n`, headers };
}

export function unknownUrl(method: string, path: string, echo: string): Reply {
  const message = `Unknown request URL: ${method} ${path}. Please check the URL for typos, or see the docs at https://console.groq.com/docs/`;
  return jsonError(404, { message: message + echo, type: INVALID, code: 'unknown_url' });
}

/** A malformed request: status 400 and no code, as the provider's schema checks answer. */
export function badRequest(message: string, param?: string): Reply {
  return jsonError(400, { message, type: INVALID, ...(param === undefined ? {} : { param }) });
}

export function contextExceeded(echo: string): Reply {
  const message = `Please reduce the length of the messages or completion.${echo}`;
  return jsonError(400, { message, type: INVALID, param: 'messages', code: 'context_length_exceeded' });
}

const INVALID = 'invalid_request_error';
const PERMISSIONS = 'permissions_error';
const SERVER = 'internal_server_error';

const ROWS: Readonly<Record<ErrorRow, (facts: ErrorFacts) => Reply>> = {
  '401': ({ echo }) =>
    jsonError(401, { message: `Invalid API Key${echo}`, type: INVALID, code: 'invalid_api_key' }),

  '403_model_org': ({ model, echo }) =>
    jsonError(403, {
      message: `The model \`${model}\` is blocked at the organization level. Please have the org admin enable this model in the org settings at https://console.groq.com/settings/limits${echo}`,
      type: PERMISSIONS,
      code: 'model_permission_blocked_org',
    }),
  '403_model_project': ({ model, echo }) =>
    jsonError(403, {
      message: `The model \`${model}\` is blocked at the project level. Please have a project admin enable this model in the project settings at https://console.groq.com/settings/project/limits${echo}`,
      type: PERMISSIONS,
      code: 'model_permission_blocked_project',
    }),
  '403_html': ({ echo }) =>
    page(403, 'Attention Required! | Cloudflare', `Sorry, you have been blocked${echo}`),
  '403_network': ({ echo }) => ({
    ...jsonError(403, { message: `Access denied. Please check your network settings.${echo}` }),
    edge: true,
  }),

  '404_model': ({ model, echo }) =>
    jsonError(404, {
      message: `The model \`${model}\` does not exist or you do not have access to it.${echo}`,
      type: INVALID,
      code: 'model_not_found',
    }),
  '400_decommissioned': ({ model, echo }) =>
    jsonError(400, {
      message: `The model \`${model}\` has been decommissioned and is no longer supported. Please refer to https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.${echo}`,
      type: INVALID,
      code: 'model_decommissioned',
    }),

  // guess: the wording and the rest of the code; only the `spend_` prefix and the type were reported.
  '400_spend': ({ echo }) =>
    jsonError(400, {
      message: `Your organization has reached its monthly spend limit. Increase the limit at https://console.groq.com/settings/billing/limits to continue.${echo}`,
      type: INVALID,
      code: 'spend_limit_reached',
    }),
  // guess: the wording; the code is documented.
  '400_blocked_api_access': ({ echo }) =>
    jsonError(400, {
      message: `API access is blocked because your organization has reached its spend limit.${echo}`,
      type: INVALID,
      code: 'blocked_api_access',
    }),
  '400_org_restricted': ({ echo }) =>
    jsonError(400, {
      message: `Organization has been restricted. Please reach out to support if you believe this was in error.${echo}`,
      type: INVALID,
      code: 'organization_restricted',
    }),

  '400_json_validate': ({ echo }) =>
    jsonError(400, {
      message: `Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.${echo}`,
      type: INVALID,
      code: 'json_validate_failed',
      failed_generation: '{"answer": "as you said, the patient is called Ada',
    }),
  '400_tool_use': ({ echo }) =>
    jsonError(400, {
      message: `Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.${echo}`,
      type: INVALID,
      code: 'tool_use_failed',
      failed_generation: '<function=lookup{"name": "Ada"}</function>',
    }),

  '413': ({ model, echo }) => tooLarge(413, model, echo),
  // guess: the wording.
  '424': ({ echo }) =>
    jsonError(424, {
      message: `Failed to authenticate with the MCP server.${echo}`,
      type: INVALID,
      code: 'external_connector_error',
    }),

  '429_minute': ({ model, echo }) =>
    limited(
      `Rate limit reached for model \`${model}\` in organization \`${ORGANIZATION}\` service tier \`on_demand\` on tokens per minute (TPM): Limit 8000, Used 7925, Requested 342. Please try again in 2.0025s. ${UPGRADE}${echo}`,
      'tokens',
      limitHeaders({ tokens: { limit: 8000, remaining: 75, resetMs: 59_437.5 } }),
    ),
  '429_requests': ({ model, echo }) =>
    limited(
      `Rate limit reached for model \`${model}\` in organization \`${ORGANIZATION}\` service tier \`on_demand\` on requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in 2s. ${UPGRADE}${echo}`,
      'requests',
      limitHeaders({}),
    ),
  '429_daily': ({ model, echo }) =>
    limited(
      `Rate limit reached for model \`${model}\` in organization \`${ORGANIZATION}\` service tier \`on_demand\` on tokens per day (TPD): Limit 200000, Used 199422, Requested 2970. Please try again in 17m13.344s. ${UPGRADE}${echo}`,
      'tokens',
      limitHeaders({ tokens: { limit: 8000, remaining: 7997, resetMs: 22.5 } }),
    ),
  '429_too_large': ({ model, echo }) => tooLarge(429, model, echo),

  // guess: the wording; status and code are documented.
  '498': ({ echo }) =>
    jsonError(498, {
      message: `Flex tier capacity exceeded, please try again later.${echo}`,
      type: SERVER,
      code: 'capacity_exceeded',
    }),
  '499': ({ echo }) => jsonError(499, { message: `Request cancelled.${echo}`, type: INVALID }),
  '500': ({ echo }) => jsonError(500, { message: `Internal Server Error${echo}`, type: SERVER }),
  '502': ({ echo }) => ({
    status: 502,
    contentType: 'text/plain; charset=UTF-8',
    body: `error code: 502${echo}`,
    edge: true,
  }),
  '503': ({ echo }) => jsonError(503, { message: `Service Unavailable${echo}`, type: SERVER }),

  '200_html': ({ echo }) => page(200, 'Just a moment...', `Checking your browser${echo}`),
  redirect: ({ elsewhere }) => ({
    status: 307,
    contentType: HTML_TYPE,
    body: '',
    headers: { location: elsewhere },
    edge: true,
  }),
};

function limited(message: string, type: 'tokens' | 'requests', headers: Record<string, string>): Reply {
  return jsonError(429, { message, type, code: 'rate_limit_exceeded' }, { ...headers, 'retry-after': '2' });
}

function tooLarge(status: 413 | 429, model: string, echo: string): Reply {
  const message = `Request too large for model \`${model}\` in organization \`${ORGANIZATION}\` service tier \`on_demand\` on tokens per minute (TPM): Limit 8000, Requested 8222, please reduce your message size and try again. ${UPGRADE}${echo}`;
  const headers = limitHeaders({ tokens: { limit: 8000, remaining: 8000, resetMs: 0 } });
  return jsonError(status, { message, type: 'tokens', code: 'rate_limit_exceeded' }, headers);
}

function page(status: number, title: string, text: string): Reply {
  const body = `<!DOCTYPE html>\n<html lang="en-US">\n<head><title>${title}</title></head>\n<body><h1>${text}</h1></body>\n</html>\n`;
  return { status, contentType: HTML_TYPE, body, edge: true };
}
