/**
 * Access tokens: issue, authenticate, revoke. A token's secret is shown once and kept only as a keyed hash (pepper from the keyring), so
 * that a copy of the database neither reveals a token nor lets anybody add one. Revocation is in force at the next request.
 */
import { z } from 'zod';
import type { Authenticator } from '../core/authenticator.ts';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { tokenLeakHash } from '../core/leak-hash.ts';
import { checkName } from '../core/names.ts';
import type { RecordBook, StoredRecord } from '../records/records.ts';
import { addressRanges, checkCidr } from './address.ts';
import { boundsSchema, type Bounds } from './bounds.ts';
import { allows, checkScope, covers, providersOf } from './scope.ts';
import type { Teams } from './teams.ts';
import { newToken, parseToken, TOKEN_TYPES, type TokenType } from './token-format.ts';

const DAY_MS = 86_400_000;
/** No token lives longer, whoever asks. */
export const MAX_LIFETIME_MS = 365 * DAY_MS;

const typeSchema = z.enum(Object.values(TOKEN_TYPES) as [TokenType, ...TokenType[]]);
const nullableLimit = z.number().int().min(0).nullable();

const tokenSchema = z.strictObject({
  id: z.string().length(12),
  type: typeSchema,
  name: z.string().max(100).nullable(),
  /** Null only for admin tokens. */
  team: z.string().nullable(),
  project: z.string().nullable(),
  environment: z.string(),
  scopes: z.array(z.string()),
  defaultProvider: z.string().nullable(),
  cidrs: z.array(z.string()),
  /** May be used from a web page. */
  browserSafe: z.boolean(),
  rateLimitRPM: nullableLimit,
  concurrency: nullableLimit,
  /** Name of the preset that it was issued with; what that said then is in the other fields. Records from before have none. */
  preset: z.string().max(63).nullable().default(null),
  bounds: boundsSchema.nullable().default(null),
  /** The token whose usage and entries it may read instead of its own: the other half of a pair. */
  readsFor: z.string().length(12).nullable().default(null),
  issuedBy: z.string(),
  createdAt: z.string(),
  expiresAtMs: z.number().int().positive(),
  state: z.enum(['active', 'revoked']),
  revokedAt: z.string().nullable(),
  revokedReason: z.string().nullable(),
});

type TokenBody = z.infer<typeof tokenSchema>;

export interface Token extends TokenBody {
  readonly allowsAddress: (address: string) => boolean;
}

export interface TokenRequest {
  readonly type?: TokenType;
  readonly name?: string;
  readonly team: string | null;
  readonly project?: string;
  readonly environment: string;
  readonly scopes: readonly string[];
  readonly lifetimeMs: number;
  readonly defaultProvider?: string;
  readonly cidrs?: readonly string[];
  readonly browserSafe?: boolean;
  readonly rateLimitRPM?: number;
  readonly concurrency?: number;
  readonly preset?: string;
  readonly bounds?: Bounds;
  readonly readsFor?: string;
}

export interface Issuer {
  readonly principal: string;
  /** What the issuer may grant. */
  readonly scopes: readonly string[];
  /** The admin token that issues, or undefined for the local operator: another admin token lives no longer, and nowhere else. */
  readonly bounds?: { readonly expiresAtMs: number; readonly cidrs: readonly string[] };
}

export interface TokensDeps {
  readonly book: RecordBook;
  readonly teams: Teams;
  /** Over the pepper: `token-pepper`. */
  readonly pepper: Authenticator;
  readonly clock: Clock;
}

interface Known {
  readonly token: Token;
  readonly verifier: Uint8Array;
  /** Recognises the text by its hash; null for tokens that were issued before there was one. */
  readonly sighting: Uint8Array | null;
}

/** `unknown`: it was issued before what would tell was kept. */
export type SightingProof = 'right' | 'wrong' | 'unknown';

/** A verifier, and behind it, of newer tokens, what recognises the text by its hash (docs/spec/token.md, section 3). */
const VERIFIER_BYTES = 36;

export class Tokens {
  readonly #deps: TokensDeps;
  readonly #known = new Map<string, Known>();
  readonly #revoked: ((id: string) => void)[] = [];

  constructor(deps: TokensDeps) {
    this.#deps = deps;
    deps.book.subscribe('token', (record) => this.#load(record));
  }

  /** `listener` is called when a token is revoked, so that its running calls can be cut. */
  onRevoked(listener: (id: string) => void): void {
    this.#revoked.push(listener);
  }

  list(): Token[] {
    return [...this.#known.values()]
      .map(({ token }) => token)
      .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  find(id: string): Token | undefined {
    return this.#known.get(id)?.token;
  }

  /** Throws `not_found`. */
  get(id: string): Token {
    const token = this.find(id);
    if (token) return token;
    throw new SallyportError('not_found', `There is no token with the id "${id.slice(0, 64)}".`, {
      fix: 'List the tokens: sallyport token list. The id is the 12 characters after "sallyp_" and one letter.',
    });
  }

  /** Issues a token. The text is in the answer only, and nowhere afterwards. */
  async issue(issuer: Issuer, request: TokenRequest): Promise<{ token: Token; text: string }> {
    const type = request.type ?? 'service';
    const scopes = request.scopes.map(checkScope);
    this.#check(issuer, request, type, scopes);
    const fresh = newToken(type);
    const nowMs = this.#deps.clock.wallMs();
    const providers = providersOf(scopes);
    const [only] = providers;
    const body = checkBody({
      id: fresh.id,
      type,
      name: request.name ?? null,
      team: request.team,
      project: request.project ?? null,
      environment: request.environment,
      scopes,
      defaultProvider:
        request.defaultProvider ?? (providers.size === 1 && only !== '*' ? (only ?? null) : null),
      cidrs: (request.cidrs ?? []).map(checkCidr),
      browserSafe: request.browserSafe ?? false,
      rateLimitRPM: request.rateLimitRPM ?? null,
      concurrency: request.concurrency ?? null,
      preset: request.preset ?? null,
      bounds: request.bounds ?? null,
      readsFor: request.readsFor ?? null,
      issuedBy: issuer.principal,
      createdAt: new Date(nowMs).toISOString(),
      expiresAtMs: nowMs + request.lifetimeMs,
      state: 'active',
      revokedAt: null,
      revokedReason: null,
    });
    const { pepper } = this.#deps;
    const sealed = Buffer.concat([
      pepper.tag(verifierFields(fresh.id, fresh.secret)),
      pepper.tag(sightingFields(fresh.id, tokenLeakHash(Buffer.from(fresh.text)))),
    ]);
    await this.#deps.book.change('token.issue', issuer.principal, () => {
      if (this.#known.has(fresh.id))
        throw new SallyportError('conflict', 'Try again: the new token id is taken.');
      return [{ kind: 'token', id: fresh.id, body, sealed }];
    });
    return { token: this.get(fresh.id), text: fresh.text };
  }

  /** Ends a token for good. Revoking it again changes nothing. */
  revoke(principal: string, id: string, reason: string | null): Promise<Token> {
    return this.#end('token.revoke', principal, id, reason);
  }

  /** Likewise, for one whose text was found where it does not belong: people are told. */
  revokeExposed(principal: string, id: string, reason: string): Promise<Token> {
    return this.#end('token.expose', principal, id, reason);
  }

  async #end(action: string, principal: string, id: string, reason: string | null): Promise<Token> {
    const before = this.get(id);
    if (before.state === 'revoked') return before;
    await this.#deps.book.change(action, principal, () => {
      const { allowsAddress: _, ...body } = this.get(id);
      // Somebody else was faster: the first one's time and reason stay.
      if (body.state === 'revoked') return [];
      const revokedAt = new Date(this.#deps.clock.wallMs()).toISOString();
      return [
        {
          kind: 'token',
          id,
          body: { ...body, state: 'revoked', revokedAt, revokedReason: reason } satisfies TokenBody,
        },
      ];
    });
    return this.get(id);
  }

  /** Changes the given limits of a token that is in use. */
  async setLimits(
    principal: string,
    id: string,
    change: { readonly rateLimitRPM?: number | null; readonly concurrency?: number | null },
  ): Promise<Token> {
    await this.#deps.book.change('token.limits', principal, () => {
      const { allowsAddress: _, ...body } = this.get(id);
      if (body.state === 'revoked') throw new SallyportError('conflict', 'The token is revoked.');
      return [{ kind: 'token', id, body: checkBody({ ...body, ...change }) }];
    });
    return this.get(id);
  }

  /**
   * The token of a credential. Throws `token.invalid`, with one text for whatever is unknown or malformed; only who holds the secret
   * learns why their token does not work. Looks nothing up before shape and checksum are right.
   */
  authenticate(credential: string): Token {
    return this.stillValid(this.identify(credential).id);
  }

  /** The token whose secret this is, also when it has ended. Throws `token.invalid` for whatever is unknown or malformed. */
  identify(credential: string): Token {
    const parts = parseToken(credential);
    const known = parts && this.#known.get(parts.id);
    if (
      !parts ||
      !known ||
      !this.#deps.pepper.verify(verifierFields(parts.id, parts.secret), known.verifier)
    ) {
      throw new SallyportError('token.invalid', 'This is not a valid Sallyport access token.', {
        detail: parts ? 'unknown id or wrong secret' : 'malformed',
        fix: 'Send the token as "Authorization: Bearer sallyp_...". Whoever runs this gateway can issue one.',
      });
    }
    if (parts.type !== known.token.type) throw ended(known.token, 'malformed');
    return known.token;
  }

  /**
   * The token that a text with this hash (core/leak-hash.ts) seems to be, and whether it is: an id is known to many. Null for an id that
   * is none.
   */
  sighted(id: string, hash: Uint8Array): { readonly token: Token; readonly proof: SightingProof } | null {
    const known = this.#known.get(id);
    if (!known) return null;
    const { token, sighting } = known;
    if (!sighting) return { token, proof: 'unknown' };
    return { token, proof: this.#deps.pepper.verify(sightingFields(id, hash), sighting) ? 'right' : 'wrong' };
  }

  /** The token as it is now. Throws `token.invalid` when it was revoked or has expired, also since it was authenticated. */
  stillValid(id: string): Token {
    const token = this.get(id);
    if (token.state === 'revoked') throw ended(token, 'revoked');
    if (token.expiresAtMs <= this.#deps.clock.wallMs()) throw ended(token, 'expired');
    return token;
  }

  #check(issuer: Issuer, request: TokenRequest, type: TokenType, scopes: readonly string[]): void {
    checkName('environment', request.environment);
    if (scopes.length === 0)
      throw invalid('A token needs at least one scope.', "Add --scope, for example --scope 'call:groq/*'.");
    if (!covers(issuer.scopes, scopes)) {
      throw new SallyportError('admin.forbidden', 'Nobody can grant a scope that they do not hold.', {
        fix: `You hold: ${issuer.scopes.join(', ')}.`,
      });
    }
    if (
      !Number.isSafeInteger(request.lifetimeMs) ||
      request.lifetimeMs <= 0 ||
      request.lifetimeMs > MAX_LIFETIME_MS
    ) {
      throw invalid(
        'A token lives for at most 365 days.',
        'Set --expires to a time such as 15m, 12h or 30d.',
      );
    }
    if (type === 'admin') {
      checkBounds(issuer, request, this.#deps.clock.wallMs());
      if (request.team !== null) throw invalid('An admin token belongs to no team.', 'Leave --team out.');
      if (request.preset !== undefined || request.bounds !== undefined)
        throw invalid(
          'An admin token makes no calls, so it has no preset.',
          'Leave --preset and --bound out.',
        );
      // Its call: scopes are what it may grant; the data plane takes no admin token.
      return;
    }
    if (request.team === null) throw invalid('A token belongs to a team.', 'Add --team.');
    this.#deps.teams.get(request.team);
    const foreign = scopes.find((scope) => !/^(?:call|read|write):/.test(scope));
    if (foreign !== undefined)
      throw invalid(
        `Only admin tokens can have the scope ${foreign}.`,
        'Use call:, read: or write:limited, or --type admin.',
      );
    if (allows(scopes, 'write:limited') && !request.bounds?.output)
      throw invalid(
        'write:limited is for calls under a cap, and this token would have none.',
        'Use a preset that has one, such as --preset staging, or set one: --bound output=1024.',
      );
    if (request.readsFor !== undefined && this.get(request.readsFor).team !== request.team)
      throw invalid('A token can read only for one of its own team.', 'Name a token of the same team.');
    if (request.project !== undefined && this.#deps.teams.getProject(request.project).team !== request.team) {
      throw invalid(
        `The project "${request.project}" belongs to another team.`,
        'Name a project of the same team.',
      );
    }
  }

  #load(record: StoredRecord): void {
    const body = tokenSchema.parse(record.body);
    if (!record.sealed)
      throw new SallyportError('store.tampered', `The token record "${record.id}" has no verifier.`);
    const token: Token = {
      ...body,
      allowsAddress: body.cidrs.length === 0 ? () => true : addressRanges(body.cidrs),
    };
    const { sealed } = record;
    const sighting = sealed.length > VERIFIER_BYTES ? sealed.subarray(VERIFIER_BYTES) : null;
    this.#known.set(record.id, { token, verifier: sealed.subarray(0, VERIFIER_BYTES), sighting });
    if (token.state === 'revoked') for (const listener of this.#revoked) listener(token.id);
  }
}

/** Throws `admin.forbidden` for an admin token that would outlive the one that issues it, or work from elsewhere. */
function checkBounds({ bounds }: Issuer, request: TokenRequest, nowMs: number): void {
  if (!bounds) return;
  const later = nowMs + request.lifetimeMs > bounds.expiresAtMs;
  const cidrs = request.cidrs ?? [];
  const elsewhere =
    bounds.cidrs.length > 0 && (cidrs.length === 0 || cidrs.some((cidr) => !bounds.cidrs.includes(cidr)));
  if (!later && !elsewhere) return;
  throw new SallyportError(
    'admin.forbidden',
    'An admin token cannot issue another that reaches further than itself.',
    {
      fix: 'Give it no later expiry, and only address ranges of the token that issues it.',
    },
  );
}

/** What cannot be read back must never be stored: the next start would stop at it. */
function checkBody(body: TokenBody): TokenBody {
  const parsed = tokenSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(
    `The token is not valid: ${z.prettifyError(parsed.error)}`,
    'Correct what the message names.',
  );
}

function verifierFields(id: string, secret: string): string[] {
  return ['token.v1', id, secret];
}

function sightingFields(id: string, hash: Uint8Array): (string | Uint8Array)[] {
  return ['token.sighting.v1', id, hash];
}

function ended(token: Token, reason: 'expired' | 'revoked' | 'malformed'): SallyportError {
  const when = reason === 'expired' ? ` on ${new Date(token.expiresAtMs).toISOString()}` : '';
  return new SallyportError('token.invalid', `This access token is ${reason}${when}.`, {
    detail: `token ${token.id} is ${reason}`,
    fix: 'Ask for a new token.',
  });
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
