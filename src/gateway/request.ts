/** Takes from a request what the pipeline needs: the credential and the body, each within bounds. */
import { describe, SallyportError } from '../core/errors.ts';

/** Throws `token.invalid` when there is no credential, or more than one could be meant. */
export function readCredential(headers: Headers): string {
  const authorization = headers.get('authorization');
  const apiKey = headers.get('x-api-key');
  const bearer = authorization === null ? null : (/^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '');
  const credential = bearer ?? apiKey;
  // The runtime joins repeated headers with ", ": which of them a proxy before us has checked cannot be known.
  const single = credential !== null && /^[^\s,]+$/.test(credential);
  if (!single || (apiKey !== null && apiKey !== credential)) {
    throw new SallyportError('token.invalid', 'The request carries no usable access token.', {
      detail: credential === null ? 'no credential' : 'malformed or several credentials',
      fix: 'Send exactly one header "Authorization: Bearer sallyp_...".',
    });
  }
  return credential;
}

/** True when a web page made the request: its token is then readable by everybody who opens that page. */
export function comesFromBrowser(headers: Headers): boolean {
  // Not sec-fetch-mode: the fetch of Node sends it too, and with it every SDK that runs there.
  return headers.has('origin') || headers.has('sec-fetch-site');
}

/**
 * The whole body. Throws `request.too_large` as soon as more than `maxBytes` are announced or have come, and `request.invalid` for one
 * that is compressed or breaks off. `take` is told the size before so much is read, again whenever it turns out larger, and may throw.
 */
export async function readBody(
  request: Request,
  maxBytes: number,
  take: (size: number) => void,
): Promise<Buffer> {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new SallyportError('request.invalid', 'Compressed request bodies are not taken.', {
      fix: 'Send the body without Content-Encoding.',
    });
  }
  const announced = announcedBytes(request.headers);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  try {
    if (Number.isNaN(announced)) return await readParts(request, maxBytes, take);
    return await readAnnounced(request, announced, maxBytes, take);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError('request.invalid', 'The request body broke off.', {
      detail: describe(error),
      fix: 'Send the whole body without a pause.',
    });
  }
}

/** NaN when nothing is announced, or something that is no number: the runtime takes "5, 5". */
export function announcedBytes(headers: Headers): number {
  const length = headers.get('content-length');
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : Number.NaN;
}

async function readAnnounced(
  request: Request,
  announced: number,
  maxBytes: number,
  take: (size: number) => void,
): Promise<Buffer> {
  take(announced);
  const body = Buffer.from(await request.arrayBuffer());
  // The runtime sees to it; nothing that counts should rest on that.
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  if (body.length > announced) take(body.length);
  return body;
}

async function readParts(request: Request, maxBytes: number, take: (size: number) => void): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    take(size);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function tooLarge(maxBytes: number): SallyportError {
  return new SallyportError('request.too_large', `The request body is larger than ${maxBytes} bytes.`, {
    fix: 'Send a smaller request, or have the operator raise the limit.',
  });
}
