/** The gateway's own limit in the headers that clients know; the provider's values, which concern the whole account, are not passed. */
import type { RateState } from '../ledger/rates.ts';

export function rateHeaders(rate: RateState | null): Record<string, string> {
  if (!rate) return {};
  return {
    'x-ratelimit-limit-requests': String(rate.limit),
    'x-ratelimit-remaining-requests': String(rate.remaining),
    'x-ratelimit-reset-requests': goDuration(rate.resetMs),
  };
}

/** `120ms`, `7.66s`, `2m59.56s`: the form that Groq uses. */
export function goDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = (whole % 60_000) / 1000;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
