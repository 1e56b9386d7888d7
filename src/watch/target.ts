/**
 * Where an alert may be sent: looked at when a destination is added, and again before every message. https, or plain http to a loopback or
 * private address that was allowed; never a metadata service. A name that is pointed elsewhere between look and message still has to
 * show a certificate for itself. Redirects are not followed.
 */
import { SallyportError } from '../core/errors.ts';
import { isInside, placesOf, type Resolve } from '../vault/origin.ts';

const MAX_URL_CHARS = 2048;

/** The URL of a webhook. Throws `input.invalid`; messages never repeat it: it may be a secret. */
export function parseWebhookUrl(text: string): URL {
  const url = text.length > MAX_URL_CHARS ? null : URL.parse(text);
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw refused('The webhook URL is not an https URL.', 'Copy it whole, beginning with https://');
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw refused('The webhook URL has a user name, a password or a fragment.', 'Leave them out.');
  }
  if (url.hostname.endsWith('.')) throw refused('The host name ends with a dot.', 'Leave the dot out.');
  return url;
}

export interface Target {
  /** As a URL has it: an IPv6 address in brackets. */
  readonly hostname: string;
  readonly encrypted: boolean;
}

/** Throws `input.invalid` for a place that alerts are not sent to. A name without an address now passes: the message will fail. */
export async function checkTarget(target: Target, allowPrivate: boolean, resolve: Resolve): Promise<void> {
  const kinds = await placesOf(target.hostname, resolve);
  if (kinds.includes('metadata') || kinds.includes('reserved')) {
    throw refused(
      'Alerts are never sent to that address: it is a metadata service or reserved.',
      'Check the host name.',
    );
  }
  const inside = kinds.length > 0 && kinds.every(isInside);
  if (!target.encrypted && !(allowPrivate && inside)) {
    throw refused(
      'Alerts are sent without TLS only to a loopback or private address, and only when that is allowed.',
      'Use https (or TLS for mail); for a server of your own that is running now add --allow-private.',
    );
  }
  if (!allowPrivate && kinds.some(isInside)) {
    throw refused(
      'The address is loopback, private or link-local.',
      'If it is a server of your own, add --allow-private.',
    );
  }
}

function refused(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
