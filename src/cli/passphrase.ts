/** How a passphrase gets into the CLI: a prompt that does not echo, or standard input. Never argv, never the environment. */
import { SallyportError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import type { AskPassphrase } from '../vault/kek/source.ts';
import type { Io } from './io.ts';

const MAX_BYTES = 1024;

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

/** For a recovery kit: from the terminal, or the one line of standard input. The caller disposes the answer. */
export async function readKitPassphrase(io: Io, isNew: boolean): Promise<Secret> {
  if (io.stdinIsTerminal) return typed(io, 'passphrase of the recovery kit', isNew);
  let line: string;
  try {
    line = new TextDecoder('utf-8', { fatal: true })
      .decode(await io.readStdin(MAX_BYTES))
      .replace(/\r?\n$/, '');
  } catch {
    line = '\n';
  }
  if (line !== '' && !/[\r\n]/.test(line)) return Secret.fromText(line);
  throw new SallyportError('input.invalid', 'standard input is not a passphrase: one line of text', {
    fix: 'send the passphrase alone, or run this on a terminal',
  });
}

async function typed(io: Io, what: string, twice: boolean): Promise<Secret> {
  const first = await io.readHidden(`${what} (not echoed): `);
  if (first === '') throw new SallyportError('input.invalid', 'no passphrase was typed');
  if (twice && (await io.readHidden('the same once more: ')) !== first) {
    throw new SallyportError('input.invalid', 'the two passphrases differ', { fix: 'try again' });
  }
  return Secret.fromText(first);
}
