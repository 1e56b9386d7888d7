// Installs what package-lock.json names, once: `npm start` needs the runtime only (--production), `npm test` everything.
// Plain Node, because nothing else is there yet. Not `npm ci`: it refuses a lock file from a registry that does not carry the optional
// binaries of every platform; --no-save keeps the lock file as it is all the same.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const marker = join(root, 'node_modules', '.sallyport-setup');
const production = process.argv.includes('--production');
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const [installed = '', extent = ''] = existsSync(marker)
  ? readFileSync(marker, 'utf8').trim().split(' ')
  : [];

if (installed !== wanted || (!production && extent !== 'all')) {
  process.stderr.write(
    `sallyport: installing ${production ? 'the runtime' : 'the development tools'} (once) ...\n`,
  );
  const args = [
    'install',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(production ? ['--omit=dev'] : []),
  ];
  const npm = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (npm.status !== 0) {
    process.stderr.write(
      'sallyport: error: npm could not install the packages\nsallyport: hint: check the network and the registry, then try again\n',
    );
    process.exit(3);
  }
  writeFileSync(marker, `${wanted} ${production ? 'production' : 'all'}\n`);
}
