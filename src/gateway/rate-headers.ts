/** The gateway's own limit in the headers that clients know; the provider's values, which concern the whole account, are not passed. */
import type { RateStates } from '../ledger/limits.ts';
import type { RateState } from '../ledger/rates.ts';

export function rateHeaders({ requests, tokens }: RateStates): Record<string, string> {
  return { ...headersOf('requests', requests), ...headersOf('tokens', tokens) };
}

function headersOf(unit: 'requests' | 'tokens', rate: RateState | null): Record<string, string> {
  if (!rate) return {};
  return {
    [`x-ratelimit-limit-${unit}`]: String(rate.limit),
    [`x-ratelimit-remaining-${unit}`]: String(rate.remaining),
    [`x-ratelimit-reset-${unit}`]: goDuration(rate.resetMs),
  };
}

/** `120ms`, `7.66s`, `2m59.56s`, `1h2m3s`: the form that Groq uses. */
export function goDuration(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < 1000) return `${whole}ms`;
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor((whole % 3_600_000) / 60_000);
  const seconds = `${(whole % 60_000) / 1000}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
