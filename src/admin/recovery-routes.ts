/**
 * Recovery, for the local socket only, whatever scopes a token has: what these routes show or write is for whoever can reach the data
 * folder anyway.
 */
import type { RecoveryEvent } from '../audit/entry.ts';
import { SallyportError } from '../core/errors.ts';
import type { RecoveryMaterial } from '../recovery/material.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteReply } from './contract.ts';
import type { Principal } from './principal.ts';

type Deps = Pick<AdminDeps, 'recovery' | 'clock' | 'instance'>;
type RecoveryRoute = 'recovery.material' | 'recovery.kit' | 'recovery.drill' | 'recovery.backup';

export function recoveryRoutes(deps: Deps): Handlers<RecoveryRoute> {
  return {
    'recovery.material': async (_, principal) => {
      requireLocal(principal);
      return materialShape(await deps.recovery.material());
    },
    'recovery.kit': ({ body }, principal) => {
      const { rootFingerprint, recipients } = body;
      return record(deps, principal, { action: 'recovery.kit', rootFingerprint, details: { recipients } });
    },
    'recovery.drill': ({ body }, principal) => {
      const { rootFingerprint, ok, opened } = body;
      const action = ok ? 'recovery.drill' : 'recovery.drill_failed';
      return record(deps, principal, { action, rootFingerprint, details: { opened: opened ?? 'nothing' } });
    },
    'recovery.backup': async ({ body: { out, withRootKey } }, principal) => {
      requireLocal(principal);
      const manifest = await deps.recovery.backup(principal.id, out, withRootKey);
      const { createdAt, instance, rootFingerprint, head, files, rootKey } = manifest;
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      return { path: out, createdAt, instance, rootFingerprint, head, files: files.length, bytes, rootKey };
    },
  };
}

async function record(
  deps: Deps,
  principal: Principal,
  event: Omit<RecoveryEvent, 'principal'>,
): Promise<RouteReply<'recovery.kit'>> {
  requireLocal(principal);
  await deps.recovery.record({ ...event, principal: principal.id });
  return { recordedAt: new Date(deps.clock.wallMs()).toISOString() };
}

function requireLocal(principal: Principal): void {
  if (principal.kind === 'local') return;
  throw new SallyportError('admin.forbidden', 'Recovery is for the local socket only.', {
    detail: principal.id,
    fix: 'Run the command on the machine of the gateway, without --url.',
  });
}

function materialShape({ instance, terms, sample }: RecoveryMaterial): RouteReply<'recovery.material'> {
  return {
    instance: { ...instance, rootCheck: text(instance.rootCheck) },
    terms: terms.map(({ term, wrapped, createdAtMs }) => ({ term, wrapped: text(wrapped), createdAtMs })),
    sample: sample && {
      sealed: text(sample.sealed),
      owner: { ...sample.owner, recordKind: 'key_version' },
    },
  };
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
