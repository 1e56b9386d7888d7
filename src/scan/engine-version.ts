/**
 * Which scanner this is: a digest that changes whenever the scanner could find something else. What was remembered under another one counts
 * for nothing.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Look } from './content.ts';

const DIGEST_HEX = 24;
/** Where the code of a one-file program is. */
const INSIDE_PROGRAM = /\/\$bunfs\/|~BUN/;
const PARTS = ['detect', 'scan'] as const;

/** The same for the same code and the same choices. Reads the code itself, so that nobody has to remember to count a number up. */
export function engineVersion({ generic = false, layers, images }: Look = {}): string {
  return new Bun.CryptoHasher('sha256', 'sallyport.scan.engine.v1')
    .update(JSON.stringify([codeDigest(), Bun.version, generic, layers ?? null, images !== undefined]))
    .digest('hex')
    .slice(0, DIGEST_HEX);
}

let known: string | undefined;

function codeDigest(): string {
  known ??= INSIDE_PROGRAM.test(import.meta.dir) ? programDigest() : sourceDigest(dirname(import.meta.dir));
  return known;
}

/** A program is replaced as a whole. */
function programDigest(): string {
  const { size, mtimeMs, ino } = statSync(process.execPath);
  return JSON.stringify([process.execPath, size, mtimeMs, ino]);
}

function sourceDigest(source: string): string {
  const hash = new Bun.CryptoHasher('sha256');
  // Whose versions of libraries are exact.
  hash.update(readFileSync(join(source, '..', 'package.json')));
  for (const part of PARTS) {
    const names = (readdirSync(join(source, part), { recursive: true }) as string[]).toSorted();
    for (const name of names) {
      if (!/\.[mc]?[jt]s$/.test(name) || name.endsWith('.test.ts')) continue;
      hash.update(`${part}/${name}\0`);
      hash.update(readFileSync(join(source, part, name)));
    }
  }
  return hash.digest('hex');
}
