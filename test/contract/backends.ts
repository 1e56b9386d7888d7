/** Every database that Sallyport stores its state in. A new one is a row here and passes the same suites. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage, type Storage } from '../../src/storage/storage.ts';
import type { OpenStorage } from './fixtures.ts';

export interface Backend {
  readonly name: string;
  readonly open: OpenStorage;
}

async function openInFolder(): Promise<Storage> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-contract-'));
  const storage = await openStorage({ file: join(folder, 'sallyport.db') });
  const close = async (): Promise<void> => {
    await storage.close();
    rmSync(folder, { recursive: true });
  };
  return { ...storage, close };
}

export const BACKENDS: readonly Backend[] = [
  { name: 'SQLite in memory', open: () => openStorage({ file: ':memory:' }) },
  { name: 'SQLite in a file', open: openInFolder },
];
