/** Failures of the database as `store.unavailable`. The original text goes to `detail`: it may name files, never values. */
import { SallyportError } from '../core/errors.ts';

interface Failure {
  readonly message: string;
  readonly fix?: string;
  readonly retryable: boolean;
}

const RESTORE = 'Restore the whole data folder (database and journal together) from one backup.';
const PERMISSIONS = 'Check that the data folder exists and that the user of this process may write to it.';

/** By SQLite's or the operating system's error code; extended codes such as SQLITE_IOERR_WRITE match their prefix. */
const FAILURES: readonly (readonly [code: string, failure: Failure])[] = [
  [
    'SQLITE_FULL',
    {
      message: 'The disk of the database is full; nothing was changed.',
      fix: 'Free disk space. Sallyport goes on by itself as soon as there is some.',
      retryable: true,
    },
  ],
  [
    'SQLITE_BUSY',
    {
      message: 'Another program keeps the database locked; nothing was changed.',
      fix: 'Close whatever else has the database open for writing.',
      retryable: true,
    },
  ],
  ['SQLITE_LOCKED', { message: 'The database is locked; nothing was changed.', retryable: true }],
  ['SQLITE_CORRUPT', { message: 'The database is damaged.', fix: RESTORE, retryable: false }],
  ['SQLITE_NOTADB', { message: 'The database file is not a database.', fix: RESTORE, retryable: false }],
  ['SQLITE_IOERR', { message: 'The database could not be read or written.', retryable: true }],
  ['SQLITE_CANTOPEN', { message: 'The database could not be opened.', fix: PERMISSIONS, retryable: false }],
  ['SQLITE_READONLY', { message: 'The database is read-only.', fix: PERMISSIONS, retryable: false }],
  ['SQLITE_CONSTRAINT', { message: 'The database refused a value; nothing was changed.', retryable: false }],
  ['ENOSPC', { message: 'The disk of the database is full.', fix: 'Free disk space.', retryable: true }],
  ['ENOENT', { message: 'The folder of the database does not exist.', fix: PERMISSIONS, retryable: false }],
  ['EACCES', { message: 'The database could not be opened.', fix: PERMISSIONS, retryable: false }],
  ['EPERM', { message: 'The database could not be opened.', fix: PERMISSIONS, retryable: false }],
  ['EROFS', { message: 'The database is read-only.', fix: PERMISSIONS, retryable: false }],
];
const UNKNOWN: Failure = { message: 'The database is not available.', retryable: false };

/** `thrown` as a SallyportError; one that already is stays what it is. */
export function storeError(thrown: unknown): SallyportError {
  if (thrown instanceof SallyportError) return thrown;
  const code = codeOf(thrown);
  const { message, fix, retryable } = FAILURES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? UNKNOWN;
  const text = thrown instanceof Error ? thrown.message : typeof thrown;
  return new SallyportError('store.unavailable', message, {
    detail: code === '' ? text : `${code}: ${text}`,
    ...(fix === undefined ? {} : { fix }),
    retryable,
    cause: thrown,
  });
}

/** The code of an error of SQLite or of a system call; empty for any other. */
export function codeOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}
