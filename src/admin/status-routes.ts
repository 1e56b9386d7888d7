/** The state of the gateway at a glance. */
import type { BudgetView } from '../ledger/budget-state.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import { budgetClockShape, budgetShape } from './budget-routes.ts';
import type { RouteReply } from './contract.ts';

type Deps = Pick<
  AdminDeps,
  | 'clock'
  | 'teams'
  | 'tokens'
  | 'ledger'
  | 'budgetClock'
  | 'vault'
  | 'index'
  | 'indexer'
  | 'instance'
  | 'runtime'
  | 'watch'
  | 'turns'
>;

const NEAR_PERCENT = 80n;

export function statusRoutes(deps: Deps): Handlers<'status.show'> {
  return {
    'status.show': async () => {
      const { instance } = deps;
      const { gatewayUrl, adminUrl, ready, liveCalls, maxCalls, auditStream, ...journal } = deps.runtime();
      return {
        version: instance.version,
        instance: instance.id,
        dataFolder: instance.dataFolder,
        rootKey: { fingerprint: instance.rootFingerprint, origin: instance.rootOrigin },
        startedAt: new Date(instance.startedAtMs).toISOString(),
        gatewayUrl,
        adminUrl,
        recovery: await recoveryState(deps),
        ready,
        liveCalls,
        maxCalls,
        waitingCalls: deps.turns.waiting,
        journal: {
          stream: journal.journalStream,
          entries: journal.journalEntries,
          durable: journal.journalDurable,
          syncs: journal.journalSyncs,
          lag: deps.indexer.lag,
        },
        auditStream,
        alerts: await alertState(deps),
        tokens: countTokens(deps),
        keys: deps.vault.list().map((slot) => ({
          name: slot.name,
          provider: slot.provider,
          state: slot.activeVersion === 0 ? 'empty' : slot.state,
          exposedAt: deps.vault.exposureOf(slot)?.at ?? null,
        })),
        budgetClock: budgetClockShape(deps.budgetClock),
        budgetsNearLimit: deps.ledger.list().filter(isNearLimit).map(budgetShape),
        teamsWithoutBudget: deps.teams
          .list()
          .map(({ id }) => id)
          .filter((id) => deps.ledger.list(`team:${id}`).length === 0),
      };
    },
  };
}

/** `status` is asked when something is wrong, so it answers without the tables too. */
async function recoveryState(deps: Deps): Promise<RouteReply<'status.show'>['recovery']> {
  const last = async (action: string): Promise<string | null> => {
    const rows = await deps.index.query({ action, limit: 20 });
    const found = rows.find(({ metadata }) => {
      const { rootFingerprint } = JSON.parse(metadata) as { rootFingerprint?: unknown };
      return rootFingerprint === deps.instance.rootFingerprint;
    });
    return found ? new Date(found.atMs).toISOString() : null;
  };
  try {
    return {
      kitAt: await last('recovery.kit'),
      drillAt: await last('recovery.drill'),
      backupAt: await last('recovery.backup'),
    };
  } catch {
    return null;
  }
}

/** Likewise. */
async function alertState({ watch }: Deps): Promise<RouteReply<'status.show'>['alerts']> {
  const destinations = watch.directory.active().length;
  try {
    const backlogs = [...(await watch.backlogs()).values()];
    const sum = (field: 'waiting' | 'undelivered'): number =>
      backlogs.reduce((total, backlog) => total + backlog[field], 0);
    return { destinations, waiting: sum('waiting'), undelivered: sum('undelivered') };
  } catch {
    return null;
  }
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
