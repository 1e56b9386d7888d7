/** The body of an admin request as a value: bounded, JSON only, and read alike by every parser. */
import { SallyportError } from '../core/errors.ts';
import { scanObject } from '../core/json-scan.ts';
import { MAX_BODY_BYTES } from './contract.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON object, or an empty one when there is no body. Throws `request.too_large` or `request.invalid`; messages repeat nothing of
 * the body.
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return {};
  // A web page can send any text without asking first, but not this type.
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    throw new SallyportError('request.invalid', 'The request body is not declared as JSON.', {
      fix: 'Send content-type: application/json.',
    });
  }
  refuseDuplicates(bytes);
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch {
    throw notJson();
  }
}

/** The scan's own messages name a duplicate key, which is text from the body; how much it takes they may say. */
function refuseDuplicates(bytes: Buffer): void {
  try {
    scanObject(bytes);
  } catch (error) {
    throw error instanceof SallyportError && error.code === 'request.too_large' ? error : notJson();
  }
}

async function readBytes(request: Request): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const parts: Uint8Array[] = [];
  let size = 0;
  if (request.body) {
    for await (const part of request.body) {
      size += part.length;
      if (size > MAX_BODY_BYTES) throw tooLarge();
      parts.push(part);
    }
  }
  return Buffer.concat(parts);
}

function notJson(): SallyportError {
  return new SallyportError(
    'request.invalid',
    'The request body is not one JSON object in UTF-8 without duplicate keys.',
    { fix: 'Send one JSON object.' },
  );
}

function tooLarge(): SallyportError {
  return new SallyportError('request.too_large', `The request body is larger than ${MAX_BODY_BYTES} bytes.`, {
    fix: 'Send a smaller request.',
  });
}
