/** Credentials in the wrong place. Both sides ask here: the server before a name is stored, the CLI before a message is shown. */
import { SallyportError } from '../core/errors.ts';
import { redactShapes } from '../detect/redact.ts';

export function looksLikeCredential(text: string): boolean {
  return redactShapes(text) !== text;
}

export function hideCredentials(text: string): string {
  return redactShapes(text);
}

/** Throws `input.invalid`, without repeating it, for a name that is no name but a key. */
export function refuseCredentials(names: readonly (string | undefined)[]): void {
  if (!names.some((name) => name !== undefined && looksLikeCredential(name))) return;
  throw new SallyportError('input.invalid', 'A name looks like a key.', {
    fix: 'If it is one, rotate it at the provider: it was sent in the wrong place.',
  });
}
