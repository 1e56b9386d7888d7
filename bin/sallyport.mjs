#!/usr/bin/env node
// Runs the CLI from an installed package (`npx sallyport`, `npm install -g`), where only Node is certain: finds the Bun that was installed
// with it, and keeps the caller's environment and folder from being code. From a clone, use ./sallyport.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// npm may have left a stub in `bun` (install scripts can be off) where the real program is in a package of its own.
function findBun() {
  const folders = createRequire(join(root, 'package.json')).resolve.paths('bun') ?? [];
  for (const folder of folders) {
    const scope = join(folder, '@oven');
    const packages = existsSync(scope) ? readdirSync(scope).filter((name) => name.startsWith('bun-')) : [];
    const candidates = [
      ...packages.flatMap((name) => ['bun', 'bun.exe'].map((file) => join(scope, name, 'bin', file))),
      join(folder, 'bun', 'bin', 'bun.exe'),
    ];
    // Several builds may be there, of which some do not run on this processor or C library.
    const found = candidates.find(
      (path) => existsSync(path) && spawnSync(path, ['--version'], { env: {}, stdio: 'ignore' }).status === 0,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

const bun = findBun();
if (bun === undefined) {
  process.stderr.write(
    'sallyport: error: Bun is not installed for this machine\nsallyport: hint: install sallyport again, with optional packages\n',
  );
  process.exit(3);
}

const { NODE_EXTRA_CA_CERTS, ...rest } = process.env;
const kept = Object.entries(rest).filter(([name]) => !/^(?:BUN|NODE)_/.test(name));
const env = {
  ...Object.fromEntries(kept),
  SALLYPORT_CWD: process.cwd(),
  ...(NODE_EXTRA_CA_CERTS === undefined ? {} : { NODE_EXTRA_CA_CERTS }),
};
// Bun resolves its entry by a tsconfig.json or jsconfig.json of the folder that it is started in: that is ours, and main.ts goes back.
const flags = ['--no-env-file', '--config=/dev/null', `--cwd=${root}`, join(root, 'src', 'main.ts')];
const child = spawn(bun, [...flags, ...process.argv.slice(2)], { env, stdio: 'inherit' });

// A terminal sends its signals to both of us; passed on as well, the first would count as the second.
const terminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (!terminal || signal === 'SIGTERM') child.kill(signal);
  });
}
child.on('error', () => process.exit(3));
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 3);
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name);
  process.kill(process.pid, signal);
});
