/**
 * The front door of the vault: provider keys go in, and come out only inside a callback, for a named principal.
 * Values are sealed before they reach the record book; no plaintext is kept between two leases.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import type { Secret } from '../core/secret.ts';
import type { RecordBook, RecordPut } from '../records/records.ts';
import { seal, type OwnerRef, unwrap, type UnwrappedRecord } from './envelope.ts';
import { type Exposure, type ExposureReport, inForce } from './exposure.ts';
import type { Keyring } from './keyring.ts';
import { nearestName } from '../core/nearest.ts';
import { checkOrigin, systemResolve, type Resolve } from './origin.ts';
import {
  cleanValue,
  fingerprintOf,
  labelFor,
  ownerOf,
  slotBody,
  SLOT_NAME,
  versionBody,
  versionId,
  type KeySlot,
  type KeyVersion,
} from './provider-keys.ts';
import type { LeakedHashes, LeakedVersion, LeakedVersions } from './leaked-hashes.ts';
import { planDeclaration, planSlot, slotName, type AddKeyInput } from './slot-plan.ts';
import { SlotIndex, type HeldVersion, type SlotQuery } from './slots.ts';

export interface VaultDeps {
  readonly keyring: Keyring;
  readonly book: RecordBook;
  readonly clock: Clock;
  /** For tests; the system's resolver otherwise. */
  readonly resolve?: Resolve;
}

export interface KeyDetails {
  readonly slot: KeySlot;
  /** Oldest first. */
  readonly versions: readonly KeyVersion[];
}

/** A version after it was marked, or the mark taken back, and whether that changed anything. */
export interface MarkedVersion {
  readonly version: KeyVersion;
  readonly changed: boolean;
}

/** So many sealed values are opened before calls have their turn: less than a millisecond. */
const OPENED_AT_ONCE = 50;

export class Vault {
  readonly #keyring: Keyring;
  readonly #book: RecordBook;
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #index: SlotIndex;
  /** Records that were opened before, for as long as their version and their slot are the same objects: every change makes new ones. */
  readonly #unwrapped = new WeakMap<
    HeldVersion,
    { readonly slot: KeySlot; readonly record: UnwrappedRecord }
  >();

  /** Throws `store.tampered` when a stored slot or version does not validate. */
  constructor(deps: VaultDeps) {
    this.#keyring = deps.keyring;
    this.#book = deps.book;
    this.#clock = deps.clock;
    this.#resolve = deps.resolve ?? systemResolve;
    this.#index = new SlotIndex(deps.book);
  }

  /**
   * Seals a value as a new slot, or with `replace: true` as the new active version of an existing one.
   * Rejects with `input.invalid` (nothing of the value is in the message), `conflict`, or what the record book rejects with.
   * The value stays the caller's to dispose, after this resolved.
   */
  async addKey(principal: string, input: AddKeyInput, value: Secret): Promise<KeySlot> {
    using clean = cleanValue(value);
    const named = { ...input, name: slotName(input) };
    const planned = planSlot(named, this.#index.slot(named.name), 1, this.#now());
    await checkOrigin(planned.origin, planned.allowPrivateOrigin, this.#resolve);
    // Two changes: sealed bytes are not in the journal, so a crash in the first one loses it. The slot must not name a version until
    // its bytes are committed; a version that was committed and never named is harmless.
    const staged = await this.#stage(principal, planned, clean);
    return this.#activate(principal, named, staged);
  }

  /**
   * Makes the slot what is said, without a value; one that is there keeps its state and its value. A slot without a value is not used for
   * any call. Rejects with `input.invalid`, `conflict` for what its sealed values are bound to, or what the record book rejects with.
   */
  async declare(principal: string, input: Omit<AddKeyInput, 'replace'>): Promise<KeySlot> {
    const name = slotName(input);
    const existing = (): KeySlot | undefined => this.#index.slot(name);
    const plan = (): KeySlot =>
      planDeclaration(input, existing(), this.#index.versions(name).length > 0, this.#now());
    const { origin, allowPrivateOrigin } = plan();
    await checkOrigin(origin, allowPrivateOrigin, this.#resolve);
    await this.#book.change('key.declare', principal, () => {
      const slot = plan();
      return isDeepStrictEqual(slot, existing()) ? [] : [slotPut(slot)];
    });
    return this.#find(name);
  }

  /** The slot of that name, if it was declared and waits for its first value. */
  declared(name: string): KeySlot | undefined {
    const slot = this.#index.slot(name);
    return slot?.activeVersion === 0 ? slot : undefined;
  }

  /** Disabled slots are never selected or leased; enabling takes that back. Rejects with `not_found`. */
  async setState(principal: string, name: string, state: KeySlot['state']): Promise<KeySlot> {
    await this.#book.change(state === 'active' ? 'key.enable' : 'key.disable', principal, () => [
      slotPut({ ...this.#find(name), state }),
    ]);
    return this.#find(name);
  }

  /**
   * Marks a version, `version` or the active one, as known outside. One that is marked stays as it is, with who said so first. Calls go on.
   * Rejects with `not_found`.
   */
  async markExposed(
    principal: string,
    name: string,
    version: number | null,
    report: ExposureReport,
  ): Promise<MarkedVersion> {
    let changed = false;
    await this.#book.change('key.expose', principal, () => {
      const found = this.#findVersion(name, version);
      if (inForce(found.exposed)) return [];
      changed = true;
      return [
        versionPut({ ...found, exposed: { ...report, at: this.#now(), by: principal, cleared: null } }),
      ];
    });
    return { version: this.#findVersion(name, version), changed };
  }

  /** Takes the mark back, and keeps who did and why. A version without one stays as it is. Rejects with `not_found`. */
  async clearExposed(
    principal: string,
    name: string,
    version: number | null,
    reason: string | null,
  ): Promise<MarkedVersion> {
    let changed = false;
    await this.#book.change('key.clear_exposed', principal, () => {
      const found = this.#findVersion(name, version);
      const exposed = inForce(found.exposed);
      if (!exposed) return [];
      changed = true;
      return [
        versionPut({
          ...found,
          exposed: { ...exposed, cleared: { at: this.#now(), by: principal, reason } },
        }),
      ];
    });
    return { version: this.#findVersion(name, version), changed };
  }

  /** Of the version in use; null when its value is not known to be outside. */
  exposureOf({ name, activeVersion }: KeySlot): Exposure | null {
    return inForce(this.#index.version(name, activeVersion)?.version.exposed ?? null);
  }

  /**
   * The versions whose value has one of these hashes, whatever their state. Values are opened one after the other and wiped; what cannot be
   * opened is counted. Gives way to calls in between.
   */
  async findLeaked(hashes: LeakedHashes): Promise<LeakedVersions> {
    const found: LeakedVersion[] = [];
    let notCompared = 0;
    let opened = 0;
    for (const slot of this.#index.slots()) {
      for (const { version } of this.#index.versions(slot.name)) {
        const held = this.#index.version(slot.name, version);
        if (!held) continue;
        const indices = this.#indicesOf(held, slot, hashes);
        if (indices === null) notCompared += 1;
        for (const index of indices ?? []) found.push({ index, slot, version: held.version });
        opened += 1;
        if (opened % OPENED_AT_ONCE === 0) await new Promise(setImmediate);
      }
    }
    return { found, notCompared };
  }

  /** All slots, by name. */
  list(): KeySlot[] {
    return this.#index.slots();
  }

  /** Throws `not_found`, with the nearest name in its fix. */
  show(name: string): KeyDetails {
    const slot = this.#find(name);
    return { slot, versions: this.#index.versions(slot.name) };
  }

  /** The slot that pays for a call, or undefined when none may. */
  select(query: SlotQuery): KeySlot | undefined {
    return this.#index.select(query);
  }

  /**
   * Lends the key of `slot` (the version that was active when it was selected) to `use`, and wipes it when `use` returns.
   * INVARIANT: that is also when an async `use` reaches its first await, so the callback builds its headers synchronously; touching the
   * Secret later throws. Throws `vault.tampered`, or `upstream.unavailable` when the slot was disabled or its bytes are gone.
   */
  lease<T>(principal: string, slot: KeySlot, use: (key: Secret) => T): T {
    if (principal === '') throw new TypeError('A lease needs a principal.');
    // The scope comes from the record as it is now, never from the caller's object.
    const current = this.#index.slot(slot.name);
    const held = this.#index.version(slot.name, slot.activeVersion);
    if (current?.state !== 'active' || !held?.sealed || held.version.state === 'pending') {
      throw unusable(slot, current, held, principal);
    }
    using key = this.#open(held, held.sealed, current);
    return use(key);
  }

  /** The sealed bytes of some key in use and what they are bound to, for a recovery drill; null when there is none. */
  sealedSample(): { readonly sealed: Uint8Array; readonly owner: OwnerRef } | null {
    for (const slot of this.#index.slots()) {
      const sealed = this.#index.version(slot.name, slot.activeVersion)?.sealed;
      if (sealed) return { sealed, owner: ownerOf(slot, slot.activeVersion) };
    }
    return null;
  }

  #open(held: HeldVersion, sealed: Uint8Array, slot: KeySlot): Secret {
    const known = this.#unwrapped.get(held);
    if (known?.slot === slot) return known.record.open();
    const owner = ownerOf(slot, held.version.version);
    try {
      const record = unwrap(sealed, owner, this.#keyring);
      const key = record.open();
      this.#unwrapped.set(held, { slot, record });
      return key;
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error;
      const { fix } = error;
      throw new SallyportError(error.code, error.message, {
        ...(fix === undefined ? {} : { fix }),
        detail: `${owner.recordKind} ${owner.recordId}`,
      });
    }
  }

  /** Null when there is no value to compare. */
  #indicesOf(held: HeldVersion, slot: KeySlot, hashes: LeakedHashes): readonly number[] | null {
    if (!held.sealed) return null;
    try {
      // Not kept unwrapped: most of these are never used again.
      using value = unwrap(held.sealed, ownerOf(slot, held.version.version), this.#keyring).open();
      return hashes.indicesOf(value);
    } catch (error) {
      if (error instanceof SallyportError) return null;
      throw error;
    }
  }

  async #stage(principal: string, planned: KeySlot, value: Secret): Promise<KeyVersion> {
    const fingerprint = fingerprintOf(value, this.#keyring.authenticator('field-mac'));
    let staged: KeyVersion | undefined;
    await this.#book.change('key.seal', principal, () => {
      const versions = this.#index.versions(planned.name);
      const same = versions.find((one) => one.state === 'active' && one.fingerprint === fingerprint);
      if (same) throw sameValue(planned.name, same);
      const version = (versions.at(-1)?.version ?? 0) + 1;
      staged = {
        slot: planned.name,
        version,
        label: labelFor(planned.name, this.#clock.wallMs(), this.#index.labels()),
        state: 'pending',
        createdAt: this.#now(),
        fingerprint,
        exposed: null,
      };
      return [{ ...versionPut(staged), sealed: seal(value, ownerOf(planned, version), this.#keyring) }];
    });
    if (!staged) throw new TypeError('A change resolved without its plan.');
    return staged;
  }

  async #activate(
    principal: string,
    input: AddKeyInput & { readonly name: string },
    staged: KeyVersion,
  ): Promise<KeySlot> {
    const { slot: name, version } = staged;
    await this.#book.change(input.replace === true ? 'key.replace' : 'key.add', principal, () => {
      // Planned again: another change may have come between.
      const slot = planSlot(input, this.#index.slot(name), version, this.#now());
      const held = this.#index.version(name, version);
      if (!held?.sealed) throw new TypeError('The staged version is not in the book.');
      // Nothing becomes active that does not open for the slot as it will be.
      this.#open(held, held.sealed, slot)[Symbol.dispose]();
      const retired = this.#index
        .versions(name)
        .filter((one) => one.state === 'active')
        .map((one) => versionPut({ ...one, state: 'retired' }));
      return [...retired, versionPut({ ...held.version, state: 'active' }), slotPut(slot)];
    });
    return this.#find(name);
  }

  #find(name: string): KeySlot {
    const slot = this.#index.slot(name);
    if (slot) return slot;
    const meant = nearestName(
      name,
      this.#index.slots().map((one) => one.name),
    );
    // What is not even a name may be a key in the wrong place: it is not repeated.
    const shown = SLOT_NAME.test(name) ? ` is named "${name}"` : ' has that name';
    throw new SallyportError('not_found', `No provider key${shown}.`, {
      fix: meant === undefined ? 'See all names: sallyport key list' : `Did you mean "${meant}"?`,
    });
  }

  #findVersion(name: string, version: number | null): KeyVersion {
    const slot = this.#find(name);
    const found = this.#index.version(slot.name, version ?? slot.activeVersion)?.version;
    if (found) return found;
    throw new SallyportError('not_found', `"${slot.name}" has no such version.`, {
      fix: `See its versions: sallyport key show ${slot.name}`,
    });
  }

  #now(): string {
    return new Date(this.#clock.wallMs()).toISOString();
  }
}

function slotPut(slot: KeySlot): RecordPut {
  return { kind: 'provider_key', id: slot.name, body: slotBody(slot) };
}

function versionPut(version: KeyVersion): RecordPut {
  return { kind: 'key_version', id: versionId(version.slot, version.version), body: versionBody(version) };
}

function sameValue(name: string, same: KeyVersion): SallyportError {
  return new SallyportError('conflict', `"${name}" already holds this key as version ${same.version}.`, {
    fix: 'Paste the new key that the provider made, not the one in use.',
  });
}

function unusable(
  slot: KeySlot,
  current: KeySlot | undefined,
  held: HeldVersion | undefined,
  principal: string,
): SallyportError {
  const id = versionId(slot.name, slot.activeVersion);
  if (current?.state === 'disabled') {
    return new SallyportError('upstream.unavailable', 'The provider key for this call is disabled.', {
      detail: `${id}, for ${principal}`,
      fix: `An operator can enable it: sallyport key enable ${slot.name}`,
    });
  }
  const why = held ? 'its sealed bytes are not in this database' : 'it is not in this database';
  return new SallyportError('upstream.unavailable', 'The provider key for this call is not available.', {
    detail: `${id}: ${why}, for ${principal}`,
    fix: `An operator can add it again: sallyport key add ${slot.name} --provider ${slot.provider} --replace`,
  });
}
