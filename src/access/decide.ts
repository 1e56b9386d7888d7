/**
 * The one decision: may this token make this call, and with what output cap? Pure: `explain`, the model list and the gateway ask the
 * same function, so they cannot disagree. Rates, budgets and the state of the token are asked elsewhere, because they change by the second.
 */
import type { ErrorCode } from '../core/errors.ts';
import { modelAllowed, type TeamLimits } from './policy.ts';
import { allows } from './scope.ts';

export interface CallFacts {
  readonly provider: string;
  readonly model: string;
  /** Output tokens per choice that the caller asks for at most; null when it sets no cap. */
  readonly outputCap: number | null;
  /** What the request uses whose cost or reach we cannot bound, such as `tool:browser_search`. */
  readonly features: readonly string[];
}

/** What is known of the model; null when there is no price, so no call may be made. */
export interface ModelFacts {
  readonly maxOutputTokens: number;
}

export type Decision =
  | {
      readonly allow: true;
      /** Output tokens per choice that the call can produce at most. */
      readonly outputTokens: number;
      /** The cap to write into the request, or null when it may stay as it is. */
      readonly injectCap: number | null;
    }
  | { readonly allow: false; readonly code: ErrorCode; readonly message: string; readonly fix: string };

export function decide(
  token: { readonly scopes: readonly string[] },
  limits: TeamLimits,
  facts: CallFacts,
  model: ModelFacts | null,
): Decision {
  const name = `${facts.provider}/${facts.model}`;
  if (!allows(token.scopes, `call:${name}`)) {
    return deny(
      'access.model',
      `This token's scopes do not allow calls to ${name}.`,
      `Ask for a token with the scope call:${name}.`,
    );
  }
  if (!modelAllowed(limits.allowedModels, facts.model)) {
    return deny(
      'access.model',
      `The team's policy does not allow the model ${facts.model}.`,
      'Ask the team to add it to allowedModels.',
    );
  }
  if (!model) {
    return deny(
      'model.unknown',
      `Sallyport knows no price for ${name}, so it cannot bound what a call costs and refuses it.`,
      'Use a model that GET /models lists.',
    );
  }
  const [feature] = facts.features;
  if (feature !== undefined) {
    return deny(
      'access.feature',
      `The request uses ${feature}, whose cost or reach cannot be bounded, so it is refused.`,
      'Leave it out of the request.',
    );
  }
  const most = limits.maxTokensPerRequest;
  if (facts.outputCap !== null && most !== null && facts.outputCap > most) {
    return deny(
      'access.feature',
      `The request asks for up to ${facts.outputCap} output tokens; the team's policy allows ${most}.`,
      `Set max_completion_tokens to ${most} or less.`,
    );
  }
  const bound = Math.min(facts.outputCap ?? most ?? model.maxOutputTokens, model.maxOutputTokens);
  return {
    allow: true,
    outputTokens: bound,
    injectCap: facts.outputCap === null && most !== null ? bound : null,
  };
}

function deny(code: ErrorCode, message: string, fix: string): Decision {
  return { allow: false, code, message, fix };
}
