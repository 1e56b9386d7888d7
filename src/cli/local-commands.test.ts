import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const SRC = join(import.meta.dir, '..');
/** `import type` and `await import(...)` load nothing at the start. */
const STATIC_IMPORT = /^(?:import|export) (?!type )(?:[^'"]*? from )?'([^']+)'/gms;

/** Files that are loaded with `entry`, and the packages that they load. */
function loadedWith(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [entry];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(relative(SRC, file))) continue;
    files.add(relative(SRC, file));
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(STATIC_IMPORT)) {
      if (target.startsWith('.')) waiting.push(resolve(dirname(file), target));
      else packages.add(target);
    }
  }
  return { files, packages };
}

test('what a git hook starts loads neither the server nor the contract with it, nor any package', () => {
  for (const entry of ['main.ts', 'cli/cli.ts']) {
    const { files, packages } = loadedWith(join(SRC, entry));
    expect([...packages].filter((name) => !/^node:(?:util|fs|path)$/.test(name))).toEqual([]);
    expect([...files].filter((file) => /^(?:app|config|admin\/contract|gateway|storage)/.test(file))).toEqual(
      [],
    );
  }
  const { files } = loadedWith(join(SRC, 'cli/cli.ts'));
  expect(files).toContain('scan/staged.ts');
  // Nor what it needs only when it has found something.
  expect([...files].filter((file) => /^scan\/(?:reports\/|allow|range\/(?!revisions))/.test(file))).toEqual(
    [],
  );
  // The same look at everything finds them.
  expect(loadedWith(join(SRC, 'cli/commands.ts')).packages).toContain('zod');
});

test('no command but those of the configuration file loads what reads it', () => {
  const { files, packages } = loadedWith(join(SRC, 'cli/commands.ts'));
  expect(packages).not.toContain('yaml');
  expect([...files].filter((file) => file.startsWith('configuration/'))).toEqual([]);
  expect(loadedWith(join(SRC, 'configuration/read-document.ts')).packages).toContain('yaml');
});
