/** How a passphrase gets into the CLI: a prompt that does not echo. Never argv, never the environment. */
import { SallyportError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AskPassphrase } from '../vault/kek/source.ts';
import type { Io } from './io.ts';

/** For the root key: from a terminal only. The caller disposes the answer. */
export function askOnTerminal(io: Io): AskPassphrase {
  return async (why) => {
    if (!io.stdinIsTerminal) {
      throw new SallyportError(
        'vault.root_key_missing',
        'the root key is made from a passphrase, and there is no terminal to ask for it',
        { fix: 'put it into a file (mode 0600) and name that in SALLYPORT_PASSPHRASE_FILE' },
      );
    }
    return typed(io, 'passphrase of the root key', why === 'new');
  };
}

async function typed(io: Io, what: string, twice: boolean): Promise<Secret> {
  const first = await io.readHidden(`${what} (not echoed): `);
  if (first === '') throw new SallyportError('input.invalid', 'no passphrase was typed');
  if (twice && (await io.readHidden('the same once more: ')) !== first) {
    throw new SallyportError('input.invalid', 'the two passphrases differ', { fix: 'try again' });
  }
  return Secret.fromText(first);
}
