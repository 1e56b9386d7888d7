/** Runs a command of the real CLI in a process of its own. */
import { join } from 'node:path';

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const MAIN = join(import.meta.dir, '..', '..', 'src', 'main.ts');

export async function sallyport(
  args: readonly string[],
  stdin = '',
  variables: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<CliResult> {
  const child = Bun.spawn([process.execPath, '--no-env-file', '--config=/dev/null', MAIN, ...args], {
    stdio: [Buffer.from(stdin), 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...variables },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { stdout, stderr, exitCode: await child.exited };
}
