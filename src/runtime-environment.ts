/** How the runtime is started: which of its own variables may be in force, and which files it may read. */
import { join } from 'node:path';

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

/** The folder that the caller is in, for a runtime that was started in ours. */
export const CALLERS_FOLDER = 'SALLYPORT_CWD';

/**
 * From source: the runtime's arguments, up to those of the command. The flags keep a .env and a bunfig.toml in the caller's folder from being
 * loaded. A tsconfig.json or jsconfig.json there could put another file in place of ours, and no flag helps: so the runtime starts in our
 * folder, and main.ts goes to the caller's, which is in the variable `CALLERS_FOLDER`.
 */
export function argumentsFromSource(): string[] {
  const root = join(import.meta.dir, '..');
  return ['--no-env-file', '--config=/dev/null', `--cwd=${root}`, join(root, 'src', 'main.ts')];
}
