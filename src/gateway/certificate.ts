/**
 * The TLS certificate of the gateway, from files that somebody else renews. What is read is checked as a pair before it is used: a
 * certificate that is half written, or of another key, never replaces one that works.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { describe, SallyportError } from '../core/errors.ts';

export interface CertificateFiles {
  /** The certificate chain in PEM, our own first. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Certificate {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of our own certificate, with colons. */
  readonly fingerprint: string;
  readonly expiresAtMs: number;
}

const GROUP_OR_OTHERS = 0o077;
/** Everything but reading, for the group; everything, for others. */
const GROUP_WRITE_OR_OTHERS = 0o037;

/** Throws `config.invalid` for files that are missing, no pair, or a private key that others can read. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): Certificate {
  const cert = readPem(certFile, 'certificate');
  const key = readPem(keyFile, 'private key', checkPrivate);
  const [parsed, privateKey] = [parseCertificate(cert, certFile), parseKey(key, keyFile)];
  if (!parsed.checkPrivateKey(privateKey)) {
    throw invalid(`The private key in ${keyFile} is not the one of the certificate in ${certFile}.`, {
      fix: 'Name the two files of one pair; in the certificate file our own certificate comes first.',
    });
  }
  return {
    cert,
    key,
    fingerprint: parsed.fingerprint256,
    expiresAtMs: Date.parse(parsed.validTo),
  };
}

/** Changes when one of the files is written or replaced, also behind a symbolic link. Empty while one is missing. */
export function fileState({ certFile, keyFile }: CertificateFiles): string {
  try {
    return [certFile, keyFile]
      .map((path) => statSync(path))
      .map(({ ino, size, mtimeMs, ctimeMs }) => `${ino}:${size}:${mtimeMs}:${ctimeMs}`)
      .join(' ');
  } catch {
    return '';
  }
}

function readPem(path: string, what: string, check?: (file: number, path: string) => void): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw invalid(`The ${what} ${path} cannot be read.`, {
      detail: describe(error),
      fix: 'Name a file that the user of Sallyport can read.',
    });
  }
  try {
    check?.(file, path);
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Ours and 0600, or root's and readable by a group of ours, which is how secrets are handed to a service. */
function checkPrivate(file: number, path: string): void {
  const { mode, uid } = fstatSync(file);
  const loose = mode & (uid === 0 && process.getuid?.() !== 0 ? GROUP_WRITE_OR_OTHERS : GROUP_OR_OTHERS);
  if (loose === 0) return;
  throw invalid(`Others on this machine can open the private key ${path}.`, {
    fix: `Run: chmod 600 ${path}`,
  });
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw invalid(`There is no certificate in PEM in ${path}.`, {
      detail: describe(error),
      fix: 'The file begins with -----BEGIN CERTIFICATE-----.',
    });
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // Not the reason: it may quote the file.
    throw invalid(`There is no private key that can be used in ${path}.`, {
      fix: 'The file holds one private key in PEM, without a passphrase.',
    });
  }
}

function invalid(
  message: string,
  options: { readonly fix: string; readonly detail?: string },
): SallyportError {
  return new SallyportError('config.invalid', message, options);
}
