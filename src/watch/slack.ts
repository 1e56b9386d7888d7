/** An alert for a Slack incoming webhook, or for what speaks its format (Mattermost, Rocket.Chat). */
import type { Alert } from './alert.ts';

const SIGN = { info: ':information_source:', warning: ':warning:', critical: ':rotating_light:' } as const;

export function slackBody({ id, type, severity, timestamp, instance, summary }: Alert): string {
  const text = `${SIGN[severity]} *${type}* (${severity})\n${escapeText(summary)}\n_${timestamp} · instance ${instance} · ${id}_`;
  return JSON.stringify({ text });
}

/** What is left of `<` would be a link or a call of everybody (`<!channel>`). */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
