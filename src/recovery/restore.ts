/**
 * The files of a backup, put into a folder and checked: hashes, names, the journal's chain up to the head that the manifest states.
 * What only the root key can tell (the MACs of the manifest and of every row) is for the caller, who opens the result.
 */
import { chmodSync, constants, copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EntryBody } from '../audit/entry.ts';
import { listStreams, segmentPath } from '../audit/layout.ts';
import { readJournal } from '../audit/reader.ts';
import { SallyportError } from '../core/errors.ts';
import { codeOf } from '../core/private-file.ts';
import {
  DATABASE_NAME,
  isArchiveName,
  MAC_NAME,
  type Manifest,
  MANIFEST_NAME,
  readManifest,
  ROOT_KEY_NAME,
  STAGED_DATABASE,
  STAGED_ROOT_KEY,
  tampered,
} from './manifest.ts';
import { extractTar } from './tar.ts';

export interface Unpacked {
  readonly manifest: Manifest;
  readonly manifestText: string;
  readonly mac: string;
}

/** What a journal says about the time after a backup. */
export interface Newer {
  readonly entries: number;
  /** Ids of tokens that were revoked since. */
  readonly revoked: readonly string[];
  readonly until: string | null;
}

/** Extracts into `folder`. Rejects with `store.tampered` or `audit.broken`, `config.invalid` when there is no such archive. */
export async function unpack(archive: string, folder: string): Promise<Unpacked> {
  const found = await extract(archive, folder);
  const [manifestFile, macFile] = [MANIFEST_NAME, MAC_NAME].map((name) => join(folder, name));
  if (
    manifestFile === undefined ||
    macFile === undefined ||
    found.at(-1)?.name !== MAC_NAME ||
    found.at(-2)?.name !== MANIFEST_NAME
  )
    throw tampered('it does not end with a manifest');
  const manifestText = readFileSync(manifestFile, 'utf8');
  const mac = readFileSync(macFile, 'utf8');
  rmSync(manifestFile);
  rmSync(macFile);
  const manifest = readManifest(manifestText, found);
  checkHead(join(folder, 'journal'), manifest);
  return { manifest, manifestText, mac };
}

/**
 * Puts the journal of `oldJournal` in place of the backup's, if it goes on where the backup ends. Returns what it has beyond the backup, or
 * null when it has nothing more. Throws `audit.broken` for a broken one, `conflict` for one that is not of the same history.
 */
export function takeNewerJournal(oldJournal: string, folder: string, { head }: Manifest): Newer | null {
  let entries = 0;
  let found = false;
  let until: string | null = null;
  const revoked = new Set<string>();
  for (const { entry, position } of readJournal(oldJournal)) {
    if (found) {
      entries += 1;
      until = entry.at;
      for (const id of revokedBy(entry)) revoked.add(id);
    } else if (position.stream === head.stream && position.seq === head.seq) {
      if (position.hash.toString('base64url') !== head.hash) throw otherHistory();
      found = true;
    }
  }
  if (!found) {
    if (isPrefix(oldJournal, join(folder, 'journal'))) return null;
    throw otherHistory();
  }
  if (entries === 0) return null;
  rmSync(join(folder, 'journal'), { recursive: true });
  copyJournal(oldJournal, join(folder, 'journal'));
  return { entries, revoked: [...revoked], until };
}

function copyJournal(from: string, to: string): void {
  for (const { stream, segments } of listStreams(from)) {
    mkdirSync(join(to, stream), { recursive: true, mode: 0o700 });
    for (const segment of segments) {
      const copy = segmentPath(to, stream, segment);
      copyFileSync(segmentPath(from, stream, segment), copy, constants.COPYFILE_EXCL);
      chmodSync(copy, 0o600);
    }
  }
}

function revokedBy(entry: EntryBody): string[] {
  if (entry.action !== 'control.token.revoke' || !('records' in entry)) return [];
  return entry.records.filter(({ kind }) => kind === 'token').map(({ id }) => id);
}

async function extract(archive: string, folder: string): ReturnType<typeof extractTar> {
  const place = (name: string): string => {
    if (!isArchiveName(name)) throw tampered('it holds a file that no backup has');
    const staged = { [DATABASE_NAME]: STAGED_DATABASE, [ROOT_KEY_NAME]: STAGED_ROOT_KEY }[name] ?? name;
    const path = join(folder, staged);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return path;
  };
  try {
    return await extractTar(archive, place);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw new SallyportError(
      'config.invalid',
      `The backup ${archive} cannot be read or unpacked (${codeOf(error)}).`,
      {
        fix: 'Check the path, and the space on the disk of the data folder.',
        cause: error,
      },
    );
  }
}

/** The chain of the backup's journal is whole and ends with the head. */
function checkHead(journal: string, { head }: Manifest): void {
  const reading = readJournal(journal);
  for (;;) {
    const next = reading.next();
    if (!next.done) continue;
    const { head: last, torn } = next.value;
    const same =
      last?.stream === head.stream && last.seq === head.seq && last.hash.toString('base64url') === head.hash;
    if (!same || torn) throw tampered('its journal does not end where the manifest says');
    return;
  }
}

/** True when every entry of `shorter` stands in `longer` at the same place, by the hash of its last one. */
function isPrefix(shorter: string, longer: string): boolean {
  let last: { stream: string; seq: number; hash: Buffer } | undefined;
  for (const { position } of readJournal(shorter)) last = position;
  if (!last) return false;
  for (const { position } of readJournal(longer)) {
    if (position.stream === last.stream && position.seq === last.seq) return position.hash.equals(last.hash);
  }
  return false;
}

function otherHistory(): SallyportError {
  return new SallyportError('conflict', 'The journal given is not the one that this backup was made from.', {
    fix: 'Name the data folder that the backup was made from, or leave --journal-from out.',
  });
}
