/** The destinations there are, and the only way to change one. Values go in and stay in: no answer here holds a URL, password or old secret. */
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { randomBase62 } from '../core/ids.ts';
import { checkName } from '../core/names.ts';
import { suggest } from '../core/nearest.ts';
import type { RecordBook, RecordPut } from '../records/records.ts';
import type { Keyring } from '../vault/keyring.ts';
import { type Resolve, systemResolve } from '../vault/origin.ts';
import {
  type Destination,
  destinationBody,
  destinationOf,
  type DestinationSecrets,
  type HeldDestination,
  openSecrets,
  sealSecrets,
} from './destinations.ts';
import { checkMail, type MailInput } from './mail-input.ts';
import { checkTarget, parseWebhookUrl } from './target.ts';
import { ALERT_TYPES } from './terms.ts';
import { newWebhookSecret } from './webhooks.mjs';

export interface DirectoryDeps {
  readonly book: RecordBook;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** For tests; the system's resolver otherwise. */
  readonly resolve?: Resolve;
}

interface Common {
  readonly name: string;
  /** Left out: all. */
  readonly events?: readonly string[];
  readonly team?: string;
  readonly allowPrivate?: boolean;
}

export type DestinationInput =
  | (Common & { readonly type: 'slack' | 'webhook'; readonly url: string })
  | (Common & { readonly type: 'email'; readonly mail: MailInput });

export interface Added {
  readonly destination: Destination;
  /** Of a webhook: to verify signatures with. In this answer, and nowhere afterwards. */
  readonly secret: string | null;
}

/** Of `rotateSecret`: what takes the place of the old value. A webhook's secret is made here. */
export interface Rotation {
  /** A new URL for Slack, a new password for mail. */
  readonly value?: string;
  /** How long a webhook is signed with the old secret as well. */
  readonly overlapMs?: number;
}

const MAX_DESTINATIONS = 100;
export const DEFAULT_OVERLAP_MS = 86_400_000;

export class Directory {
  readonly #book: RecordBook;
  readonly #keyring: Keyring;
  readonly #clock: Clock;
  readonly #resolve: Resolve;
  readonly #held = new Map<string, HeldDestination>();

  /** Throws `store.tampered` for a record that does not validate. */
  constructor(deps: DirectoryDeps) {
    this.#book = deps.book;
    this.#keyring = deps.keyring;
    this.#clock = deps.clock;
    this.#resolve = deps.resolve ?? systemResolve;
    deps.book.subscribe('alert_destination', (record) => this.#held.set(record.id, destinationOf(record)));
  }

  /** Those in use, by name. */
  active(): HeldDestination[] {
    return [...this.#held.values()]
      .filter(({ destination }) => destination.state === 'active')
      .toSorted((a, b) => (a.destination.name < b.destination.name ? -1 : 1));
  }

  /** By id, also when it was removed. */
  find(id: string): HeldDestination | undefined {
    return this.#held.get(id);
  }

  /** By name, among those in use. Throws `not_found`. */
  get(name: string): HeldDestination {
    const found = this.active().find(({ destination }) => destination.name === name);
    if (found) return found;
    const names = this.active().map(({ destination }) => destination.name);
    throw new SallyportError('not_found', 'There is no alert destination of that name.', {
      fix: suggest(name, names, 'See all of them: sallyport alert list'),
    });
  }

  /** From whom and to whom a mail destination sends, and as which user; null for others. */
  recipients(held: HeldDestination): { from: string; to: readonly string[]; user: string | null } | null {
    if (held.destination.type !== 'email') return null;
    const secrets = openSecrets(held, this.#keyring);
    return secrets.type === 'email' ? { from: secrets.from, to: secrets.to, user: secrets.user } : null;
  }

  /** Rejects with `input.invalid`, `conflict`, or what the record book rejects with. */
  async add(principal: string, input: DestinationInput): Promise<Added> {
    checkName('alert destination', input.name);
    const secret = input.type === 'webhook' ? newWebhookSecret() : null;
    const { origin, tls, secrets } = await this.#checked(input, secret);
    const destination: Destination = {
      id: `dst_${randomBase62(12)}`,
      name: input.name,
      type: input.type,
      origin,
      allowPrivate: input.allowPrivate ?? false,
      events: checkEvents(input.events ?? ['*']),
      team: input.team ?? null,
      tls,
      version: 1,
      state: 'active',
      createdAt: new Date(this.#clock.wallMs()).toISOString(),
    };
    await this.#book.change('alert.add', principal, () => {
      const active = this.active();
      if (active.some(({ destination: { name } }) => name === input.name)) {
        throw new SallyportError('conflict', `An alert destination named "${input.name}" exists.`, {
          fix: 'Choose another name, or remove that one first.',
        });
      }
      if (active.length >= MAX_DESTINATIONS)
        throw new SallyportError('conflict', `There are ${MAX_DESTINATIONS} alert destinations already.`);
      return [this.#put(destination, secrets)];
    });
    return { destination, secret };
  }

  /** What it is told from now on; what is left out stays. Rejects with `not_found` or `input.invalid`. */
  async change(
    principal: string,
    name: string,
    { events, team }: { readonly events?: readonly string[]; readonly team?: string | null },
  ): Promise<Destination> {
    const checked = events && checkEvents(events);
    let changed: Destination | undefined;
    await this.#book.change('alert.change', principal, () => {
      const { destination } = this.get(name);
      changed = {
        ...destination,
        events: checked ?? destination.events,
        team: team === undefined ? destination.team : team,
      };
      return [{ kind: 'alert_destination', id: destination.id, body: destinationBody(changed) }];
    });
    if (!changed) throw new TypeError('A change resolved without its plan.');
    return changed;
  }

  /** It gets nothing more, and what was sealed for it is gone. Rejects with `not_found`. */
  async remove(principal: string, name: string): Promise<Destination> {
    let removed: Destination | undefined;
    // Two changes: what replaces sealed bytes can be lost by a crash, and the removal must not be.
    await this.#book.change('alert.remove', principal, () => {
      removed = { ...this.get(name).destination, state: 'removed' };
      return [{ kind: 'alert_destination', id: removed.id, body: destinationBody(removed) }];
    });
    if (!removed) throw new TypeError('A change resolved without its plan.');
    const emptied = { ...removed, version: removed.version + 1 };
    await this.#book.change('alert.erase', principal, () => [this.#put(emptied, { type: 'nothing' })]);
    return emptied;
  }

  /** The new secret of a webhook; null for others. Rejects with `not_found` or `input.invalid`. */
  async rotateSecret(principal: string, name: string, rotation: Rotation): Promise<Added> {
    const before = this.get(name);
    const { type } = before.destination;
    const value = type === 'webhook' ? newWebhookSecret() : rotation.value;
    if (value === undefined || value === '')
      throw invalid('The new value is missing.', `Give the new ${type === 'slack' ? 'URL' : 'password'}.`);
    if (type === 'slack') await this.#checkSameOrigin(before.destination, value);
    let rotated: Destination | undefined;
    await this.#book.change('alert.rotate_secret', principal, () => {
      const held = this.get(name);
      rotated = { ...held.destination, version: held.destination.version + 1 };
      const secrets = this.#next(openSecrets(held, this.#keyring), value, rotation);
      return [this.#put(rotated, secrets)];
    });
    if (!rotated) throw new TypeError('A change resolved without its plan.');
    return { destination: rotated, secret: type === 'webhook' ? value : null };
  }

  #next(
    secrets: DestinationSecrets,
    value: string,
    { overlapMs = DEFAULT_OVERLAP_MS }: Rotation,
  ): DestinationSecrets {
    switch (secrets.type) {
      case 'slack':
        return { ...secrets, url: value };
      case 'email':
        if (secrets.user === null)
          throw invalid('This destination logs in as nobody.', 'Remove it and add it with --user.');
        return { ...secrets, password: value };
      case 'webhook': {
        const [current] = secrets.secrets;
        const fresh = { value, endsAtMs: null };
        if (!current || overlapMs === 0) return { ...secrets, secrets: [fresh] };
        return { ...secrets, secrets: [fresh, { ...current, endsAtMs: this.#clock.wallMs() + overlapMs }] };
      }
      default:
        throw new TypeError('A removed destination has no secret.');
    }
  }

  async #checked(
    input: DestinationInput,
    secret: string | null,
  ): Promise<{ origin: string; tls: Destination['tls']; secrets: DestinationSecrets }> {
    const allowPrivate = input.allowPrivate ?? false;
    if (input.type === 'email') {
      const { origin, hostname, tls, ...mail } = checkMail(input.mail);
      await checkTarget({ hostname, encrypted: tls !== 'none' }, allowPrivate, this.#resolve);
      return { origin, tls, secrets: { type: 'email', ...mail } };
    }
    const url = parseWebhookUrl(input.url);
    await checkTarget(
      { hostname: url.hostname, encrypted: url.protocol === 'https:' },
      allowPrivate,
      this.#resolve,
    );
    const secrets: DestinationSecrets =
      input.type === 'slack'
        ? { type: 'slack', url: url.href }
        : { type: 'webhook', url: url.href, secrets: [{ value: secret ?? '', endsAtMs: null }] };
    return { origin: url.origin, tls: null, secrets };
  }

  async #checkSameOrigin({ origin, allowPrivate }: Destination, text: string): Promise<void> {
    const url = parseWebhookUrl(text);
    if (url.origin !== origin)
      throw invalid('The new URL is of another host.', 'Remove the destination and add it again.');
    await checkTarget(
      { hostname: url.hostname, encrypted: url.protocol === 'https:' },
      allowPrivate,
      this.#resolve,
    );
  }

  #put(destination: Destination, secrets: DestinationSecrets): RecordPut {
    return {
      kind: 'alert_destination',
      id: destination.id,
      body: destinationBody(destination),
      sealed: sealSecrets(secrets, destination, this.#keyring),
    };
  }
}

/** Throws `input.invalid` for what is neither a type of alert, nor a group of them such as `budget.*`, nor `*`. */
function checkEvents(events: readonly string[]): string[] {
  const groups = ALERT_TYPES.map((type) => `${type.split('.')[0]}.*`);
  const known = [...new Set<string>([...ALERT_TYPES, ...groups, '*'])];
  for (const event of events) {
    if (known.includes(event)) continue;
    throw invalid('One of the events is none.', suggest(event, known, `The events are ${known.join(', ')}.`));
  }
  if (events.length === 0)
    throw invalid('A destination for no events gets nothing.', 'Leave --event out for all.');
  return [...new Set(events)];
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
