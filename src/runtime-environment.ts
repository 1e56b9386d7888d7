/** Which of the runtime's own variables may be in force. */

/** Upstream requests at once, streams included; the runtime's default is 256, and the 257th would wait without a word. */
const MAX_UPSTREAM_REQUESTS = '20000';

/** Variables of the runtime that an operator may need. */
const KEPT = new Set(['BUN_CONFIG_MAX_HTTP_REQUESTS', 'NODE_EXTRA_CA_CERTS']);
const PROXIES = /^(?:https?|all|no)_proxy$/i;

/**
 * The environment that Sallyport runs with, or null when `environment` is it already. Dropped: every BUN_* and NODE_* variable but two,
 * and proxy settings, through which provider keys would leave by a way that no one chose for them.
 */
export function runtimeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> | null {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const ofRuntime = (name.startsWith('BUN_') || name.startsWith('NODE_')) && !KEPT.has(name);
    if (value !== undefined && !ofRuntime && !PROXIES.test(name)) clean[name] = value;
  }
  clean['BUN_CONFIG_MAX_HTTP_REQUESTS'] ??= MAX_UPSTREAM_REQUESTS;
  const same =
    Object.keys(clean).length === Object.keys(environment).length &&
    Object.entries(clean).every(([name, value]) => environment[name] === value);
  return same ? null : clean;
}
