/**
 * A backup of a running instance: first a snapshot of the database, then the journal up to an entry written after it, so that the journal
 * is never behind the database. What the journal has beyond the snapshot is applied when the restored instance starts.
 */
import { statSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Position } from '../audit/entry.ts';
import { listStreams, segmentPath } from '../audit/layout.ts';
import type { Authenticator } from '../core/authenticator.ts';
import { SallyportError } from '../core/errors.ts';
import { codeOf, syncFolder } from '../core/private-file.ts';
import { dirname } from 'node:path';
import {
  DATABASE_NAME,
  formatManifest,
  type Manifest,
  MAC_NAME,
  MANIFEST_NAME,
  manifestTag,
  ROOT_KEY_NAME,
} from './manifest.ts';
import { type TarFile, TarWriter } from './tar.ts';

export interface BackupParts {
  /** The snapshot, a file of its own that nobody writes to. */
  readonly database: string;
  readonly journalFolder: string;
  /** The last entry to take. Everything before it is in the files. */
  readonly head: Position;
  /** The line of the root key file, or null to leave it out. */
  readonly rootKey: Uint8Array | null;
  readonly about: Pick<Manifest, 'createdAt' | 'version' | 'instance' | 'rootFingerprint'>;
  readonly authenticator: Authenticator;
}

/**
 * Writes the archive to `out`, which must not exist (0600). Rejects with `conflict` when it does, and `store.unavailable` when it cannot
 * be written; then no part of it stays.
 */
export async function writeArchive(out: string, parts: BackupParts): Promise<Manifest> {
  let handle;
  try {
    handle = await open(out, 'wx', 0o600);
  } catch (error) {
    throw notWritten(out, error);
  }
  try {
    const manifest = await fill(new TarWriter(handle, Date.parse(parts.about.createdAt)), parts);
    await handle.close();
    syncFolder(dirname(out));
    return manifest;
  } catch (error) {
    await handle.close().catch(() => undefined);
    unlinkSync(out);
    throw error instanceof SallyportError ? error : notWritten(out, error);
  }
}

async function fill(tar: TarWriter, parts: BackupParts): Promise<Manifest> {
  const { database, head, rootKey, about, authenticator } = parts;
  const files: TarFile[] = [await tar.addFile(DATABASE_NAME, database, statSync(database).size)];
  for (const { name, path, bytes } of journalFiles(parts)) files.push(await tar.addFile(name, path, bytes));
  if (rootKey) files.push(await tar.addBytes(ROOT_KEY_NAME, rootKey));
  const manifest: Manifest = {
    format: 'sallyport-backup-1',
    ...about,
    head: { stream: head.stream, seq: head.seq, hash: head.hash.toString('base64url') },
    rootKey: rootKey !== null,
    files,
  };
  const text = formatManifest(manifest);
  await tar.addBytes(MANIFEST_NAME, Buffer.from(text));
  await tar.addBytes(MAC_NAME, Buffer.from(`${manifestTag(authenticator, text)}\n`));
  await tar.end();
  return manifest;
}

/** Whole segments, and of the running one as much as ends with `head`. */
function journalFiles({ journalFolder, head }: BackupParts): { name: string; path: string; bytes: number }[] {
  return listStreams(journalFolder).flatMap(({ stream, segments }) =>
    segments
      .filter((segment) => stream !== head.stream || segment <= head.segment)
      .map((segment) => {
        const path = segmentPath(journalFolder, stream, segment);
        const isLast = stream === head.stream && segment === head.segment;
        const name = segmentPath('journal', stream, segment).replaceAll('\\', '/');
        return { name, path, bytes: isLast ? head.offset : statSync(path).size };
      }),
  );
}

function notWritten(out: string, error: unknown): SallyportError {
  if (codeOf(error) === 'EEXIST') {
    return new SallyportError('conflict', `There is something at ${out} already; it is not overwritten.`, {
      fix: 'Name another file.',
    });
  }
  return new SallyportError(
    'store.unavailable',
    `The backup cannot be written to ${out} (${codeOf(error)}).`,
    {
      fix: 'Check the folder, its permissions and the space on its disk. Nothing of the backup was kept.',
      cause: error,
    },
  );
}

/** Where the snapshot is while the archive is made. One that a dead process left is replaced. */
export function snapshotPath(data: string): string {
  return join(data, 'backup.tmp.db');
}
