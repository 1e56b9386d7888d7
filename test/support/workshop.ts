/** A folder in which a program finds the packages of this repository, as an application of its own would. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MODULES = join(import.meta.dir, '..', '..', 'node_modules');

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Workshop extends Disposable {
  readonly folder: string;
  write(name: string, text: string): string;
}

export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-workshop-'));
  symlinkSync(MODULES, join(folder, 'node_modules'));
  return {
    folder,
    write: (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a program to its end. It sees nothing of this process's environment but PATH. */
export async function runProgram(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<Ended> {
  const child = Bun.spawn([...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** What runs JavaScript here as an application's server would: Node, or the runtime of the tests where there is none. */
export function javascript(): string[] {
  const node = Bun.which('node');
  return node === null ? [process.execPath, '--no-env-file', '--config=/dev/null'] : [node];
}
