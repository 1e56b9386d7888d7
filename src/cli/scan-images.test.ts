import { expect, test } from 'bun:test';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imagesFor } from './scan-images.ts';
import { testIo } from './test-io.ts';

const NOWHERE = '/nowhere';

/** A user's folder, and an npm in its place that does as it is told. */
function place(
  script: string,
): { readonly folder: string; readonly env: Record<string, string> } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ocr-'));
  const npm = join(folder, 'npm');
  writeFileSync(npm, `#!/bin/sh\n${script}\n`);
  chmodSync(npm, 0o755);
  return {
    folder,
    env: { PATH: `${folder}:/usr/bin:/bin`, XDG_DATA_HOME: join(folder, 'data'), LOG: join(folder, 'log') },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const INSTALLS = `echo "$@" >> "$LOG"
cp package-lock.json "$LOG.lock"
mkdir -p node_modules/tesseract.js-core node_modules/@tesseract.js-data/eng/4.0.0_best_int
for build in relaxedsimd-lstm simd-lstm lstm; do touch node_modules/tesseract.js-core/tesseract-core-$build.js; done
touch node_modules/@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz`;

test('without it and without a yes nothing is installed, and what would be is said', async () => {
  using at = place(INSTALLS);
  const { io } = testIo({ env: at.env });
  expect(await thrownBy(imagesFor(false, io, NOWHERE))).toMatchObject({
    code: 'input.invalid',
    fix: expect.stringMatching(
      /--images --yes .* tesseract\.js-core@7\.0\.0 and @tesseract\.js-data\/eng@1\.0\.0 .*sallyport\/ocr-7\.0\.0/,
    ),
  });
  expect(existsSync(at.env['LOG'] ?? '')).toBe(false);
});

test('with a yes exact versions with their checksums are installed, without scripts, once', async () => {
  using at = place(INSTALLS);
  const { io } = testIo({ env: at.env });
  const files = await imagesFor(true, io, NOWHERE);
  expect(await imagesFor(false, io, NOWHERE)).toEqual(files);
  expect(readFileSync(join(at.folder, 'log'), 'utf8')).toBe(
    'ci --ignore-scripts --no-audit --no-fund --loglevel=error\n',
  );
  const lock = JSON.parse(readFileSync(join(at.folder, 'log.lock'), 'utf8')) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  const own = JSON.parse(
    readFileSync(join(import.meta.dir, '../../package-lock.json'), 'utf8'),
  ) as typeof lock;
  for (const name of ['node_modules/tesseract.js-core', 'node_modules/@tesseract.js-data/eng']) {
    const { version, integrity } = own.packages[name] ?? {};
    expect(lock.packages[name]).toEqual({ version, integrity } as object);
  }
});

test('an npm that fails, or installs less, leaves nothing behind', async () => {
  for (const script of ['echo no network >&2; exit 1', 'exit 0']) {
    using at = place(script);
    const { io } = testIo({ env: at.env });
    expect(await thrownBy(imagesFor(true, io, NOWHERE))).toMatchObject({ code: 'scan.incomplete' });
    expect(readdirSync(join(at.folder, 'data', 'sallyport'))).toEqual([]);
  }
});

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
