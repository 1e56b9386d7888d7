import { afterEach, beforeEach, expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { acquireDataLock } from './data-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function refusal(of = folder): SallyportError {
  try {
    acquireDataLock(of);
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('expected the folder to be locked');
}

/** A process that acquires the lock of `folder`, says so (or how it was refused), and then lives until it is killed. */
function spawnHolder() {
  const script = `
    import { acquireDataLock } from ${JSON.stringify(join(import.meta.dir, 'data-lock.ts'))};
    try {
      acquireDataLock(${JSON.stringify(folder)});
      console.log('held');
    } catch (error) {
      console.log(error.code, error.message);
    }
    setInterval(() => {}, 1000);
  `;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' });
  const firstLine = async (): Promise<string> => {
    const { value } = await child.stdout.getReader().read();
    return new TextDecoder().decode(value).trim();
  };
  return { child, firstLine };
}

test('a second lock of the same folder is refused at once and names this process', () => {
  const lock = acquireDataLock(folder);
  const started = performance.now();
  const error = refusal();
  expect(performance.now() - started).toBeLessThan(2000);
  expect(error.code).toBe('data.locked');
  expect(error.message).toContain(`process ${process.pid}`);
  expect(error.fix).toContain('another data folder');
  lock.release();
});

test('after release the folder is free, and releasing again does not free the next holder', () => {
  const first = acquireDataLock(folder);
  first.release();
  expect(existsSync(join(folder, 'lock.pid'))).toBe(false);
  const second = acquireDataLock(folder);
  first.release();
  expect(refusal().message).toContain(`process ${process.pid}`);
  second.release();
});

test('a folder held by another process is refused, and free as soon as that is killed', async () => {
  const { child, firstLine } = spawnHolder();
  expect(await firstLine()).toBe('held');
  const error = refusal();
  expect(error.code).toBe('data.locked');
  expect(error.message).toContain(`process ${child.pid}`);
  expect(error.fix).toContain(`kill ${child.pid}`);

  child.kill('SIGKILL');
  await child.exited;
  const lock = acquireDataLock(folder);
  expect(readFileSync(join(folder, 'lock.pid'), 'utf8')).toBe(`${process.pid}\n`);
  lock.release();
});

test('a refused attempt does not loosen the lock for other processes', async () => {
  const lock = acquireDataLock(folder);
  refusal();
  refusal();
  const { child, firstLine } = spawnHolder();
  expect(await firstLine()).toBe(`data.locked The data folder is in use by process ${process.pid}.`);
  child.kill('SIGKILL');
  await child.exited;
  lock.release();
});

test('locks that nobody keeps a reference to still hold after garbage collection', async () => {
  // Several, because a conservative collector may keep one by chance.
  const folders = Array.from({ length: 10 }, (_, index) => join(folder, String(index)));
  for (const each of folders) {
    mkdirSync(each);
    acquireDataLock(each);
  }
  for (let round = 0; round < 5; round += 1) {
    Bun.gc(true);
    await Bun.sleep(1);
  }
  expect(folders.map((each) => refusal(each).code)).toEqual(folders.map(() => 'data.locked'));
});

test.each(['', 'garbage', '12; rm -rf /\n', '99999999999999\n'])(
  'a side file that says %p names nobody',
  (content) => {
    const lock = acquireDataLock(folder);
    writeFileSync(join(folder, 'lock.pid'), content);
    expect(refusal().message).toBe('The data folder is in use by another process.');
    lock.release();
  },
);

test('the lock files are readable by their owner only', () => {
  const lock = acquireDataLock(folder);
  expect(['lock', 'lock.pid'].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([
    0o600, 0o600,
  ]);
  lock.release();
});

test('a folder that does not exist is not reported as locked', () => {
  rmSync(folder, { recursive: true });
  expect(refusal().code).toBe('store.unavailable');
});
