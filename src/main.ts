/**
 * The program's entry. Before anything else it replaces itself by a process with a clean environment: what configures the runtime can
 * run code, open an inspector, print headers or switch TLS checks off, and the bound on parallel upstream requests is read at start only.
 */
import { createLog } from './core/log.ts';
import { describe } from './core/errors.ts';
import { redactShapes } from './detect/redact.ts';
import { runtimeEnvironment } from './runtime-environment.ts';

const clean = runtimeEnvironment(process.env);
if (clean) {
  const args = process.argv.slice(2);
  // From source, the flags keep a .env or bunfig.toml in the caller's folder from being loaded; a binary was built to load none.
  const argv = Bun.isStandaloneExecutable
    ? [process.execPath, ...args]
    : [process.execPath, '--no-env-file', '--config=/dev/null', import.meta.path, ...args];
  process.execve?.(process.execPath, argv, clean);
}

const log = createLog({ level: 'error', redact: redactShapes });
// An error that nobody caught may carry anything in its text: it is redacted, and the process does not run on.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => {
    log.error('Sallyport stops on an unexpected error.', { detail: describe(error) });
    process.exit(70);
  });
}

const { runCli } = await import('./cli/cli.ts');
process.exitCode = await runCli(process.argv.slice(2));
