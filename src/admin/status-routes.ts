/** The state of the gateway at a glance. */
import type { BudgetView } from '../ledger/budget-state.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { budgetShape } from './budget-routes.ts';

type Deps = Pick<
  AdminDeps,
  'clock' | 'teams' | 'tokens' | 'ledger' | 'vault' | 'indexer' | 'instance' | 'runtime'
>;

const NEAR_PERCENT = 80n;

export function statusRoutes(deps: Deps): Handlers<'status.show'> {
  return {
    'status.show': () => {
      const { instance } = deps;
      const { gatewayUrl, adminUrl, ready, liveCalls, ...journal } = deps.runtime();
      return {
        version: instance.version,
        instance: instance.id,
        dataFolder: instance.dataFolder,
        rootKey: { fingerprint: instance.rootFingerprint, origin: instance.rootOrigin },
        startedAt: new Date(instance.startedAtMs).toISOString(),
        gatewayUrl,
        adminUrl,
        ready,
        liveCalls,
        journal: {
          stream: journal.journalStream,
          entries: journal.journalEntries,
          durable: journal.journalDurable,
          lag: deps.indexer.lag,
        },
        tokens: countTokens(deps),
        keys: deps.vault.list().map(({ name, provider, state }) => ({ name, provider, state })),
        budgetsNearLimit: deps.ledger.list().filter(isNearLimit).map(budgetShape),
        teamsWithoutBudget: deps.teams
          .list()
          .map(({ id }) => id)
          .filter((id) => deps.ledger.list(`team:${id}`).length === 0),
      };
    },
  };
}

function countTokens({ tokens, clock }: Deps): { active: number; expired: number; revoked: number } {
  const counts = { active: 0, expired: 0, revoked: 0 };
  const nowMs = clock.wallMs();
  for (const { state, expiresAtMs } of tokens.list()) {
    if (state === 'revoked') counts.revoked += 1;
    else if (expiresAtMs <= nowMs) counts.expired += 1;
    else counts.active += 1;
  }
  return counts;
}

function isNearLimit({ state, spentPicoUsd, heldPicoUsd, limitPicoUsd }: BudgetView): boolean {
  if (state === 'paused' || state === 'exhausted') return true;
  return (spentPicoUsd + heldPicoUsd) * 100n >= limitPicoUsd * NEAR_PERCENT;
}
