/** Which source of the root key is configured: exactly one. Two of them are a contradiction that a start must not settle by itself. */
import { join, resolve } from 'node:path';
import { SallyportError } from './core/errors.ts';
import { Secret } from './core/secret.ts';
import type { RootKeySource } from './vault/kek/source.ts';

const TEXT = 'SALLYPORT_ROOT_KEY';
const FILE = 'SALLYPORT_ROOT_KEY_FILE';
const PASSPHRASE_FILE = 'SALLYPORT_PASSPHRASE_FILE';
const FLAG = '--passphrase';

/** Variables with a secret in them: whoever reads the configuration removes these from the environment. */
export const SECRET_VARIABLES = [TEXT] as const;

/** Throws `config.invalid`. `data` is an absolute path; without any setting the root key is a file there. */
export function rootKeySource(
  environment: Readonly<Record<string, string | undefined>>,
  data: string,
  askForPassphrase: boolean,
): RootKeySource {
  const [text, file, passphraseFile] = [TEXT, FILE, PASSPHRASE_FILE].map((name) => environment[name]);
  const given = [
    ...[TEXT, FILE, PASSPHRASE_FILE].filter((name) => environment[name] !== undefined),
    ...(askForPassphrase ? [FLAG] : []),
  ];
  if (given.length > 1) {
    throw new SallyportError(
      'config.invalid',
      `${given.join(' and ')} name more than one source of the root key.`,
      { fix: 'Leave one of them. If the instance exists, it is the one that it was made with.' },
    );
  }
  if (text !== undefined) return { kind: 'env', variable: TEXT, text: Secret.fromText(text) };
  if (passphraseFile !== undefined) return { kind: 'passphrase-file', path: resolve(passphraseFile) };
  if (askForPassphrase) return { kind: 'prompt' };
  return { kind: 'file', path: resolve(file ?? join(data, 'root.key')), chosen: file !== undefined };
}
