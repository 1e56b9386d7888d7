/** `keys`: all of a provider key but its value, which `key add` brings and no file ever holds. */
import { z } from 'zod';
import { findProvider, providerIds } from '../providers/catalog.ts';
import { DEMO_PURPOSE, SLOT_NAME } from '../vault/provider-keys.ts';
import { nameField } from './fields.ts';
import { type Contract, defineSection } from './section.ts';

const detail = z
  .string()
  .regex(/^[\x21-\x7e]{1,200}$/, 'an identifier of the provider has no spaces')
  .nullable()
  .default(null);

const key = z.strictObject({
  provider: z.enum(providerIds()).describe('Whose key it is.'),
  origin: z
    .string()
    .max(300)
    .refine(isOrigin, 'an origin is scheme and host alone, such as https://api.groq.com')
    .optional()
    .describe("Where it may be sent; left out: the provider's own API."),
  allowPrivateOrigin: z.boolean().default(false).describe('Permits a loopback or private address as origin.'),
  team: nameField.nullable().default(null).describe('Only for calls of this team; null: of any.'),
  environment: nameField
    .nullable()
    .default(null)
    .describe('Only for calls of this environment; null: of any.'),
  purpose: nameField.nullable().default(null).describe('What it is for.'),
  providerOrganization: detail.describe('The organization at the provider that it belongs to.'),
  providerProject: detail.describe('The project at the provider that it belongs to.'),
  state: z
    .enum(['active', 'disabled'])
    .optional()
    .describe('Left out: as it is, so that a key that was disabled in an emergency stays so.'),
});

export const keysSchema = z
  .record(
    z
      .string()
      .regex(
        SLOT_NAME,
        'a key has a name of 1 to 63 lower-case letters, digits, dots, hyphens or underscores',
      ),
    key,
  )
  .describe('Provider keys by name, without their values.');

interface KeyItem extends Omit<z.infer<typeof key>, 'provider' | 'origin'> {
  readonly provider: string;
  readonly origin: string;
  /** Of what there is. */
  readonly hasValue?: boolean;
  readonly [field: string]: unknown;
}

/** What sealed values are bound to. */
const FIXED = ['provider', 'origin', 'team', 'environment', 'purpose'] as const;
const ELSEWHERE = 'values of keys are never in this file: sallyport key add NAME';

export const keys = defineSection<KeyItem>({
  key: 'keys',
  noun: 'key',
  hints: new Map(['value', 'key', 'secret', 'token', 'apikey', 'api_key'].map((name) => [name, ELSEWHERE])),
  read: async (contract) => {
    const { keys: all } = await contract.call('key.list');
    return new Map(
      all
        .filter(({ purpose }) => purpose !== DEMO_PURPOSE)
        .map(({ name, activeVersion, ...slot }) => [name, { ...slot, hasValue: activeVersion > 0 }]),
    );
  },
  wanted: ({ keys: named }) => {
    if (named === undefined) return undefined;
    const entries = Object.entries(named ?? {}).map(([id, written]) => {
      const origin = written.origin ?? originOf(written.provider);
      return [id, { item: { ...written, origin }, path: ['keys', id] }] as const;
    });
    return new Map(entries);
  },
  describe: (items) => ({
    keys: Object.fromEntries([...items].map(([id, item]) => [id, described(item)])),
  }),
  refuse: (id, item, current) => {
    if (!current?.hasValue) return undefined;
    const field = FIXED.find((name) => item[name] !== current[name]);
    if (field === undefined) return undefined;
    return {
      field,
      message: `the ${field} of key ${id} is ${current[field] ?? 'any'}, and its sealed value is bound to that`,
      fix: 'add the key under a new name, then disable this one',
    };
  },
  put: async (contract, id, { state, ...declared }, current) => {
    const differs = Object.entries(declared).some(([field, value]) => value !== current?.[field]);
    if (differs) await contract.call('key.declare', { body: { name: id, ...withoutNulls(declared) } });
    if (state !== undefined && state !== (current?.state ?? 'active')) await setState(contract, id, state);
  },
  references: (_, { team, environment }) => [
    ...(team === null ? [] : [{ section: 'teams', id: team, field: 'team' } as const]),
    ...(environment === null
      ? []
      : [{ section: 'environments', id: environment, field: 'environment' } as const]),
  ],
  disable: (id, { state }) =>
    state === 'disabled'
      ? null
      : { item: { state: 'disabled' }, run: (contract) => setState(contract, id, 'disabled') },
  toDo: (id, _, current) =>
    current?.hasValue ? undefined : `key ${id} has no value yet: sallyport key add ${id}`,
});

/** In form; where it leads is for the gateway to check. */
function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return url?.origin === text && /^https?:$/.test(url.protocol);
}

function setState(contract: Contract, name: string, state: 'active' | 'disabled'): Promise<unknown> {
  return contract.call('key.state', { params: { name }, body: { state } });
}

function originOf(provider: string): string {
  return findProvider(provider)?.origin ?? '';
}

/** What is not as it would be if it were left out. */
function described(item: KeyItem): object {
  const { provider, origin, allowPrivateOrigin, state, team, environment, purpose } = item;
  const { providerOrganization, providerProject } = item;
  return {
    provider,
    ...(origin !== originOf(provider) && { origin }),
    ...(allowPrivateOrigin && { allowPrivateOrigin }),
    ...withoutNulls({ team, environment, purpose, providerOrganization, providerProject }),
    ...(state === 'disabled' && { state }),
  };
}

function withoutNulls<T extends object>(fields: T): { [F in keyof T]: Exclude<T[F], null> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [F in keyof T]: Exclude<T[F], null>;
  };
}
