/** Which of the runtime's own variables may be in force. */

/** The variable of the runtime that an operator may need. */
const KEPT = 'NODE_EXTRA_CA_CERTS';
const PROXIES = /^(?:https?|all|no)_proxy$/i;

/**
 * The environment that Sallyport runs with, or null when `environment` is it already. Dropped: every BUN_* and NODE_* variable but one,
 * and proxy settings, through which provider keys would leave by a way that no one chose for them.
 */
export function runtimeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> | null {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    const ofRuntime = (name.startsWith('BUN_') || name.startsWith('NODE_')) && name !== KEPT;
    if (value !== undefined && !ofRuntime && !PROXIES.test(name)) clean[name] = value;
  }
  return Object.keys(clean).length === Object.keys(environment).length ? null : clean;
}
