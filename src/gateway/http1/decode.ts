/** A body in an encoding that nobody asked for, undone: providers that answer so exist, and what is encoded cannot be metered. */
import { once } from 'node:events';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { HttpError, type ReplyBody } from './exchange.ts';

const DECODERS = {
  gzip: createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** The body in clear; null when its encoding is not one that can be undone. `encoding` is the Content-Encoding, or null. */
export function decodedBody(body: ReplyBody, encoding: string | null): ReplyBody | null {
  const name = (encoding ?? '').trim().toLowerCase();
  if (name === '' || name === 'identity') return body;
  if (name !== 'gzip' && name !== 'deflate' && name !== 'br' && name !== 'zstd') return null;
  const decoder = DECODERS[name]();
  decoder.on('error', () => undefined);
  const pieces = decoder[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  void feed(body, decoder);
  return {
    read: async () => {
      try {
        const { done, value } = await pieces.next();
        return done === true ? null : value;
      } catch (error) {
        body.cancel();
        throw error instanceof HttpError ? error : new HttpError('ENCODING', true, { cause: error });
      }
    },
    cancel: () => {
      body.cancel();
      decoder.destroy();
    },
  };
}

async function feed(
  body: ReplyBody,
  decoder: ReturnType<(typeof DECODERS)[keyof typeof DECODERS]>,
): Promise<void> {
  try {
    for (let bytes = await body.read(); bytes !== null && !decoder.destroyed; bytes = await body.read()) {
      if (!decoder.write(bytes)) await Promise.race([once(decoder, 'drain'), once(decoder, 'close')]);
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
