/** Who asks. A principal is made by the listener that the request came on, never by anything in the request. */
import { allows } from '../access/scope.ts';
import { SallyportError } from '../core/errors.ts';

export type Principal =
  | {
      /** Whoever can open the unix socket. Holds every scope; may never approve a request, for it names no person. */
      readonly kind: 'local';
      readonly id: 'local';
      readonly scopes: readonly string[];
    }
  | {
      readonly kind: 'admin';
      /** `admin:<token id>`. */
      readonly id: string;
      readonly scopes: readonly string[];
      /** Of its token: what it issues reaches no further. */
      readonly bounds: { readonly expiresAtMs: number; readonly cidrs: readonly string[] };
    };

export const LOCAL: Principal = { kind: 'local', id: 'local', scopes: ['*'] };

/** Throws `admin.forbidden` unless the principal holds `scope`. */
export function requireScope(principal: Principal, scope: string): void {
  if (allows(principal.scopes, scope)) return;
  throw new SallyportError('admin.forbidden', `This needs the scope ${scope}.`, {
    detail: `${principal.id} lacks ${scope}`,
    fix: 'Use an admin token that has it.',
  });
}
