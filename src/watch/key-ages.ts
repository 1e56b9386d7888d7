/**
 * How old provider keys are, beside how old they may get in their environment. Each version is reported once a stage, also across
 * restarts: what was reported is in the journal.
 */
import type { KeyAged, KeyAgeStage } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import { DEMO_PURPOSE, versionId } from '../vault/provider-keys.ts';
import type { Vault } from '../vault/vault.ts';

const DAY_MS = 86_400_000;
const STAGES: readonly KeyAgeStage[] = ['soon', 'due', 'overdue'];

export interface KeyAge {
  readonly slot: string;
  readonly keyId: string;
  readonly provider: string;
  readonly environment: string | null;
  readonly ageDays: number;
  readonly cadenceDays: number;
  /** Null while it is young. */
  readonly stage: KeyAgeStage | null;
}

/** Days that a key of an environment may get old; `*` is in the map. */
export type Cadence = ReadonlyMap<string, number>;

/** The active version of every key that is in use. */
export function keyAges(vault: Pick<Vault, 'list' | 'show'>, cadence: Cadence, nowMs: number): KeyAge[] {
  return vault
    .list()
    .filter(({ state, purpose }) => state === 'active' && purpose !== DEMO_PURPOSE)
    .flatMap(({ name, provider, environment, activeVersion }) => {
      const version = vault.show(name).versions.find((one) => one.version === activeVersion);
      if (!version) return [];
      const cadenceDays = cadence.get(environment ?? '*') ?? cadence.get('*') ?? Infinity;
      const ageDays = Math.max(0, Math.floor((nowMs - Date.parse(version.createdAt)) / DAY_MS));
      const stage = stageOf(ageDays, cadenceDays);
      return [
        {
          slot: name,
          keyId: versionId(name, activeVersion),
          provider,
          environment,
          ageDays,
          cadenceDays,
          stage,
        },
      ];
    });
}

/** Two weeks before (a quarter of a short cadence), on the day, and a month (a third) after. */
export function stageOf(ageDays: number, cadenceDays: number): KeyAgeStage | null {
  if (ageDays >= cadenceDays + Math.min(30, Math.ceil(cadenceDays / 3))) return 'overdue';
  if (ageDays >= cadenceDays) return 'due';
  return ageDays >= cadenceDays - Math.min(14, Math.floor(cadenceDays / 4)) ? 'soon' : null;
}

export interface KeyAgeWatchDeps {
  readonly vault: Pick<Vault, 'list' | 'show'>;
  readonly cadence: Cadence;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly record: (entry: KeyAged) => void;
}

export class KeyAgeWatch {
  readonly #deps: KeyAgeWatchDeps;
  /** Key version to the last stage that is on record. */
  readonly #reported = new Map<string, KeyAgeStage>();

  /** `onRecord`: key versions and stages that the journal has already. */
  constructor(deps: KeyAgeWatchDeps, onRecord: Iterable<readonly [string, KeyAgeStage]>) {
    this.#deps = deps;
    for (const [keyId, stage] of onRecord) this.#remember(keyId, stage);
  }

  check(): void {
    const { vault, cadence, clock, record } = this.#deps;
    for (const { slot: _, stage, ...age } of keyAges(vault, cadence, clock.wallMs())) {
      if (stage === null || !this.#isNew(age.keyId, stage)) continue;
      this.#remember(age.keyId, stage);
      record({ action: 'key.age', principal: 'system', ...age, stage });
    }
  }

  #isNew(keyId: string, stage: KeyAgeStage): boolean {
    const last = this.#reported.get(keyId);
    return last === undefined || STAGES.indexOf(stage) > STAGES.indexOf(last);
  }

  #remember(keyId: string, stage: KeyAgeStage): void {
    if (this.#isNew(keyId, stage)) this.#reported.set(keyId, stage);
  }
}
