/** What a slot will be after `addKey` and `declare`: names, defaults and the rules for replacing. Pure. */
import { SallyportError } from '../core/errors.ts';
import { NAME_SHAPE } from '../core/names.ts';
import { DEMO_PURPOSE, type KeySlot, SLOT_NAME } from './provider-keys.ts';

/** With `replace`, what is left out stays as it is. */
export interface AddKeyInput {
  /** `{team}-{environment}-{purpose}` when left out and all three are given. */
  readonly name?: string;
  readonly provider: string;
  /** Exact origin, such as `https://api.groq.com`. */
  readonly origin: string;
  /** Permits a loopback, private or link-local upstream, and plain http to it. */
  readonly allowPrivateOrigin?: boolean;
  /** Null or left out: any team. */
  readonly team?: string | null;
  /** Null or left out: any environment. */
  readonly environment?: string | null;
  readonly purpose?: string | null;
  readonly providerOrganization?: string | null;
  readonly providerProject?: string | null;
  /** Permits a new version of an existing slot; the old one is retired. */
  readonly replace?: boolean;
}

/** What an envelope is bound to, or what decides who uses the key: fixed for the life of a slot. */
const FIXED = ['provider', 'origin', 'team', 'environment', 'purpose'] as const;

/**
 * The slot as `version` would be its active one. Throws `input.invalid` for names, and `conflict` when the slot has a value that is not to be
 * replaced, or is to change what is fixed.
 */
export function planSlot(
  input: AddKeyInput,
  existing: KeySlot | undefined,
  version: number,
  now: string,
): KeySlot {
  if (!existing) return newSlot(input, version, now);
  refuseReplace(input, existing);
  return {
    ...existing,
    allowPrivateOrigin: input.allowPrivateOrigin ?? existing.allowPrivateOrigin,
    providerOrganization: detail(
      'provider organization',
      input.providerOrganization ?? existing.providerOrganization,
    ),
    providerProject: detail('provider project', input.providerProject ?? existing.providerProject),
    activeVersion: version,
  };
}

/**
 * The slot as it is declared; what is left out is none. Its state and value stay. `isSealed`: there are values that are bound to what it is
 * now. Throws as `planSlot` does.
 */
export function planDeclaration(
  input: Omit<AddKeyInput, 'replace'>,
  existing: KeySlot | undefined,
  isSealed: boolean,
  now: string,
): KeySlot {
  const slot = newSlot(input, 0, now);
  if (!existing) return slot;
  const changed = isSealed ? FIXED.find((field) => slot[field] !== existing[field]) : undefined;
  if (changed !== undefined) throw fixed(existing, changed);
  const { state, activeVersion, createdAt } = existing;
  return { ...slot, state, activeVersion, createdAt };
}

function newSlot(input: AddKeyInput, activeVersion: number, now: string): KeySlot {
  const slot: KeySlot = {
    name: slotName(input),
    provider: checked('provider', input.provider, SLOT_NAME),
    origin: input.origin,
    allowPrivateOrigin: input.allowPrivateOrigin ?? false,
    team: optional('team', input.team),
    environment: optional('environment', input.environment),
    purpose: optional('purpose', input.purpose),
    providerOrganization: detail('provider organization', input.providerOrganization),
    providerProject: detail('provider project', input.providerProject),
    state: 'active',
    activeVersion,
    createdAt: now,
  };
  if (slot.purpose === DEMO_PURPOSE && slot.team === null) {
    throw new SallyportError('input.invalid', 'A demo key belongs to one team.', { fix: 'Name its team.' });
  }
  return slot;
}

function refuseReplace(input: AddKeyInput, existing: KeySlot): void {
  if (input.replace !== true && existing.activeVersion > 0) {
    throw new SallyportError('conflict', `A provider key named "${existing.name}" exists.`, {
      fix: 'Choose another name, or replace its value with --replace.',
    });
  }
  const changed = FIXED.find((field) => input[field] !== undefined && input[field] !== existing[field]);
  if (changed === undefined) return;
  if (existing.activeVersion > 0) throw fixed(existing, changed);
  throw new SallyportError('conflict', `"${existing.name}" is declared with another ${changed}.`, {
    fix: 'Leave it out: what is declared is taken. Or change the declaration first.',
  });
}

function fixed({ name }: KeySlot, field: string): SallyportError {
  return new SallyportError(
    'conflict',
    `The ${field} of "${name}" cannot change: its sealed versions are bound to it.`,
    { fix: 'Add the key under a new name, then disable this one.' },
  );
}

/** The name asked for, or the one made of team, environment and purpose. Throws `input.invalid` when there is neither. */
export function slotName(input: AddKeyInput): string {
  if (input.name !== undefined) return checked('name', input.name, SLOT_NAME);
  const { team, environment, purpose } = input;
  if (!team || !environment || !purpose) {
    throw new SallyportError('input.invalid', 'The key needs a name.', {
      fix: 'Give --name, or all of --team, --env and --purpose, from which the name is made.',
    });
  }
  return checked('name', `${team}-${environment}-${purpose}`.toLowerCase(), SLOT_NAME);
}

function optional(what: string, value: string | null | undefined): string | null {
  return value === undefined || value === null ? null : checked(what, value, NAME_SHAPE);
}

/** Not repeated in the message: it may be a key in the wrong place. */
function checked(what: string, value: string, shape: RegExp): string {
  if (shape.test(value)) return value;
  throw new SallyportError('input.invalid', `The ${what} is not a valid name.`, {
    fix: 'Use 1 to 63 lower-case letters, digits, dots, hyphens or underscores, starting with a letter or digit.',
  });
}

function detail(what: string, value: string | null | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (/^[\x21-\x7e]{1,200}$/.test(value)) return value;
  throw new SallyportError('input.invalid', `The ${what} is not a valid identifier.`, {
    fix: "Copy it from the provider's console; it has no spaces.",
  });
}
