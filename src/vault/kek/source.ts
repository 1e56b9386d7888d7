/** Where the root key comes from: exactly one of a file, an environment variable, or a passphrase. */
import { SallyportError } from '../../core/errors.ts';
import { readPrivateFile } from '../../core/private-file.ts';
import { Secret } from '../../core/secret.ts';
import { readRootKeyFile } from './file.ts';
import { checkNewPassphrase, deriveRootKey, newKdf } from './passphrase.ts';
import { parseRootKey } from './root-key-text.ts';
import { RootKey, type RootKeyOrigin } from './root-key.ts';

export type RootKeySource =
  | {
      readonly kind: 'file';
      readonly path: string;
      /** False for the default, which an instance with a passphrase does not use unless the file is there. */
      readonly chosen: boolean;
    }
  | { readonly kind: 'env'; readonly variable: string; readonly text: Secret }
  | { readonly kind: 'passphrase-file'; readonly path: string }
  | { readonly kind: 'prompt' };

/** Asks a person; for a new instance twice. Rejects with `config.invalid` where there is nobody to ask. The caller disposes the answer. */
export type AskPassphrase = (why: 'new' | 'open') => Promise<Secret>;

/** Of an instance that exists. */
export interface NeededRootKey {
  readonly rootFingerprint: string;
  /** Null when its root key was not made from a passphrase. */
  readonly rootKdf: string | null;
}

/** The caller wipes `bytes`. */
export interface RootKeyBytes {
  readonly bytes: Buffer;
  readonly origin: RootKeyOrigin;
  /** For messages: a path or a name, never content. */
  readonly where: string;
}

const MAX_PASSPHRASE_BYTES = 1024;

/** The root key that an instance needs, not yet checked against it. Rejects with `vault.root_key_missing` or `vault.root_key_wrong`. */
export async function readRootKey(
  source: RootKeySource,
  needed: NeededRootKey,
  ask: AskPassphrase,
): Promise<RootKeyBytes> {
  const { rootFingerprint: neededFingerprint, rootKdf } = needed;
  switch (source.kind) {
    case 'file':
      if (rootKdf !== null && !source.chosen) return fileOrPassphrase(source.path, rootKdf, needed, ask);
      return fromFile(source.path, { create: false, neededFingerprint });
    case 'env':
      return fromText(source.variable, source.text);
    case 'passphrase-file':
    case 'prompt':
      if (rootKdf === null) throw noPassphrase(neededFingerprint);
      return fromPassphrase(source, rootKdf, ask, 'open');
  }
}

/** The root key of a new instance: made when its file is missing, taken as it is from a variable, derived from a new passphrase. */
export async function makeRootKey(
  source: RootKeySource,
  ask: AskPassphrase,
): Promise<RootKeyBytes & { readonly rootKdf: string | null }> {
  switch (source.kind) {
    case 'file':
      return { ...fromFile(source.path, { create: true }), rootKdf: null };
    case 'env':
      return { ...fromText(source.variable, source.text), rootKdf: null };
    case 'passphrase-file':
    case 'prompt': {
      const rootKdf = newKdf();
      return { ...(await fromPassphrase(source, rootKdf, ask, 'new')), rootKdf };
    }
  }
}

/** Takes the bytes into a key object and wipes them. */
export function takeRootKey({ bytes, where, origin }: RootKeyBytes): RootKey {
  return RootKey.take(bytes, where, origin);
}

function fromFile(path: string, options: Parameters<typeof readRootKeyFile>[1]): RootKeyBytes {
  return { bytes: readRootKeyFile(path, options), origin: 'file', where: path };
}

function fromText(variable: string, text: Secret): RootKeyBytes {
  const bytes = text.revealText((clear) => parseRootKey(clear, `The variable ${variable}`));
  return { bytes, origin: 'env', where: `$${variable}` };
}

/** A file that is there was put there by a recovery: the passphrase is lost or not wanted. */
function fileOrPassphrase(
  path: string,
  kdf: string,
  { rootFingerprint: neededFingerprint }: NeededRootKey,
  ask: AskPassphrase,
): RootKeyBytes | Promise<RootKeyBytes> {
  try {
    return fromFile(path, { create: false, neededFingerprint });
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'vault.root_key_missing') throw error;
    return fromPassphrase({ kind: 'prompt' }, kdf, ask, 'open');
  }
}

async function fromPassphrase(
  source: RootKeySource & { readonly kind: 'passphrase-file' | 'prompt' },
  kdf: string,
  ask: AskPassphrase,
  why: 'new' | 'open',
): Promise<RootKeyBytes> {
  using passphrase = source.kind === 'prompt' ? await ask(why) : passphraseIn(source.path);
  if (why === 'new') checkNewPassphrase(passphrase);
  const where = source.kind === 'prompt' ? 'the passphrase' : `the passphrase in ${source.path}`;
  return { bytes: await deriveRootKey(passphrase, kdf), origin: 'passphrase', where };
}

/** One line. Throws `config.invalid`. */
function passphraseIn(path: string): Secret {
  const bytes = readPrivateFile(path, 'the passphrase file', MAX_PASSPHRASE_BYTES);
  const text = new TextDecoder().decode(bytes).replace(/\r?\n$/, '');
  bytes.fill(0);
  if (text !== '' && !/[\r\n\uFFFD]/.test(text)) return Secret.fromText(text);
  throw new SallyportError('config.invalid', `The passphrase file ${path} is not one line of text.`, {
    fix: 'Write the passphrase into it, on one line, as UTF-8.',
  });
}

function noPassphrase(fingerprint: string): SallyportError {
  return new SallyportError(
    'config.invalid',
    `This instance's root key ${fingerprint} was not made from a passphrase, so none opens it.`,
    { fix: 'Leave the passphrase out, and point SALLYPORT_ROOT_KEY_FILE to the root key file.' },
  );
}
