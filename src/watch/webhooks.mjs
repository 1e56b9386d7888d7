// @ts-check
/**
 * Signatures of webhooks, for whoever receives them: `import { verifyStandardWebhook } from 'sallyport/webhooks'`. Plain JavaScript without
 * dependencies, so that it runs in Node 20, Bun and Deno as it stands (docs/adr/0018); types in webhooks.d.mts. The gateway signs its
 * own alerts with it.
 *
 * Whatever a sender sends is answered by true or false. What throws is a mistake of the caller: an empty secret, a payload that was parsed.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const PREFIX = 'whsec_';
/** Standard Webhooks: 192 to 512 bits. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const DEFAULT_TOLERANCE_SECONDS = 300;
/** Each costs a comparison; a sender that rotates has two. */
const MAX_SIGNATURES = 16;

/** @type {typeof import('./webhooks.d.mts').verifyWebhookSignature} */
export function verifyWebhookSignature(payload, signature, secret) {
  const key = nonEmpty(secret);
  const expected = createHmac('sha256', key).update(rawPayload(payload)).digest();
  if (typeof signature !== 'string' || !/^[0-9a-f]{64}$/i.test(signature)) return false;
  return timingSafeEqual(Buffer.from(signature, 'hex'), expected);
}

/** @type {typeof import('./webhooks.d.mts').verifyStandardWebhook} */
export function verifyStandardWebhook(payload, headers, secret, options = {}) {
  const { toleranceSeconds = DEFAULT_TOLERANCE_SECONDS, nowSeconds = Date.now() / 1000 } = options;
  if (!(toleranceSeconds > 0 && Number.isFinite(toleranceSeconds) && Number.isFinite(nowSeconds)))
    throw new TypeError('toleranceSeconds must be a number of seconds above zero.');
  const keys = (Array.isArray(secret) ? secret : [secret]).map(standardKey);
  if (keys.length === 0) throw new TypeError('There is no secret to verify with.');
  const body = rawPayload(payload);
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature')?.split(' ').slice(0, MAX_SIGNATURES);
  // A dot in the id would let the same signed bytes be read as another id with another time.
  if (!id || id.includes('.') || !timestamp || !/^\d{1,12}$/.test(timestamp) || !signatures) return false;
  if (Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds) return false;
  let valid = false;
  for (const key of keys) {
    const expected = Buffer.from(standardSignature(id, timestamp, body, key));
    for (const signature of signatures) {
      const given = Buffer.from(signature);
      if (given.length === expected.length && timingSafeEqual(given, expected)) valid = true;
    }
  }
  return valid;
}

/** @type {typeof import('./webhooks.d.mts').signStandardWebhook} */
export function signStandardWebhook(id, timestampSeconds, payload, secret) {
  if (id === '' || id.includes('.')) throw new TypeError('The id of a message is a text without a dot.');
  if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0)
    throw new TypeError('timestampSeconds must be whole seconds since 1970.');
  return standardSignature(id, String(timestampSeconds), rawPayload(payload), standardKey(secret));
}

/** @type {typeof import('./webhooks.d.mts').newWebhookSecret} */
export function newWebhookSecret() {
  return `${PREFIX}${randomBytes(32).toString('base64')}`;
}

/**
 * @param {string} id
 * @param {string} timestamp
 * @param {string | Uint8Array} body
 * @param {Buffer} key
 */
function standardSignature(id, timestamp, body, key) {
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return `v1,${digest}`;
}

/**
 * The bytes of a `whsec_...` secret; the prefix may be left out.
 * @param {string} secret
 */
function standardKey(secret) {
  const text = typeof secret === 'string' && secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  const base64 = typeof text === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  const key = base64 ? Buffer.from(text, 'base64') : Buffer.alloc(0);
  if (key.length >= MIN_SECRET_BYTES && key.length <= MAX_SECRET_BYTES) return key;
  throw new TypeError(
    `A webhook secret is "${PREFIX}" and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in base64.`,
  );
}

/** @param {string | Uint8Array} secret */
function nonEmpty(secret) {
  if ((typeof secret === 'string' || secret instanceof Uint8Array) && secret.length > 0) return secret;
  throw new TypeError('The secret is empty: with it, everybody could sign.');
}

/** @param {string | Uint8Array} payload */
function rawPayload(payload) {
  if (typeof payload === 'string' || payload instanceof Uint8Array) return payload;
  throw new TypeError('The payload is the raw body as text or bytes, as it came, not parsed.');
}

/**
 * Undefined for a header that is missing or came more than once.
 * @param {import('./webhooks.d.mts').WebhookHeaders} headers
 * @param {string} name in lower case
 * @returns {string | undefined}
 */
function headerOf(headers, name) {
  // Not by its class: some frameworks have one of their own.
  if (isHeaders(headers)) return headers.get(name) ?? undefined;
  const found = Object.entries(headers).filter(([key]) => key.toLowerCase() === name);
  const value = found.length === 1 ? found[0]?.[1] : undefined;
  const [only, another] = Array.isArray(value) ? value : [value];
  return another === undefined ? only : undefined;
}

/**
 * @param {import('./webhooks.d.mts').WebhookHeaders} headers
 * @returns {headers is Headers}
 */
function isHeaders(headers) {
  return typeof headers.get === 'function';
}
