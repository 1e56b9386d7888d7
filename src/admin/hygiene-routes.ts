/** How old provider keys are, whom they serve, and what people saw of their accounts' spend limits. */
import { providersOf } from '../access/scope.ts';
import type { Token } from '../access/tokens.ts';
import { providerIds } from '../providers/catalog.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { KeyHygiene } from './hygiene-shapes.ts';

type Deps = Pick<AdminDeps, 'vault' | 'tokens' | 'watch' | 'spendLimits' | 'clock'>;

const DAY_MS = 86_400_000;

export function hygieneRoutes(deps: Deps): Handlers<'key.hygiene' | 'key.attest'> {
  const { vault, spendLimits } = deps;
  return {
    'key.hygiene': () => {
      const used = environmentsInUse(deps);
      const keys = deps.watch.keyAges().flatMap(({ slot: name, keyId, ageDays, cadenceDays, stage }) => {
        const { slot, versions } = vault.show(name);
        const version = versions.find((one) => one.version === slot.activeVersion);
        if (!version) return [];
        const { provider, team, environment, providerOrganization, providerProject } = slot;
        const row: KeyHygiene = {
          name,
          keyId,
          provider,
          team,
          environment,
          providerOrganization,
          providerProject,
          fingerprint: version.fingerprint,
          sealedAt: version.createdAt,
          exposedAt: vault.exposureOf(slot)?.at ?? null,
          ageDays,
          cadenceDays,
          replaceBy: dateOf(Date.parse(version.createdAt) + cadenceDays * DAY_MS),
          stage,
          usedIn: [...(used.get(name) ?? [])].toSorted(),
          spendLimit: spendLimits.get(name),
        };
        return [row];
      });
      return { keys };
    },
    'key.attest': ({ params, body }, principal) => {
      const { slot } = vault.show(params.name);
      return spendLimits.attest(principal.id, { slot: slot.name, ...body });
    },
  };
}

/** By slot: the environments of tokens that make calls now and whose calls it would pay for. */
function environmentsInUse({ tokens, vault, clock }: Deps): Map<string, Set<string>> {
  const used = new Map<string, Set<string>>();
  const nowMs = clock.wallMs();
  for (const token of tokens.list()) {
    const { team, environment } = token;
    if (token.state !== 'active' || token.expiresAtMs <= nowMs || team === null) continue;
    for (const provider of providersCalled(token)) {
      const slot = vault.select({ provider, team, environment });
      if (!slot) continue;
      used.set(slot.name, (used.get(slot.name) ?? new Set()).add(environment));
    }
  }
  return used;
}

function providersCalled({ scopes }: Token): Iterable<string> {
  const named = providersOf(scopes);
  // The scope that opens calls under a preset's caps names no provider.
  return named.has('*') || scopes.some((scope) => scope.startsWith('write:')) ? providerIds() : named;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
