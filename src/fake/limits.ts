/**
 * Rate-limit headers. The two pairs mean requests per day and tokens per minute, whatever limit was hit.
 */
export interface Window {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

const REQUESTS: Window = { limit: 500_000, remaining: 499_999, resetMs: 172.8 };
const TOKENS: Window = { limit: 250_000, remaining: 249_910, resetMs: 21.6 };

export function limitHeaders(windows: { requests?: Window; tokens?: Window }): Record<string, string> {
  const requests = windows.requests ?? REQUESTS;
  const tokens = windows.tokens ?? TOKENS;
  return {
    'x-ratelimit-limit-requests': String(requests.limit),
    'x-ratelimit-limit-tokens': String(tokens.limit),
    'x-ratelimit-remaining-requests': String(requests.remaining),
    'x-ratelimit-remaining-tokens': String(tokens.remaining),
    'x-ratelimit-reset-requests': goDuration(requests.resetMs),
    'x-ratelimit-reset-tokens': goDuration(tokens.resetMs),
  };
}

/** Token headers of an accepted call: the window minus its prompt, refilled at the limit's pace. */
export function acceptedLimits(promptTokens: number): Record<string, string> {
  const remaining = Math.max(0, TOKENS.limit - promptTokens);
  const resetMs = ((TOKENS.limit - remaining) / TOKENS.limit) * 60_000;
  return limitHeaders({ tokens: { limit: TOKENS.limit, remaining, resetMs } });
}

/** A duration as Go prints it: `120ms`, `7.66s`, `2m59.56s`, `1h2m3s`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${trim(ms)}ms`;
  const minutes = Math.floor(ms / 60_000);
  const seconds = `${trim((ms - minutes * 60_000) / 1000)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

function trim(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}
