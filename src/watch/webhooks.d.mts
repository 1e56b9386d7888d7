/** Types of webhooks.mjs, which is checked against them. */

/** What `fetch` servers, Node's `http` and Express have. Names are compared without case. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface StandardWebhookOptions {
  /** How far the message's time may be from now, either way. Default 300. */
  readonly toleranceSeconds?: number;
  /** For tests. */
  readonly nowSeconds?: number;
}

/**
 * True when `signature` is the HMAC-SHA256 of the raw body under `secret`, in hex of either case. False for everything else, a missing
 * signature or one of another length included. Throws a TypeError for an empty secret and for a payload that is no text or bytes.
 * It says nothing about when the message was sent: for alerts of Sallyport use `verifyStandardWebhook`.
 */
export function verifyWebhookSignature(
  payload: string | Uint8Array,
  signature: string | null | undefined,
  secret: string | Uint8Array,
): boolean;

/**
 * True for a message signed by the Standard Webhooks scheme (`webhook-id`, `webhook-timestamp`, `webhook-signature`, version v1) with this
 * secret, or one of these, not longer ago than the tolerance. False for everything else. A message that is sent again has the same
 * `webhook-id`: act once per id. Throws a TypeError for a secret that is none, and for a payload that is no text or bytes.
 */
export function verifyStandardWebhook(
  payload: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  options?: StandardWebhookOptions,
): boolean;

/** One `v1,...` signature of a message. Throws a TypeError for an id with a dot, a time that is not in whole seconds, or a bad secret. */
export function signStandardWebhook(
  id: string,
  timestampSeconds: number,
  payload: string | Uint8Array,
  secret: string,
): string;

/** A new secret of 256 random bits, as `whsec_...`. */
export function newWebhookSecret(): string;
