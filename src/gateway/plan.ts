/**
 * What a chat call may do and cost at most, before anything is reserved or sent. The gateway, `explain` and the model list all come
 * through here, so that they cannot disagree.
 */
import { type CallRights, decide, type Decision } from '../access/decide.ts';
import type { TeamLimits } from '../access/policy.ts';
import type { PicoUsd } from '../core/money.ts';
import { type ModelPrice, worstCase } from '../ledger/price.ts';
import type { Prices } from '../ledger/prices.ts';

export interface PlannedFacts {
  readonly provider: string;
  readonly model: string;
  readonly outputCap: number | null;
  readonly choices: number;
  readonly features: readonly string[];
  /** Upper bound of the prompt's tokens; may be Infinity. */
  readonly promptTokens: number;
}

export interface CallPlan {
  readonly price: ModelPrice;
  readonly injectCap: number | null;
  readonly choices: number;
  /** Prompt tokens that the worst case counts. */
  readonly promptBound: number;
  /** Prompt and output together. */
  readonly worstCaseTokens: number;
  readonly worstCasePicoUsd: PicoUsd;
}

export type Planned = { readonly allow: true; readonly plan: CallPlan } | Extract<Decision, { allow: false }>;

export function planCall(
  prices: Pick<Prices, 'priceOf'>,
  token: CallRights,
  limits: TeamLimits,
  facts: PlannedFacts,
  wallMs: number,
): Planned {
  const price = prices.priceOf(facts.provider, facts.model, wallMs);
  const decision = decide(token, limits, facts, price);
  if (!decision.allow) return decision;
  if (!price) throw new TypeError('A call without a price was allowed.');
  const promptBound = Math.min(facts.promptTokens, price.contextTokens);
  const worstCasePicoUsd = worstCase(price, {
    promptTokens: promptBound,
    completionTokens: decision.outputTokens,
    choices: facts.choices,
  });
  return {
    allow: true,
    plan: {
      price,
      injectCap: decision.injectCap,
      choices: facts.choices,
      promptBound,
      worstCaseTokens: promptBound + decision.outputTokens * facts.choices,
      worstCasePicoUsd,
    },
  };
}
