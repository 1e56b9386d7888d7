/** What a listener that cannot be opened means to the operator. */
import { SallyportError } from './errors.ts';

/** Runs `open`; a port that is taken or not allowed becomes `config.invalid` that names the flag to use. */
export function listening<T>(what: string, flag: string, port: number, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EACCES' ? 'may not be opened by this user' : 'is taken by another process';
    throw new SallyportError('config.invalid', `Port ${port} for the ${what} ${why}.`, {
      fix: `Choose another one: ${flag} N (0 takes a free one).`,
      cause: error,
    });
  }
}
