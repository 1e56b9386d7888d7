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
 * that is compressed or breaks off.
 */
export async function readBody(request: Request, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') {
    throw new SallyportError('request.invalid', 'Compressed request bodies are not taken.', {
      fix: 'Send the body without Content-Encoding.',
    });
  }
  const announced = request.headers.get('content-length');
  if (Number(announced) > maxBytes) throw tooLarge(maxBytes);
  try {
    return announced === null ? await readParts(request, maxBytes) : await readAnnounced(request, maxBytes);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError('request.invalid', 'The request body broke off.', {
      detail: describe(error),
      fix: 'Send the whole body without a pause.',
    });
  }
}

async function readAnnounced(request: Request, maxBytes: number): Promise<Buffer> {
  const body = Buffer.from(await request.arrayBuffer());
  // The announcement may have been no number: the runtime takes "5, 5".
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return body;
}

async function readParts(request: Request, maxBytes: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function tooLarge(maxBytes: number): SallyportError {
  return new SallyportError('request.too_large', `The request body is larger than ${maxBytes} bytes.`, {
    fix: 'Send a smaller request, or have the operator raise the limit.',
  });
}
