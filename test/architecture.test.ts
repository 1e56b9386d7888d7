/** The direction of imports: a literal table of which part may import which. A part that is not in the table may not exist. */
import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SRC = join(import.meta.dir, '..', 'src');

/** `*.ts` directly in src is named by its file. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  core: [],
  detect: ['core'],
  redact: ['core', 'detect'],
  scan: ['core', 'detect'],
  setup: ['core', 'detect', 'providers', 'scan'],
  providers: ['core'],
  records: ['core'],
  audit: ['core', 'records'],
  access: ['core', 'records'],
  vault: ['core', 'records', 'audit'],
  ledger: ['core', 'records', 'audit'],
  guard: ['core', 'records', 'access', 'detect', 'ledger', 'providers'],
  recovery: ['core', 'audit', 'vault'],
  gateway: [
    'core',
    'records',
    'access',
    'audit',
    'detect',
    'guard',
    'ledger',
    'providers',
    'redact',
    'vault',
  ],
  watch: ['core', 'records', 'audit', 'detect', 'vault'],
  telemetry: ['core', 'audit', 'gateway', 'ledger'],
  admin: [
    'core',
    'records',
    'access',
    'audit',
    'detect',
    'guard',
    'ledger',
    'providers',
    'recovery',
    'telemetry',
    'vault',
    'gateway',
    'version.ts',
    'watch',
  ],
  doctor: ['core', 'admin', 'audit', 'detect', 'providers', 'scan'],
  configuration: ['core', 'access', 'admin', 'guard', 'ledger', 'providers', 'vault', 'watch'],
  storage: ['core', 'records', 'audit', 'vault', 'watch'],
  fake: [],
  'version.ts': [],
  'config.ts': [
    'core',
    'gateway',
    'listen-config.ts',
    'root-key-config.ts',
    'telemetry',
    'telemetry-config.ts',
    'vault',
    'watch-config.ts',
  ],
  'listen-config.ts': ['core', 'access', 'gateway'],
  'root-key-config.ts': ['core', 'vault'],
  'telemetry-config.ts': ['core', 'telemetry'],
  'watch-config.ts': ['core'],
  'runtime-environment.ts': [],
  'app.ts': [
    'core',
    'records',
    'access',
    'admin',
    'audit',
    'config.ts',
    'detect',
    'gateway',
    'guard',
    'ledger',
    'open-ledger.ts',
    'providers',
    'recovery',
    'redact',
    'startup.ts',
    'storage',
    'telemetry',
    'vault',
    'version.ts',
    'watch',
  ],
  'open-ledger.ts': ['access', 'audit', 'gateway', 'ledger', 'startup.ts'],
  'offline.ts': ['core', 'config.ts', 'recovery', 'startup.ts', 'storage', 'vault'],
  'startup.ts': [
    'core',
    'records',
    'audit',
    'config.ts',
    'ledger',
    'recovery',
    'vault',
    'version.ts',
    'watch',
  ],
  cli: [
    'core',
    'access',
    'admin',
    'audit',
    'app.ts',
    'config.ts',
    'configuration',
    'doctor',
    'root-key-config.ts',
    'telemetry-config.ts',
    'detect',
    'fake',
    'gateway',
    'ledger',
    'offline.ts',
    'providers',
    'recovery',
    'redact',
    'runtime-environment.ts',
    'scan',
    'setup',
    'vault',
    'version.ts',
    'watch',
  ],
  'main.ts': ['core', 'detect', 'cli', 'runtime-environment.ts'],
};

interface Import {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

function partOf(path: string): string {
  const [first = ''] = relative(SRC, path).split('/');
  return first;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)].map((match) => match[1] ?? '');
  return targets
    .map((target) => resolve(dirname(file), target))
    .filter((target) => target.startsWith(`${SRC}/`))
    .map((target) => ({ file: relative(SRC, file), from: partOf(file), to: partOf(target) }));
}

const files = (readdirSync(SRC, { recursive: true }) as string[])
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => join(SRC, name));
const imports = files.flatMap(importsOf).filter(({ from, to }) => from !== to);

test('the table was held against real files and imports', () => {
  expect(files.length).toBeGreaterThan(80);
  expect(imports.length).toBeGreaterThan(150);
});

test('every part imports only what the table allows', () => {
  const forbidden = imports.filter(({ from, to }) => !(MAY_IMPORT[from] ?? []).includes(to));
  expect(forbidden).toEqual([]);
});

test('the table names no part that is not there', () => {
  const parts = new Set(files.map(partOf));
  expect(Object.keys(MAY_IMPORT).filter((part) => !parts.has(part))).toEqual([]);
  expect([...parts].filter((part) => !(part in MAY_IMPORT))).toEqual([]);
});

test('parts lie at most two levels deep, without barrels', () => {
  const paths = files.map((file) => relative(SRC, file));
  expect(paths.filter((path) => path.split('/').length > 3)).toEqual([]);
  expect(paths.filter((path) => /(^|\/)index\.ts$/.test(path))).toEqual([]);
});

test('the fake upstream shares nothing with what it checks', () => {
  const bare = files
    .filter((file) => partOf(file) === 'fake')
    .flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/from\s+'([^'.][^']*)'/g)].map((match) => match[1] ?? ''),
    );
  expect(bare.filter((name) => !name.startsWith('node:') && !name.startsWith('bun'))).toEqual([]);
});
