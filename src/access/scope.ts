/**
 * Scopes: `verb:resource`, with at most one `*`, at the end. What is not listed is not allowed; there are no denials and no patterns in
 * the middle, so a scope means what it looks like. Matching is case-sensitive: a different spelling is a different resource.
 */
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';

/**
 * `call:` opens the data plane, `write:limited` opens it under a preset's caps, `read:` shows a token its models, usage and entries; the
 * others are for admin tokens.
 */
export const SCOPE_VERBS = [
  'call',
  'read',
  'write',
  'keys',
  'tokens',
  'presets',
  'templates',
  'teams',
  'budgets',
  'limits',
  'prices',
  'audit',
  'usage',
  'status',
  'metrics',
  'alerts',
  'leaks',
  'recovery',
] as const;

const SHAPE = /^(?:\*|[a-z]+:[A-Za-z0-9._/@:+-]*\*?)$/;
const MAX_CHARS = 200;

/** Throws `input.invalid` for anything that is not a scope. */
export function checkScope(scope: string): string {
  const verb = scope.split(':')[0] ?? '';
  const known: readonly string[] = SCOPE_VERBS;
  if (scope.length > MAX_CHARS || !SHAPE.test(scope) || scope.endsWith(':')) {
    throw new SallyportError('input.invalid', `"${scope.slice(0, 80)}" is not a scope.`, {
      fix: 'Write verb:resource with at most one * at the end, for example call:groq/openai/gpt-oss-*.',
    });
  }
  if (verb === 'call' && !scope.includes('/') && !scope.endsWith('*')) {
    throw new SallyportError('input.invalid', `"${scope}" names no model, so it would allow nothing.`, {
      fix: `Write ${scope}/* for all models of that provider.`,
    });
  }
  if (verb === 'write' && !/^write:(?:limited|\*)$/.test(scope)) {
    throw new SallyportError('input.invalid', `"${scope}" would allow nothing.`, {
      fix: 'Write write:limited, for calls under the caps of a preset, or name models: call:groq/*.',
    });
  }
  if (scope !== '*' && !known.includes(verb)) {
    throw new SallyportError('input.invalid', `"${verb}" is not a scope verb.`, {
      fix: suggest(verb, SCOPE_VERBS, `Use one of ${SCOPE_VERBS.join(', ')}.`),
    });
  }
  return scope;
}

/** True when a token with this scope can make calls that cost something. */
export function mayCall(scope: string): boolean {
  return scope === '*' || scope.startsWith('call:') || scope.startsWith('write:');
}

/** True when one of `scopes` allows exactly `wanted`, such as `call:groq/openai/gpt-oss-20b`. */
export function allows(scopes: readonly string[], wanted: string): boolean {
  return scopes.some((scope) =>
    scope.endsWith('*') ? wanted.startsWith(scope.slice(0, -1)) : scope === wanted,
  );
}

/** True when everything that `requested` would allow is allowed by `held`: nobody grants more than they hold (P9). */
export function covers(held: readonly string[], requested: readonly string[]): boolean {
  return requested.every((scope) =>
    held.some((own) => (own.endsWith('*') ? scope.startsWith(own.slice(0, -1)) : own === scope)),
  );
}

/** The providers that the call scopes name; `*` when one of them leaves the provider open. */
export function providersOf(scopes: readonly string[]): ReadonlySet<string> {
  const providers = new Set<string>();
  for (const scope of scopes) {
    if (scope === '*') providers.add('*');
    if (!scope.startsWith('call:')) continue;
    const slash = scope.indexOf('/');
    providers.add(slash < 0 ? '*' : scope.slice('call:'.length, slash));
  }
  return providers;
}
