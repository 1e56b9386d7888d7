/** Sends one alert to one destination, once: opens its secrets, looks at where it leads, and says how it went. */
import type { Clock } from '../core/clock.ts';
import { asSallyportError } from '../core/errors.ts';
import { type Resolve, systemResolve } from '../vault/origin.ts';
import type { Keyring } from '../vault/keyring.ts';
import type { Alert } from './alert.ts';
import { type DestinationSecrets, type HeldDestination, openSecrets } from './destinations.ts';
import { sendMail, smtpAddress } from './email.ts';
import { post } from './http-post.ts';
import { slackBody } from './slack.ts';
import { checkTarget, parseWebhookUrl } from './target.ts';
import { signStandardWebhook } from './webhooks.mjs';

export interface Outcome {
  readonly delivered: boolean;
  /** Why not, or not to everybody, without anything secret. */
  readonly error: string | null;
  /** When the receiver said that it wants no more before. */
  readonly retryAfterMs: number | null;
}

/** Never rejects. */
export type Send = (held: HeldDestination, payload: string, signal: AbortSignal) => Promise<Outcome>;

export interface SenderDeps {
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly userAgent: string;
  /** For tests; the system's resolver otherwise. */
  readonly resolve?: Resolve;
}

export function createSender(deps: SenderDeps): Send {
  return async (held, payload, signal) => {
    try {
      return await send(deps, held, payload, signal);
    } catch (error) {
      const { message } = asSallyportError(error);
      return { delivered: false, error: message, retryAfterMs: null };
    }
  };
}

async function send(
  deps: SenderDeps,
  held: HeldDestination,
  payload: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { destination } = held;
  const secrets = openSecrets(held, deps.keyring);
  const resolve = deps.resolve ?? systemResolve;
  const alert = JSON.parse(payload) as Alert;
  switch (secrets.type) {
    case 'email': {
      const target = {
        hostname: smtpAddress(destination.origin).host,
        encrypted: destination.tls !== 'none',
      };
      await checkTarget(target, destination.allowPrivate, resolve);
      return sendMail({ alert, destination, secrets, signal });
    }
    case 'slack':
    case 'webhook': {
      const url = parseWebhookUrl(secrets.url);
      await checkTarget(
        { hostname: url.hostname, encrypted: url.protocol === 'https:' },
        destination.allowPrivate,
        resolve,
      );
      const body = secrets.type === 'slack' ? slackBody(alert) : payload;
      const headers =
        secrets.type === 'slack' ? {} : signatureHeaders(deps.clock, secrets, alert.id, payload);
      return post({ url: secrets.url, headers: { 'user-agent': deps.userAgent, ...headers }, body, signal });
    }
    default:
      return { delivered: false, error: 'the destination was removed', retryAfterMs: null };
  }
}

function signatureHeaders(
  clock: Clock,
  { secrets }: Extract<DestinationSecrets, { type: 'webhook' }>,
  id: string,
  payload: string,
): Record<string, string> {
  const nowMs = clock.wallMs();
  const seconds = Math.floor(nowMs / 1000);
  const signatures = secrets
    .filter(({ endsAtMs }) => endsAtMs === null || endsAtMs > nowMs)
    .map(({ value }) => signStandardWebhook(id, seconds, payload, value));
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  };
}
