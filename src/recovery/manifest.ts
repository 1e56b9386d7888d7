/**
 * What a backup says about itself, beside its files: the last two files of the archive are the manifest (JSON) and its MAC, so that an
 * archive that was cut has neither, and one that was edited cannot be made to fit without the root key.
 */
import { z } from 'zod';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import type { TarFile } from './tar.ts';

const file = z.strictObject({
  name: z.string(),
  bytes: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

const schema = z.strictObject({
  format: z.literal('sallyport-backup-1'),
  createdAt: z.iso.datetime(),
  /** Of Sallyport. */
  version: z.string().max(100),
  instance: z.string().regex(/^[0-9A-Za-z]{1,64}$/),
  rootFingerprint: z.string().regex(/^rk_[0-9a-f]{16}$/),
  /** The last entry of the journal in this backup. */
  head: z.strictObject({
    stream: z.string().max(100),
    seq: z.int().min(1),
    hash: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  }),
  /** The root key lies beside the rest. */
  rootKey: z.boolean(),
  /** All other files, in the order of the archive. */
  files: z.array(file).max(1_000_000),
});
export type Manifest = z.infer<typeof schema>;

export const DATABASE_NAME = 'sallyport.db';
export const ROOT_KEY_NAME = 'root.key';
export const MANIFEST_NAME = 'manifest.json';
export const MAC_NAME = 'manifest.mac';
/** While a restore goes on. The database comes under its own name last: until then a start is refused. */
export const STAGED_DATABASE = 'restoring.db';
export const STAGED_ROOT_KEY = 'restoring.key';
const JOURNAL_NAME = /^journal\/[a-z0-9]{1,20}@\d{6,15}\/\d{6,15}\.jsonl$/;

export function formatManifest(manifest: Manifest): string {
  return `${JSON.stringify(schema.parse(manifest), null, 2)}\n`;
}

/** Tag over the exact text. */
export function manifestTag(authenticator: Authenticator, text: string): string {
  return Buffer.from(authenticator.tag(['backup.manifest.v1', text])).toString('base64url');
}

/** Throws `store.tampered` for a manifest that was not written with this instance's keyring. */
export function checkManifestTag(authenticator: Authenticator, text: string, tag: string): void {
  if (authenticator.verify(['backup.manifest.v1', text], Buffer.from(tag.trim(), 'base64url'))) return;
  throw tampered('its manifest was not written by the instance that it names');
}

/** True for the names that a backup may hold; no other is written anywhere. */
export function isArchiveName(name: string): boolean {
  const known = [DATABASE_NAME, ROOT_KEY_NAME, MANIFEST_NAME, MAC_NAME];
  return known.includes(name) || JOURNAL_NAME.test(name);
}

/** The manifest, if `found` is exactly what it lists. Throws `store.tampered` otherwise. */
export function readManifest(text: string, found: readonly TarFile[]): Manifest {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) throw tampered('its manifest is not one that this version can read');
  const manifest = parsed.data;
  const listed = found.filter(({ name }) => name !== MANIFEST_NAME && name !== MAC_NAME);
  if (listed.length !== manifest.files.length) throw tampered('files are missing or added');
  for (const [index, one] of manifest.files.entries()) {
    const other = listed[index];
    const same = other?.name === one.name && other.bytes === one.bytes && other.sha256 === one.sha256;
    if (!same) throw tampered(`${one.name} is not what the manifest says`);
  }
  const has = (name: string): boolean => manifest.files.some((one) => one.name === name);
  if (!has(DATABASE_NAME) || has(ROOT_KEY_NAME) !== manifest.rootKey)
    throw tampered('its files do not fit together');
  return manifest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

export function tampered(detail: string): SallyportError {
  return new SallyportError('store.tampered', `The archive is not a whole backup: ${detail}.`, {
    fix: 'Use another backup. Nothing was restored.',
  });
}
