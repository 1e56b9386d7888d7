/**
 * Identifiers in the provider's styles.
 */
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz';

export function completionId(): string {
  return `chatcmpl-${crypto.randomUUID()}`;
}

/** `req_` and a lower-case ULID; also the `x-request-id` of the response. */
export function requestId(): string {
  return `req_${ulid()}`;
}

/** 48 bits of time, 80 random ones, in Crockford base 32. */
function ulid(): string {
  let time = Date.now();
  let text = '';
  for (let i = 0; i < 10; i += 1) {
    text = CROCKFORD.charAt(time % 32) + text;
    time = Math.floor(time / 32);
  }
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) text += CROCKFORD.charAt(byte & 31);
  return text;
}
