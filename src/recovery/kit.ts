/**
 * Recovery kits: the root key, encrypted with age (age-encryption.org/v1) to people's recipients or to a passphrase. Any age program opens
 * one; its last line is the line of a root key file, so a kit is of use even where Sallyport is not at hand.
 */
import { armor, Decrypter, Encrypter } from 'age-encryption';
import { SallyportError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import { formatRootKey, parseRootKey } from '../vault/kek/root-key-text.ts';
import { RootKey } from '../vault/kek/root-key.ts';

/** Who can open a kit. age does not mix the two. */
export type KitLock =
  | { readonly kind: 'recipients'; readonly recipients: readonly string[] }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret };

export type KitOpener =
  | { readonly kind: 'identities'; readonly identities: readonly string[] }
  | { readonly kind: 'passphrase'; readonly passphrase: Secret };

export interface KitLabel {
  readonly instance: string;
  /** Of the root key. */
  readonly fingerprint: string;
  readonly createdAt: string;
}

/** The caller wipes `bytes`. */
export interface OpenedKit extends KitLabel {
  readonly bytes: Buffer;
}

const TITLE = '# Sallyport recovery kit 1';
export const MAX_KIT_BYTES = 65_536;

/** The kit as armored text. `bytes` stays the caller's to wipe. Rejects with `input.invalid` for what is no recipient. */
export async function sealKit(label: KitLabel, bytes: Uint8Array, lock: KitLock): Promise<string> {
  const encrypter = new Encrypter();
  if (lock.kind === 'passphrase')
    lock.passphrase.revealText((text) => encrypter.setPassphrase(text.normalize('NFC')));
  else for (const recipient of lock.recipients) addRecipient(encrypter, recipient);
  const clear = new TextEncoder().encode(formatKit(label, bytes));
  try {
    return armor.encode(await encrypter.encrypt(clear));
  } finally {
    clear.fill(0);
  }
}

/**
 * Opens a kit, armored or not, and checks that the root key in it has the fingerprint that it states. Rejects with `input.invalid` when
 * the opener does not fit or the file is damaged (age cannot tell), and `vault.tampered` when what is inside is no kit of ours.
 */
export async function openKit(file: Uint8Array, opener: KitOpener): Promise<OpenedKit> {
  const decrypter = new Decrypter();
  if (opener.kind === 'passphrase') {
    opener.passphrase.revealText((text) => decrypter.addPassphrase(text.normalize('NFC')));
  } else for (const identity of opener.identities) addIdentity(decrypter, identity);
  let clear: Uint8Array;
  try {
    clear = await decrypter.decrypt(binary(file));
  } catch (error) {
    const how = opener.kind === 'passphrase' ? 'passphrase' : 'identity';
    throw new SallyportError('input.invalid', `The kit does not open with this ${how}, or it is damaged.`, {
      fix: 'Try the other ways to open it that you keep, or another copy of the kit.',
      cause: error,
    });
  }
  try {
    return parseKit(new TextDecoder().decode(clear));
  } finally {
    clear.fill(0);
  }
}

/** True for a kit that a passphrase opens. Throws `input.invalid` for a file that is no age file. */
export function opensWithPassphrase(file: Uint8Array): boolean {
  const bytes = binary(file);
  const header = Buffer.from(bytes.subarray(0, 4096)).toString('latin1');
  if (!header.startsWith('age-encryption.org/v1\n')) throw noKit();
  return header.startsWith('age-encryption.org/v1\n-> scrypt ');
}

function formatKit({ instance, fingerprint, createdAt }: KitLabel, bytes: Uint8Array): string {
  const lines = [`# instance ${instance}`, `# fingerprint ${fingerprint}`, `# created ${createdAt}`];
  return [TITLE, ...lines, formatRootKey(bytes), ''].join('\n');
}

function parseKit(text: string): OpenedKit {
  const shape =
    /^# Sallyport recovery kit 1\n# instance ([0-9A-Za-z]{1,64})\n# fingerprint (rk_[0-9a-f]{16})\n# created ([0-9TZ:.-]{20,30})\n([^\n]+)\n$/;
  const [, instance, fingerprint, createdAt, line] = shape.exec(text) ?? [];
  if (instance === undefined || fingerprint === undefined || createdAt === undefined || line === undefined) {
    throw notOurs('is no recovery kit of Sallyport');
  }
  const bytes = parseRootKey(line, 'The recovery kit');
  if (RootKey.take(Uint8Array.from(bytes), 'the kit', 'kit').fingerprint === fingerprint) {
    return { instance, fingerprint, createdAt, bytes };
  }
  bytes.fill(0);
  throw notOurs('states a fingerprint that is not that of its root key');
}

function binary(file: Uint8Array): Uint8Array {
  const text = Buffer.from(file).toString('latin1');
  if (!text.trimStart().startsWith('-----BEGIN AGE')) return file;
  try {
    return armor.decode(text);
  } catch {
    throw noKit();
  }
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient);
  } catch {
    // It may be the identity, pasted in its place: it is not repeated.
    throw new SallyportError('input.invalid', 'A recipient is not one of age: these begin with age1.', {
      fix: 'Make an identity with age-keygen; it prints the recipient as its public key.',
    });
  }
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity);
  } catch {
    throw new SallyportError('input.invalid', 'The identity file holds a line that is no identity of age.', {
      fix: 'Name the file that age-keygen wrote.',
    });
  }
}

function noKit(): SallyportError {
  return new SallyportError('input.invalid', 'The file is no recovery kit: it is not encrypted with age.', {
    fix: 'Name the file that sallyport recovery kit wrote.',
  });
}

function notOurs(what: string): SallyportError {
  return new SallyportError('vault.tampered', `What the file holds ${what}.`, {
    fix: 'Use another copy of the kit.',
  });
}
