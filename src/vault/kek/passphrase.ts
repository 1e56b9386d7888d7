/**
 * The root key from a passphrase, by scrypt. Salt and cost are kept with the instance (docs/spec/envelope.md section 2.4); they are not
 * secret, and the database that holds them is not trusted: weaker costs than ours, and ones that would not fit into memory, are refused.
 * Nothing, not even a check value, is derived from the passphrase but through scrypt.
 */
import { randomBytes, scrypt } from 'node:crypto';
import { SallyportError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import { ROOT_KEY_BYTES } from './root-key.ts';

/** 128 MiB and about half a second, on a thread of the runtime's pool. */
const LOG_N = 17;
const BLOCK = 8;
const PARALLEL = 1;
const MIN_LOG_N = 15;
const MAX_LOG_N = 20;
const SALT_BYTES = 16;

/** Below this a passphrase can be searched for by whoever has the database. */
export const MIN_PASSPHRASE_CHARS = 12;

/** What a new instance keeps: `scrypt:<log2 N>:<r>:<p>:<salt, base64url>`. */
export function newKdf(): string {
  return `scrypt:${LOG_N}:${BLOCK}:${PARALLEL}:${randomBytes(SALT_BYTES).toString('base64url')}`;
}

/** Throws `config.invalid` for a passphrase that a new instance must not get. */
export function checkNewPassphrase(passphrase: Secret): void {
  const chars = passphrase.revealText((text) =>
    new Set(text.normalize('NFC')).size === 1 ? 0 : text.normalize('NFC').length,
  );
  if (chars >= MIN_PASSPHRASE_CHARS) return;
  throw new SallyportError(
    'config.invalid',
    `A passphrase has at least ${MIN_PASSPHRASE_CHARS} characters.`,
    {
      fix: 'Use six or more random words: whoever copies the database can try passphrases against it.',
    },
  );
}

/**
 * The 32 bytes, which the caller wipes. Text is brought to Unicode form NFC first, so that keyboards do not matter.
 * Rejects with `vault.tampered` for parameters that no version of ours writes.
 */
export async function deriveRootKey(passphrase: Secret, kdf: string): Promise<Buffer> {
  const { logN, salt } = parseKdf(kdf);
  const N = 2 ** logN;
  const text = passphrase.revealText((clear) => new TextEncoder().encode(clear.normalize('NFC')));
  try {
    return await new Promise((resolve, reject) => {
      const cost = { N, r: BLOCK, p: PARALLEL, maxmem: 2 * 128 * N * BLOCK };
      scrypt(text, salt, ROOT_KEY_BYTES, cost, (error, key) => {
        if (error) reject(error);
        else resolve(key);
      });
    });
  } finally {
    text.fill(0);
  }
}

function parseKdf(kdf: string): { readonly logN: number; readonly salt: Buffer } {
  const match = /^scrypt:(\d{2}):8:1:([A-Za-z0-9_-]{22})$/.exec(kdf);
  const logN = Number(match?.[1]);
  if (match && logN >= MIN_LOG_N && logN <= MAX_LOG_N) {
    return { logN, salt: Buffer.from(match[2] ?? '', 'base64url') };
  }
  throw new SallyportError(
    'vault.tampered',
    'The parameters that turn the passphrase into the root key were changed outside Sallyport.',
    {
      fix: 'Restore the whole data folder from one backup, or put the root key into a file from your recovery kit.',
    },
  );
}
