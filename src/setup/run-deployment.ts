/** Runs a platform's own program with a token on its standard input. What it prints is shown without the token. */
import { SallyportError } from '../core/errors.ts';
import { redactCredentials, redactValue } from '../detect/redact.ts';
import type { Deployment } from './platforms.ts';
import { shellPipeline } from './shell.ts';

export interface Ran {
  readonly code: number;
  readonly said: string;
}

export interface Runner {
  /** Never rejects for a program that fails: its exit code says so. */
  run(token: string): Promise<Ran>;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Throws `config.invalid` when the program is not installed: before there is a token that would have to go somewhere. */
export function openRunner({ pipeline }: Deployment, env: Env, cwd: string): Runner {
  const path = env['PATH'] ?? '';
  for (const [program = ''] of pipeline) {
    if (Bun.which(program, { PATH: path, cwd }) !== null) continue;
    throw new SallyportError('config.invalid', `${program} is not installed.`, {
      fix: `Install it and log in, or take the command elsewhere: leave --run out.`,
    });
  }
  // "cat" makes it a pipe: what the runtime connects may be a socket, which no program can open as /dev/stdin.
  const script = `cat | ${shellPipeline(pipeline)}`;
  return {
    run: async (token) => {
      const child = Bun.spawn(['/bin/sh', '-c', script], {
        cwd,
        env: withoutOurs(env),
        stdin: Buffer.from(token),
        stdout: 'pipe',
        stderr: 'pipe',
      });
      const [out, err, code] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
        child.exited,
      ]);
      return { code, said: redactCredentials(redactValue(`${out}${err}`, token)).trim() };
    },
  };
}

/** A deployment has no use for the admin token or the root key. */
function withoutOurs(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SALLYPORT_')));
}
