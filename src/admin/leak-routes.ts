/**
 * Whose a value is that was found somewhere, and what is done about it. Whoever asks has the value: everything here is about values whose
 * hashes are in the question, so that a credential for it reads and changes nothing else. What matched is on record before it is answered.
 */
import type { Token } from '../access/tokens.ts';
import { LeakedHashes, type LeakedVersion } from '../vault/leaked-hashes.ts';
import { versionId } from '../vault/provider-keys.ts';
import { inForce } from '../vault/exposure.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { refuseCredentials } from './credentials.ts';
import { LeakLimits } from './leak-limits.ts';
import type { LeakedKey, LeakedToken, LeakQuestion } from './leak-shapes.ts';
import type { Principal } from './principal.ts';

type Deps = Pick<AdminDeps, 'clock' | 'vault' | 'tokens' | 'index' | 'indexer' | 'journal'>;
type LeakRoute = 'leak.lookup' | 'leak.respond' | 'key.exposure';

/** What is older is as good as never for who asks whether a token is in use. */
const TOKEN_USE_MS = 90 * 86_400_000;

interface Matches {
  readonly keys: readonly LeakedVersion[];
  readonly tokens: readonly {
    readonly index: number;
    readonly token: Token;
    readonly proof: LeakedToken['proof'];
  }[];
  readonly notCompared: number;
}

export function leakRoutes(deps: Deps): Handlers<LeakRoute> {
  const { vault, tokens } = deps;
  const limits = new LeakLimits(deps.clock);
  const find = async (question: LeakQuestion, principal: Principal): Promise<Matches> => {
    limits.admit(principal.id);
    refuseCredentials([...question.values, ...question.tokens].map(({ place }) => place));
    const matches = await findMatches(deps, question);
    await record(deps, question, matches, principal);
    return matches;
  };
  return {
    'leak.lookup': async ({ body }, principal) => {
      const { keys, tokens: found, notCompared } = await find(body, principal);
      await deps.indexer.flush();
      return {
        keys: await Promise.all(keys.map((match) => keyShape(deps, match))),
        tokens: await Promise.all(found.map((match) => tokenShape(deps, match))),
        notCompared,
      };
    },
    'leak.respond': async ({ body }, principal) => {
      const { keys, tokens: found, notCompared } = await find(body, principal);
      const changedKeys = new Set<string>();
      for (const { index, slot, version } of keys) {
        const report = { place: body.values[index]?.place ?? null, reason: 'found by a scan' };
        const { changed } = await vault.markExposed(principal.id, slot.name, version.version, report);
        if (changed) changedKeys.add(versionId(slot.name, version.version));
      }
      const changedTokens = new Set<string>();
      for (const { index, token, proof } of found) {
        // An id alone must not be enough to end somebody's token: it is in logs and lists.
        if (proof !== 'right' || tokens.get(token.id).state === 'revoked') continue;
        const place = body.tokens[index]?.place;
        await tokens.revokeExposed(
          principal.id,
          token.id,
          `found by a scan${place === undefined ? '' : `, at ${place}`}`,
        );
        changedTokens.add(token.id);
      }
      await deps.indexer.flush();
      const keyShapes = await Promise.all(keys.map((match) => keyShape(deps, match)));
      const tokenShapes = await Promise.all(found.map((match) => tokenShape(deps, match)));
      return {
        keys: keyShapes.map((key) =>
          Object.assign(key, { changed: changedKeys.has(versionId(key.name, key.version)) }),
        ),
        tokens: tokenShapes.map((token) => Object.assign(token, { changed: changedTokens.has(token.id) })),
        notCompared,
      };
    },
    'key.exposure': async ({ params, body }, principal) => {
      const { exposed, version = null, reason = null } = body;
      refuseCredentials([body.reason]);
      const marked = exposed
        ? await vault.markExposed(principal.id, params.name, version, { place: null, reason })
        : await vault.clearExposed(principal.id, params.name, version, reason);
      const { slot, ...rest } = marked.version;
      return { name: slot, ...rest, changed: marked.changed };
    },
  };
}

async function findMatches({ vault, tokens }: Deps, question: LeakQuestion): Promise<Matches> {
  const hashes = question.values.map(({ hash }) => bytesOf(hash));
  const { found, notCompared } =
    hashes.length === 0
      ? { found: [], notCompared: 0 }
      : await vault.findLeaked(new LeakedHashes(bytesOf(question.salt), hashes));
  return {
    keys: found,
    tokens: question.tokens.flatMap(({ id, hash }, index) => {
      const sighted = tokens.sighted(id, bytesOf(hash));
      return sighted ? [{ index, ...sighted }] : [];
    }),
    notCompared,
  };
}

/** Resolves when it survives a power cut. Rejects with `audit.unavailable`. */
async function record(
  { journal }: Deps,
  { values, tokens: asked }: LeakQuestion,
  { keys, tokens }: Matches,
  principal: Principal,
): Promise<void> {
  const shown = {
    keys: [...new Set(keys.map(({ slot, version }) => versionId(slot.name, version.version)))],
    tokens: [...new Set(tokens.filter(({ proof }) => proof === 'right').map(({ token }) => token.id))],
  };
  if (shown.keys.length + shown.tokens.length === 0) return;
  const position = journal.append({
    action: 'leak.lookup',
    principal: principal.id,
    asked: values.length + asked.length,
    ...shown,
  });
  await journal.durable(position);
}

async function keyShape(
  { vault, index: store }: Deps,
  { index, slot, version }: LeakedVersion,
): Promise<LeakedKey> {
  const { versions } = vault.show(slot.name);
  const now = versions.find((one) => one.version === version.version) ?? version;
  const use = await store.keyUse(versionId(slot.name, version.version));
  const next = versions.find((one) => one.version > version.version && one.state !== 'pending');
  return {
    index,
    name: slot.name,
    provider: slot.provider,
    team: slot.team,
    environment: slot.environment,
    purpose: slot.purpose,
    version: now.version,
    label: now.label,
    state: now.state,
    slotState: vault.show(slot.name).slot.state,
    createdAt: now.createdAt,
    retiredAt: now.state === 'retired' ? (next?.createdAt ?? null) : null,
    lastUse: use && { at: timeOf(use.atMs), token: use.tokenId, team: use.team },
    exposed: inForce(now.exposed),
  };
}

async function tokenShape(
  { tokens, clock, index: store }: Deps,
  { index, token, proof }: Matches['tokens'][number],
): Promise<LeakedToken> {
  if (proof !== 'right') return { index, id: token.id, proof, details: null };
  const { id, name, type, team, environment, state, createdAt, expiresAtMs, revokedAt, revokedReason } =
    tokens.get(token.id);
  const nowMs = clock.wallMs();
  const sinceMs = Math.max(Date.parse(createdAt), nowMs - TOKEN_USE_MS);
  const [last] = await store.query({ tokenId: id, action: 'call', sinceMs, limit: 1 });
  return {
    index,
    id,
    proof,
    details: {
      name,
      type,
      team,
      environment,
      state: state === 'active' && expiresAtMs <= nowMs ? 'expired' : state,
      createdAt,
      expiresAt: timeOf(expiresAtMs),
      revokedAt,
      revokedReason,
      lastUsedAt: last ? timeOf(last.atMs) : null,
    },
  };
}

function bytesOf(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
