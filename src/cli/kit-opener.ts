/** What opens a recovery kit: the identity file of age, or a passphrase; the kit says which of them it takes. */
import { SallyportError } from '../core/errors.ts';
import { readPrivateFile } from '../core/private-file.ts';
import type { KitOpener } from '../recovery/kit.ts';
import type { OptionSpecs } from './command.ts';
import type { Io } from './io.ts';
import { readKitPassphrase } from './passphrase.ts';

const MAX_IDENTITY_BYTES = 65_536;

export const OPENER_OPTIONS = {
  kit: { type: 'string', value: 'FILE', help: 'the recovery kit' },
  identity: {
    type: 'string',
    value: 'FILE',
    help: 'identity file of age (mode 0600); without it, a passphrase is asked for or read from stdin',
  },
} as const satisfies OptionSpecs;

/** The caller disposes the passphrase. Throws `input.invalid` when the kit takes the other one. */
export async function kitOpener(file: Uint8Array, identity: string | undefined, io: Io): Promise<KitOpener> {
  const { opensWithPassphrase } = await import('../recovery/kit.ts');
  const byPassphrase = opensWithPassphrase(file);
  if (byPassphrase && identity !== undefined) {
    throw new SallyportError('input.invalid', 'this kit opens with a passphrase', {
      fix: 'leave --identity out',
    });
  }
  if (byPassphrase) return { kind: 'passphrase', passphrase: await readKitPassphrase(io, false) };
  if (identity === undefined) {
    throw new SallyportError('input.invalid', 'this kit is for recipients of age', {
      fix: 'name the identity file of one of them: --identity FILE',
    });
  }
  const bytes = readPrivateFile(identity, 'the identity file', MAX_IDENTITY_BYTES);
  const lines = bytes.toString('utf8').split(/\r?\n/);
  bytes.fill(0);
  const identities = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  return { kind: 'identities', identities };
}
