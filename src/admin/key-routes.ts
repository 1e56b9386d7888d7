/** Provider keys. A value goes in and never comes out: no answer here holds one. */
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { Secret } from '../core/secret.ts';
import { findProvider, type Provider, providerIds } from '../providers/catalog.ts';
import type { KeySlot } from '../vault/provider-keys.ts';
import { slotName, type AddKeyInput } from '../vault/slot-plan.ts';
import type { VerifiedKey } from '../vault/verify.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput, RouteReply } from './contract.ts';
import { refuseCredentials } from './credentials.ts';
import { defined } from './defined.ts';
import { ensureEnvironment } from './environments.ts';
import { type Principal, requireScope } from './principal.ts';
import type { VerificationShape } from './shapes.ts';

type Deps = Pick<AdminDeps, 'vault' | 'teams' | 'verifyKey'>;
type KeyRoute = 'key.list' | 'key.add' | 'key.declare' | 'key.show' | 'key.verify' | 'key.state';
type AddBody = RouteInput<'key.add'>['body'];

/** To name an origin that is not the provider's own. */
const ORIGIN_SCOPE = 'keys:origin';

export function keyRoutes(deps: Deps): Handlers<KeyRoute> {
  const { vault } = deps;
  return {
    'key.list': () => ({ keys: vault.list().map((slot) => keyShape(deps, slot)) }),
    'key.show': ({ params }) => {
      const { slot, versions } = vault.show(params.name);
      return { ...keyShape(deps, slot), versions: [...versions] };
    },
    'key.add': ({ body }, principal) => addKey(deps, body, principal),
    'key.declare': ({ body }, principal) => declareKey(deps, body, principal),
    'key.verify': async ({ params }, principal) => {
      const { slot } = vault.show(params.name);
      if (slot.activeVersion === 0) return missingVerification(slot.name);
      return slot.state === 'disabled'
        ? disabledVerification(slot.name)
        : verificationShape(await deps.verifyKey(principal.id, slot.name));
    },
    'key.state': async ({ params, body }, principal) => {
      // To enable it is to send prompts there again.
      if (body.state === 'active') requireOrigin(principal, vault.show(params.name).slot);
      return keyShape(deps, await vault.setState(principal.id, params.name, body.state));
    },
  };
}

function keyShape({ vault }: Pick<Deps, 'vault'>, slot: KeySlot): RouteReply<'key.state'> {
  return { ...slot, exposedAt: vault.exposureOf(slot)?.at ?? null };
}

/** All of a key but its value, which `key.add` brings. Its team and environment have to be there. */
async function declareKey(
  deps: Deps,
  body: RouteInput<'key.declare'>['body'],
  principal: Principal,
): Promise<RouteReply<'key.declare'>> {
  const { name, team, environment, purpose, providerOrganization, providerProject } = body;
  refuseCredentials([name, team, environment, purpose, providerOrganization, providerProject]);
  const { origin } = providerRow(body.provider);
  requireOrigin(principal, body);
  if (team !== undefined) deps.teams.get(team);
  if (environment !== undefined) deps.teams.getEnvironment(environment);
  const slot = await deps.vault.declare(principal.id, { ...defined(body), origin: body.origin ?? origin });
  return keyShape(deps, slot);
}

/**
 * Seals the value, then asks the provider about it. A key that the provider does not know is kept, but disabled. A new value does not
 * enable a slot that somebody disabled, and so cannot be asked about.
 */
async function addKey(deps: Deps, body: AddBody, principal: Principal): Promise<RouteReply<'key.add'>> {
  const { value, verify, team, environment } = body;
  refuseCredentials([
    body.name,
    team,
    environment,
    body.purpose,
    body.providerOrganization,
    body.providerProject,
  ]);
  const input = slotInput(deps, body);
  requireOrigin(principal, { ...body, provider: input.provider });
  if (team !== undefined) deps.teams.get(team);
  const environmentAdded =
    environment !== undefined && (await ensureEnvironment(deps.teams, principal, environment));
  using secret = Secret.fromText(value);
  const added = await deps.vault.addKey(principal.id, input, secret);
  const verified =
    verify === false || added.state === 'disabled' ? null : await deps.verifyKey(principal.id, added.name);
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
    environmentAdded,
  };
}

/**
 * Where a key may be sent, the prompts of its team and environment are sent as well: any other place than the provider's own is for who
 * may say so. Throws `admin.forbidden`. Of a replaced key the origin stays what somebody with that right has said.
 */
function requireOrigin(
  principal: Principal,
  {
    provider,
    origin,
    allowPrivateOrigin,
  }: Pick<AddBody, 'origin' | 'allowPrivateOrigin'> & { provider: string },
): void {
  const own = origin === undefined || origin === findProvider(provider)?.origin;
  if (!own || allowPrivateOrigin === true) requireScope(principal, ORIGIN_SCOPE);
}

/** With `replace`, and for a declared key, provider and origin may be left out: they stay as they are. */
function slotInput({ vault }: Deps, body: AddBody): AddKeyInput {
  const { value: _value, verify: _verify, provider: asked, origin, ...rest } = body;
  const name = slotName(nameOf(body));
  const existing = body.replace === true ? vault.show(name).slot : vault.declared(name);
  const provider = asked ?? existing?.provider;
  if (provider === undefined) {
    throw new SallyportError('input.invalid', 'The key needs its provider.', {
      fix: `Add --provider: one of ${providerIds().join(', ')}.`,
    });
  }
  const row = providerRow(provider);
  return { ...defined(rest), provider, origin: origin ?? existing?.origin ?? row.origin };
}

function providerRow(provider: string): Provider {
  const row = findProvider(provider);
  if (row) return row;
  // Not repeated: it may be a key in the wrong place.
  throw new SallyportError('not_found', 'There is no such provider.', {
    fix: suggest(provider, providerIds(), `The providers are ${providerIds().join(', ')}.`),
  });
}

/** What a slot's name is made of. */
function nameOf(body: AddBody): AddKeyInput {
  const { name, team, environment, purpose } = body;
  return { ...defined({ name, team, environment, purpose }), provider: '', origin: '' };
}

/** Nothing is sent with a disabled key, not even a question about it. */
function disabledVerification(name: string): VerificationShape {
  return {
    verdict: 'unknown',
    meaning: 'The key is disabled, so nothing is sent with it.',
    fix: `Enable it, then verify again: sallyport key enable ${name}`,
    status: null,
    errorCode: null,
  };
}

function missingVerification(name: string): VerificationShape {
  return {
    verdict: 'unknown',
    meaning: 'The key is declared, and has no value yet.',
    fix: `Add it: sallyport key add ${name}`,
    status: null,
    errorCode: null,
  };
}

function verificationShape(verified: VerifiedKey): VerificationShape {
  const { verdict, meaning, fix, status, errorCode } = verified;
  return { verdict, meaning, fix, status, errorCode };
}
