import { describe, expect, test } from 'bun:test';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import {
  checkSocketFolder,
  prepareSocketFolder,
  realFolder,
  socketOwner,
  socketPath,
} from './socket-path.ts';

const owner = { uid: 1000, runtimeFolder: '/run/user/1000' };

describe('socketPath', () => {
  test('a short data folder holds its own socket', () => {
    expect(socketPath('/var/lib/sallyport', owner)).toBe('/var/lib/sallyport/admin.sock');
  });

  test('the limit counts bytes, and 100 still fits', () => {
    const fits = `/${'d'.repeat(100 - '/'.length - '/admin.sock'.length)}`;
    expect(Buffer.byteLength(socketPath(fits, owner))).toBe(100);
    expect(socketPath(fits, owner)).toStartWith(fits);
    expect(socketPath(`${fits}d`, owner)).toMatch(/^\/run\/user\/1000\/sallyport-1000\/[0-9a-f]{16}\.sock$/);
    expect(socketPath(`/${'ä'.repeat(60)}`, owner)).toStartWith('/run/user/1000/');
  });

  test('two deep folders have two sockets, and one folder always the same', () => {
    const deep = (name: string): string => `/srv/${name.repeat(120)}`;
    expect(socketPath(deep('a'), owner)).not.toBe(socketPath(deep('b'), owner));
    expect(socketPath(deep('a'), owner)).toBe(socketPath(deep('a'), owner));
  });

  test('without a runtime folder it is /tmp', () => {
    expect(socketOwner({}).runtimeFolder).toBe('/tmp');
    expect(socketOwner({ XDG_RUNTIME_DIR: '' }).runtimeFolder).toBe('/tmp');
    expect(socketOwner({ XDG_RUNTIME_DIR: '/run/user/7' }).runtimeFolder).toBe('/run/user/7');
  });

  test('every name of a folder gives the same socket', () => {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-path-'));
    const real = join(root, 'data');
    mkdirSync(real);
    symlinkSync(real, join(root, 'link'));
    expect(realFolder(join(root, 'link'))).toBe(realFolder(real));
    rmSync(root, { recursive: true });
  });
});

describe('the folder of a short path', () => {
  const withRoot = (use: (root: string) => void): void => {
    const root = mkdtempSync(join(tmpdir(), 'sallyport-folder-'));
    try {
      use(root);
    } finally {
      rmSync(root, { recursive: true });
    }
  };

  test('is made for us alone', () => {
    withRoot((root) => {
      const path = join(root, 'ours', 'x.sock');
      prepareSocketFolder(path, '/elsewhere');
      expect(lstatSync(join(root, 'ours')).mode & 0o777).toBe(0o700);
    });
  });

  test('is refused when others may enter, or when it is a link', () => {
    withRoot((root) => {
      const open = join(root, 'open');
      mkdirSync(open);
      chmodSync(open, 0o777);
      expect(() => prepareSocketFolder(join(open, 'x.sock'), '/elsewhere')).toThrow(SallyportError);
      const real = join(root, 'real');
      mkdirSync(real, { mode: 0o700 });
      symlinkSync(real, join(root, 'link'));
      expect(() => checkSocketFolder(join(root, 'link', 'x.sock'), '/elsewhere')).toThrow(SallyportError);
    });
  });
});
