/** Exit codes of errors: one table. */
import type { ErrorCode } from '../core/errors.ts';
import { EXIT } from './command.ts';

const USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'input.invalid',
  'config.invalid',
  'request.invalid',
  'request.too_large',
  'request.unknown_path',
  'not_found',
  'conflict',
  'admin.unauthorized',
  'token.invalid',
  'vault.root_key_missing',
  'vault.root_key_wrong',
]);
const REFUSED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'admin.forbidden',
  'audit.broken',
  'store.tampered',
  'vault.tampered',
  'key.rejected',
]);

/** Whatever is neither the user's to correct nor an answer is "unavailable". */
export function exitCodeOf(code: ErrorCode): number {
  if (USAGE.has(code)) return EXIT.usage;
  return REFUSED.has(code) ? EXIT.refused : EXIT.unavailable;
}
