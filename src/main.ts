/**
 * The program's entry. Before anything else it replaces itself by a process with a clean environment: what configures the runtime can
 * run code, open an inspector, print headers or switch TLS checks off, and the bound on parallel upstream requests is read at start only.
 */
import { createLog } from './core/log.ts';
import { describe } from './core/errors.ts';
import { redactShapes } from './detect/redact.ts';
import { argumentsFromSource, CALLERS_FOLDER, runtimeEnvironment } from './runtime-environment.ts';

const folder = process.env[CALLERS_FOLDER];
if (folder !== undefined) {
  try {
    process.chdir(folder);
  } catch {
    process.stderr.write(
      'sallyport: error: the current folder is gone\nsallyport: hint: change to one that is there\n',
    );
    process.exit(3);
  }
  // It is none of the settings.
  delete process.env[CALLERS_FOLDER];
}

const clean = runtimeEnvironment(process.env);
if (clean) {
  const args = process.argv.slice(2);
  // A binary was built to load nothing from the caller's folder.
  const first = Bun.isStandaloneExecutable ? [] : argumentsFromSource();
  const environment = Bun.isStandaloneExecutable ? clean : { ...clean, [CALLERS_FOLDER]: process.cwd() };
  process.execve?.(process.execPath, [process.execPath, ...first, ...args], environment);
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
