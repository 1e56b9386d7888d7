/**
 * The one decision: may this token make this call, and with what output cap? Pure: `explain`, the model list and the gateway ask the
 * same function, so they cannot disagree. Rates, budgets and the state of the token are asked elsewhere, because they change by the second.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { Bounds } from './bounds.ts';
import { modelAllowed, type TeamLimits } from './policy.ts';
import { allows } from './scope.ts';

export interface CallFacts {
  readonly provider: string;
  readonly model: string;
  /** Output tokens per choice that the caller asks for at most; null when it sets no cap. */
  readonly outputCap: number | null;
  /** How many answers are asked for, 1 or more. */
  readonly choices: number;
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

/** What of a token the decision goes by. */
export interface CallRights {
  readonly scopes: readonly string[];
  readonly bounds?: Bounds | null;
}

export function decide(
  token: CallRights,
  limits: TeamLimits,
  facts: CallFacts,
  model: ModelFacts | null,
): Decision {
  const name = `${facts.provider}/${facts.model}`;
  const bounds = token.bounds ?? null;
  if (!mayCall(token.scopes, bounds, name)) {
    return deny(
      'access.model',
      `This token's scopes do not allow calls to ${name}.`,
      `Ask for a token with the scope call:${name}.`,
    );
  }
  if (bounds?.models && !bounds.models.only.includes(facts.model)) {
    return deny(
      'access.model',
      `This token's preset does not allow the model ${facts.model}.`,
      `Use ${bounds.models.only.join(' or ')}.`,
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
  const { outputCap, choices } = facts;
  const ceiling = outputCeiling(limits, bounds);
  const perChoice = ceiling === null ? null : Math.floor(ceiling / choices);
  // A cap of zero is not injected: providers read it as none.
  if (perChoice !== null && (perChoice < 1 || (outputCap ?? 0) > perChoice)) {
    return deny(
      'access.feature',
      `${ceiling === limits.maxTokensPerRequest ? "The team's policy" : "This token's preset"} allows ${String(ceiling)} output tokens a request; this one asks for ${asked(outputCap, choices)}.`,
      perChoice < 1
        ? 'Ask for fewer answers (n), or ask for a higher limit.'
        : `Set max_completion_tokens to ${perChoice} or less.`,
    );
  }
  const bound = Math.min(outputCap ?? perChoice ?? model.maxOutputTokens, model.maxOutputTokens);
  return {
    allow: true,
    outputTokens: bound,
    injectCap: outputCap === null && perChoice !== null ? bound : null,
  };
}

/** `write:limited` is calls under a preset's caps: worth nothing where none are. */
function mayCall(scopes: readonly string[], bounds: Bounds | null, name: string): boolean {
  if (allows(scopes, `call:${name}`)) return true;
  return bounds !== null && bounds.output !== null && allows(scopes, 'write:limited');
}

/** The most that one request may produce, all its answers together: the lower one of policy and preset. */
function outputCeiling(limits: TeamLimits, bounds: Bounds | null): number | null {
  const policy = limits.maxTokensPerRequest;
  const preset = bounds?.output?.atMost ?? null;
  return policy === null || preset === null ? (policy ?? preset) : Math.min(policy, preset);
}

function asked(outputCap: number | null, choices: number): string {
  const tokens = outputCap === null ? '' : ` of up to ${outputCap} tokens`;
  return `${choices} ${choices === 1 ? 'answer' : 'answers'}${tokens}`;
}

function deny(code: ErrorCode, message: string, fix: string): Decision {
  return { allow: false, code, message, fix };
}
