/** What is delivered beside the source: the npm package, and the files that run Sallyport as a service. */
import { afterAll, describe, expect, test } from 'bun:test';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { VARIABLES } from '../../src/config.ts';
import { VERSION } from '../../src/version.ts';
import { eventually } from '../support/calls.ts';
import { tempFolder } from '../support/harness.ts';

const ROOT = join(import.meta.dir, '..', '..');
const folder = tempFolder();
afterAll(() => rmSync(folder, { recursive: true }));

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

describe('the npm package', () => {
  const home = join(folder, 'node_modules', 'sallyport');
  const launcher = join(home, 'bin', 'sallyport.mjs');

  test('holds what runs, and neither tests nor anything else', () => {
    const packed = Bun.spawnSync(['npm', 'pack', '--json', '--pack-destination', folder], {
      cwd: ROOT,
      stdout: 'pipe',
      stderr: 'pipe',
      env: { ...process.env, HOME: folder, npm_config_offline: 'true' },
    });
    expect(packed.exitCode).toBe(0);
    const [{ filename, files }] = JSON.parse(packed.stdout.toString()) as [
      { filename: string; files: { path: string; mode: number }[] },
    ];
    const paths = files.map(({ path }) => path);
    expect(paths).toContain('src/main.ts');
    expect(paths).toContain('src/ledger/prices.json');
    expect(paths).toEqual(expect.arrayContaining(['src/watch/webhooks.mjs', 'src/watch/webhooks.d.mts']));
    expect(files.find(({ path }) => path === 'bin/sallyport.mjs')!.mode & 0o111).not.toBe(0);
    expect(
      paths.filter((path) => /\.test\.ts$|\/test-|^(?:test|scripts|node_modules|dist)\//.test(path)),
    ).toEqual([]);
    const imported = ['console', 'pino', 'redact'].flatMap((name) =>
      ['cjs', 'mjs', 'd.cts', 'd.mts'].map((kind) => `lib/${name}.${kind}`),
    );
    expect(paths.filter((path) => path.startsWith('lib/')).sort()).toEqual(imported.sort());
    expect(paths.filter((path) => !/^(?:src|bin|lib)\//.test(path)).sort()).toEqual(
      ['ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json'].sort(),
    );
    mkdirSync(home, { recursive: true });
    const tar = Bun.spawnSync(['tar', '-xzf', join(folder, filename), '-C', home, '--strip-components=1']);
    expect(tar.exitCode).toBe(0);
    // As npm lays the dependencies out, without fetching them.
    for (const name of ['bun', '@oven', 'hono', 'kysely', 'zod'])
      symlinkSync(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  });

  const node = (args: readonly string[], variables: Readonly<Record<string, string>> = {}) =>
    Bun.spawn([Bun.which('node')!, launcher, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      // No PATH: nothing but Node is there.
      env: { PATH: '/nonexistent', HOME: folder, ...variables },
    });

  test('runs on Node, with what configures the runtime taken out', async () => {
    const child = node(['version'], { BUN_OPTIONS: '--preload=/nonexistent.js', BUN_BE_BUN: '1' });
    expect(await new Response(child.stdout).text()).toBe(`sallyport ${VERSION}\n`);
    expect(await child.exited).toBe(0);
    expect(await node(['no-such-command']).exited).toBe(2);
  });

  test('passes a signal on, and ends as Sallyport ends', async () => {
    const data = join(folder, 'data');
    const child = node(['up', '--data', data, '--port', '0', '--admin-port', '0', '--json']);
    await eventually(async () => (await node(['health', '--data', data]).exited) === 0, 20_000);
    child.kill('SIGTERM');
    expect(await child.exited).toBe(0);
    expect(await new Response(child.stderr).text()).toContain('stopping: 0 calls running');
  });

  test('says so when the runtime is not there', async () => {
    const alone = join(folder, 'alone');
    cpSync(home, alone, { recursive: true });
    const child = Bun.spawn([Bun.which('node')!, join(alone, 'bin', 'sallyport.mjs'), 'version'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    rmSync(join(folder, 'node_modules'), { recursive: true });
    expect(await child.exited).toBe(3);
    expect(await new Response(child.stderr).text()).toContain('Bun is not installed');
  });
});

describe('the Dockerfile', () => {
  const lines = read('Dockerfile')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const final = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const of = (instruction: string): string =>
    final.findLast((line) => line.startsWith(`${instruction} `))?.slice(instruction.length + 1) ?? '';

  test('runs one file as a user without rights, on a base that has nothing else', () => {
    expect(of('USER')).toMatch(/^[1-9]\d+:[1-9]\d+$/);
    expect(of('FROM')).not.toMatch(/node|bun|alpine|latest/);
    expect(final.filter((line) => /^(?:RUN|ADD|SHELL) /.test(line))).toEqual([]);
  });

  test('starts and checks the binary without a shell', () => {
    const entry = JSON.parse(of('ENTRYPOINT')) as string[];
    const [, check = ''] = /^.* CMD (.*)$/.exec(of('HEALTHCHECK')) ?? [];
    expect(JSON.parse(check)).toEqual([...entry, 'health']);
    expect(JSON.parse(of('CMD'))).toEqual(['up']);
  });

  test('copies only what the build context has', () => {
    const ignored = read('.dockerignore').split('\n');
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1));
    expect(copied.length).toBeGreaterThan(3);
    for (const path of copied) {
      expect(existsSync(join(ROOT, path))).toBe(true);
      expect(ignored).toContain(`!${path}`);
    }
  });

  test('sets only variables that Sallyport knows', () => {
    const names = [...of('ENV').matchAll(/(\w+)=/g)].map(([, name]) => name);
    expect(names).toContain('SALLYPORT_DATA');
    expect(names.filter((name) => !(String(name) in VARIABLES))).toEqual([]);
  });
});

test('the composition has a read-only root, no rights, no swap, and variables that Sallyport knows', () => {
  const { services } = Bun.YAML.parse(read('compose.yaml')) as {
    services: { sallyport: Record<string, unknown> & { environment: Record<string, string> } };
  };
  const { sallyport } = services;
  expect(sallyport).toMatchObject({
    read_only: true,
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    ulimits: { core: 0 },
  });
  expect(sallyport['memswap_limit']).toBe(sallyport['mem_limit'] as string);
  expect(Object.keys(sallyport.environment).filter((name) => !(name in VARIABLES))).toEqual([]);
});

test('the service unit keeps memory off the disk and the process from rights', () => {
  const unit = read('deploy/systemd/sallyport.service');
  const settings = unit.split('\n').filter((line) => /^[A-Z]\w+=/.test(line));
  for (const wanted of [
    'User=sallyport',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'CapabilityBoundingSet=',
    'MemorySwapMax=0',
    'LimitCORE=0',
    'StateDirectoryMode=0700',
  ])
    expect(settings).toContain(wanted);
  const names = [...unit.matchAll(/\b(SALLYPORT_\w+)=/g)].map(([, name]) => String(name));
  expect(names.length).toBeGreaterThan(1);
  expect(names.filter((name) => !(name in VARIABLES))).toEqual([]);
});
