/** Provider keys. A value goes in and never comes out: no answer here holds one. */
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { Secret } from '../core/secret.ts';
import { findProvider, providerIds } from '../providers/catalog.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import { slotName, type AddKeyInput } from '../vault/slot-plan.ts';
import type { VerifiedKey } from '../vault/verify.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput, RouteReply } from './contract.ts';
import { defined } from './defined.ts';
import type { Principal } from './principal.ts';
import type { VerificationShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'vault' | 'teams' | 'verifyKey'>;
type KeyRoute = 'key.list' | 'key.add' | 'key.show' | 'key.verify' | 'key.state';
type AddBody = RouteInput<'key.add'>['body'];

export function keyRoutes(deps: Deps): Handlers<KeyRoute> {
  const { vault } = deps;
  return {
    'key.list': () => ({ keys: vault.list().map(keyShape) }),
    'key.show': ({ params }) => {
      const { slot, versions } = vault.show(params.name);
      return { ...keyShape(slot), versions: [...versions] };
    },
    'key.add': ({ body }, principal) => addKey(deps, body, principal),
    'key.verify': async ({ params }, principal) => {
      const { slot } = vault.show(params.name);
      return verificationShape(await deps.verifyKey(principal.id, slot.name));
    },
    'key.state': async ({ params, body }, principal) =>
      keyShape(await vault.setState(principal.id, params.name, body.state)),
  };
}

/** Seals the value, then asks the provider about it. A key that the provider does not know is kept, but disabled. */
async function addKey(deps: Deps, body: AddBody, principal: Principal): Promise<RouteReply<'key.add'>> {
  const { value, verify, team, environment } = body;
  const input = slotInput(deps, body);
  if (team !== undefined) deps.teams.get(team);
  if (environment !== undefined) await deps.teams.ensureEnvironment(principal.id, environment);
  using secret = Secret.fromText(value);
  const added = await deps.vault.addKey(principal.id, input, secret);
  const verified = verify === false ? null : await deps.verifyKey(principal.id, added.name);
  if (verified?.verdict === 'dead') await deps.vault.setState(principal.id, added.name, 'disabled');
  const { slot, versions } = deps.vault.show(added.name);
  const version = versions.find((one) => one.version === added.activeVersion);
  if (!version) throw new TypeError('A key was added without its version.');
  return {
    name: slot.name,
    provider: slot.provider,
    version: version.version,
    label: version.label,
    fingerprint: version.fingerprint,
    state: slot.state,
    verification: verified && verificationShape(verified),
  };
}

/** With `replace`, provider and origin may be left out: they stay as they are. */
function slotInput(deps: Deps, body: AddBody): AddKeyInput {
  const { value: _value, verify: _verify, provider: asked, origin, ...rest } = body;
  const existing = body.replace === true ? deps.vault.show(slotName(defined(nameOf(body)))).slot : undefined;
  const provider = asked ?? existing?.provider;
  if (provider === undefined) {
    throw new SallyportError('input.invalid', 'The key needs its provider.', {
      fix: `Add --provider: one of ${providerIds().join(', ')}.`,
    });
  }
  const row = findProvider(provider);
  if (!row) {
    // Not repeated: it may be a key in the wrong place.
    throw new SallyportError('not_found', 'There is no such provider.', {
      fix: suggest(provider, providerIds(), `The providers are ${providerIds().join(', ')}.`),
    });
  }
  return { ...defined(rest), provider, origin: origin ?? existing?.origin ?? row.origin };
}

function nameOf(body: AddBody): Parameters<typeof slotName>[0] {
  const { name, team, environment, purpose } = body;
  return { ...defined({ name, team, environment, purpose }), provider: '', origin: '' } as AddKeyInput;
}

function keyShape(slot: KeySlot): RouteReply<'key.state'> {
  const { allowPrivateOrigin: _, ...shown } = slot;
  return shown;
}

export function verificationShape(verified: VerifiedKey): VerificationShape {
  const { verdict, meaning, fix, status, errorCode } = verified;
  return { verdict, meaning, fix, status, errorCode };
}
