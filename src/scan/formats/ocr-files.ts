/**
 * The files that reading pictures needs: Tesseract as WebAssembly and its data for English, from two npm packages of the tesseract.js project that have
 * no dependencies and no install scripts. Nobody gets 60 MB who does not ask: they are installed at the first use, into the user's own folder, with
 * exact versions and their checksums; from then on nothing is fetched.
 */
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SallyportError } from '../../core/errors.ts';

export interface OcrFiles {
  /** Builds of the same, the fastest first: not every processor runs each. */
  readonly cores: readonly string[];
  readonly data: string;
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
}

const CORE: Package = {
  name: 'tesseract.js-core',
  version: '7.0.0',
  integrity:
    'sha512-WnNH518NzmbSq9zgTPeoF8c+xmilS8rFIl1YKbk/ptuuc7p6cLNELNuPAzcmsYw450ca6bLa8j3t0VAtq435Vw==',
};
const DATA: Package = {
  name: '@tesseract.js-data/eng',
  version: '1.0.0',
  integrity:
    'sha512-mbTumm6KQPUHyzTPQaF3ObXYnx0SqqfV2nabqFVQBwD6Kl7PhGSLSzOlfFTWy0P3BjghaSKA2W9GB19Jk+ZcTg==',
};
export const OCR_PACKAGES: readonly Package[] = [CORE, DATA];

const BUILDS = ['relaxedsimd-lstm', 'simd-lstm', 'lstm'];
const DATA_FILE = '4.0.0_best_int/eng.traineddata.gz';

const OUR_MODULES = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'node_modules');

type Env = Readonly<Record<string, string | undefined>>;

/** Beside our own dependencies, else in the user's folder; null where they are not installed. */
export function ocrFiles(env: Env, ours = OUR_MODULES): OcrFiles | null {
  return filesIn(ours) ?? filesIn(join(ocrFolder(env), 'node_modules'));
}

function filesIn(modules: string): OcrFiles | null {
  const cores = BUILDS.map((build) => join(modules, CORE.name, `tesseract-core-${build}.js`));
  const data = join(modules, DATA.name, DATA_FILE);
  return [...cores, data].every((path) => existsSync(path)) ? { cores, data } : null;
}

/** Another version has another folder, so that none is changed while it is used. */
export function ocrFolder(env: Env): string {
  const own = env['XDG_DATA_HOME'];
  const base = own !== undefined && isAbsolute(own) ? own : join(env['HOME'] ?? homedir(), '.local', 'share');
  return join(base, 'sallyport', `ocr-${CORE.version}`);
}

/** What is fetched from where, for people to agree to. */
export function describeInstall(env: Env): string {
  const packages = OCR_PACKAGES.map(({ name, version }) => `${name}@${version}`).join(' and ');
  return `${packages} (31 MB to fetch, 59 MB on disk) from the npm registry into ${ocrFolder(env)}`;
}

/** Throws `scan.incomplete` when npm cannot; then nothing is left behind. */
export async function installOcr(env: Env, ours = OUR_MODULES): Promise<OcrFiles> {
  const folder = ocrFolder(env);
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
  const fresh = mkdtempSync(`${folder}.new-`);
  try {
    writeFileSync(join(fresh, 'package.json'), JSON.stringify(manifest()));
    writeFileSync(join(fresh, 'package-lock.json'), JSON.stringify(lockFile()));
    await runNpm(fresh, env);
    if (!filesIn(join(fresh, 'node_modules'))) throw notInstalled('npm did not install all of it');
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  const files = ocrFiles(env, ours);
  if (!files) throw notInstalled('its files are gone again');
  return files;
}

function manifest(): object {
  return {
    name: 'sallyport-ocr',
    private: true,
    dependencies: Object.fromEntries(OCR_PACKAGES.map(({ name, version }) => [name, version])),
  };
}

/** Says what each package has to be, wherever the user's registry is. */
function lockFile(): object {
  const packages = OCR_PACKAGES.map(({ name, version, integrity }) => [
    `node_modules/${name}`,
    { version, integrity },
  ]);
  return {
    name: 'sallyport-ocr',
    lockfileVersion: 3,
    requires: true,
    packages: { '': manifest(), ...Object.fromEntries(packages) },
  };
}

async function runNpm(cwd: string, env: Env): Promise<void> {
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  let child: Bun.Subprocess<'ignore', 'ignore', 'pipe'>;
  try {
    child = Bun.spawn(['npm', ...args], {
      cwd,
      env: { ...env },
      stdin: 'ignore',
      stdout: 'ignore',
      stderr: 'pipe',
    });
  } catch (error) {
    throw notInstalled('npm could not be started', error);
  }
  const [said, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0)
    throw notInstalled(`npm ended with ${code}: ${said.trim().replaceAll(/\s+/g, ' ').slice(0, 300)}`);
}

function notInstalled(why: string, cause?: unknown): SallyportError {
  return new SallyportError('scan.incomplete', `what reads pictures was not installed: ${why}`, {
    fix: 'check that npm is on the PATH and reaches its registry, then try again',
    cause,
  });
}
