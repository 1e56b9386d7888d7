/** The text form of a root key: `sallyport-root-key-1:` and 43 characters of base64url. Format: docs/spec/envelope.md section 2.1. */
import { SallyportError } from '../../core/errors.ts';
import { ROOT_KEY_BYTES } from './root-key.ts';

const PREFIX = 'sallyport-root-key-1:';
export const LINE_BYTES = PREFIX.length + 43;

/** One line, without a line feed. The text cannot be wiped: for the places that take nothing else. */
export function formatRootKey(bytes: Uint8Array): string {
  return PREFIX + Buffer.from(bytes).toString('base64url');
}

/**
 * The 32 bytes, which the caller wipes. Every character is accounted for: a second line, a changed last character or padding is refused.
 * `where` begins the message of the `vault.root_key_wrong` that is thrown; nothing of the text is in it.
 */
export function parseRootKey(text: string, where: string): Buffer {
  const line = text.replace(/\r?\n$/, '');
  const bytes = Buffer.alloc(ROOT_KEY_BYTES);
  const written = line.startsWith(PREFIX) ? bytes.write(line.slice(PREFIX.length), 'base64url') : 0;
  const exact = written === ROOT_KEY_BYTES && line === formatRootKey(bytes);
  if (!exact) {
    throw wrong(
      `${where} does not hold a root key (one line "${PREFIX}…" of ${LINE_BYTES} characters).`,
      'Restore it from your recovery kit or backup. Delete it only if this instance never held a key.',
    );
  }
  if (bytes.every((byte) => byte === bytes[0])) {
    throw wrong(
      `${where} holds a placeholder instead of a random key.`,
      'Delete it and let Sallyport make a new one.',
    );
  }
  return bytes;
}

function wrong(message: string, fix: string): SallyportError {
  return new SallyportError('vault.root_key_wrong', message, { fix });
}
