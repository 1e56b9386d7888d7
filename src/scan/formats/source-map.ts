/**
 * Source maps, in a scan of what browsers get: the sources that they carry, each as a file of its own, under the name that the map gives it. Maps that are
 * put together from sections are taken apart.
 */
import type { Parts } from './format.ts';

const MOST_BYTES = 256 * 1024 * 1024;

export interface CarriedSource {
  /** Without what bundlers put before it. */
  readonly name: string;
  readonly content: string;
}

export function openSourceMap(parts: Parts): void {
  if (parts.bytes.length > MOST_BYTES) throw new Error('it is too large');
  for (const { name, content } of sourcesIn(parseMap(parts.bytes.toString('utf8'))))
    parts.text({ bytes: Buffer.from(content), name });
}

/** Null for what is no map; a guard against JSON inclusion before it is passed over. */
export function parseMap(text: string): object | null {
  try {
    const map: unknown = JSON.parse(text.replace(/^\)\]\}'?[^\n]*\n/, ''));
    return typeof map === 'object' ? map : null;
  } catch {
    return null;
  }
}

const MOST_DEPTH = 5;

function* sourcesIn(map: object | null, depth = 0): Generator<CarriedSource> {
  if (!map || depth > MOST_DEPTH) return;
  const { sections, sources, sourcesContent, sourceRoot } = map as Readonly<Record<string, unknown>>;
  if (Array.isArray(sections)) {
    for (const section of sections as readonly unknown[]) {
      const inner: unknown =
        typeof section === 'object' && section !== null && 'map' in section ? section.map : null;
      if (typeof inner === 'object') yield* sourcesIn(inner, depth + 1);
    }
  }
  if (!Array.isArray(sources) || !Array.isArray(sourcesContent)) return;
  for (const [index, content] of (sourcesContent as readonly unknown[]).entries()) {
    const source: unknown = sources[index];
    if (typeof content !== 'string') continue;
    const root = typeof sourceRoot === 'string' ? sourceRoot : '';
    yield { name: sourceName(typeof source === 'string' ? source : `source ${index}`, root), content };
  }
}

/** As people know the file: `webpack://app/./src/a.ts?1234` and `../../src/a.ts` are `src/a.ts`. */
export function sourceName(source: string, root = ''): string {
  const whole = root === '' || /^[a-z]+:|^\//i.test(source) ? source : `${root.replace(/\/$/, '')}/${source}`;
  return (
    whole
      // Between two slashes and the next stands the name of the bundle.
      .replace(/^(?:webpack|turbopack|ng|vite|rollup|parcel|file):\/\/[^/]*\//i, '')
      .replace(/^\/?(?:\[project\]\/|\((?:app-pages-browser|ssr|rsc)\)\/)/, '')
      .replace(/[?#][^/]*$/, '')
      .replace(/^(?:\.{1,2}\/)+/, '')
      .replace(/^\/+(?=src\/)/, '')
  );
}
