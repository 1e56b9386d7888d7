/**
 * Where in the sources a place of a built file comes from, by its source map: one beside it, one that its last lines name, or one that is inside it. Nothing
 * is fetched, and no file outside the folder that was built is read.
 */
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { AnyMap, originalPositionFor, sourceContentFor, type TraceMap } from '@jridgewell/trace-mapping';
import { parseMap, sourceName } from '../formats/source-map.ts';

export interface Origin {
  readonly path: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

export interface Resolved {
  readonly origin: Origin;
  /** The source's line, and those around it; empty where the source is not at hand. */
  readonly text: string;
}

const MOST_MAP_BYTES = 256 * 1024 * 1024;
const MOST_SOURCE_BYTES = 16 * 1024 * 1024;
/** The name of the map is in the last lines. */
const TAIL_BYTES = 4096;

export class SourceResolver {
  readonly #map: TraceMap | null;
  readonly #folder: string;
  readonly #project: string;

  /** `file`: of the built file; `project`: the folder whose sources may be looked at. */
  constructor(file: string, bytes: Buffer, project: string) {
    this.#folder = dirname(file);
    this.#project = project;
    this.#map = mapOf(file, bytes, project);
  }

  /** Null where no map says it. `value` makes the column exact. */
  resolve(line: number, column: number, value: string): Resolved | null {
    if (!this.#map) return null;
    const position = originalPositionFor(this.#map, { line, column: column - 1 });
    if (position.source === null) return null;
    const lines = (this.#contentOf(position.source) ?? '').split('\n');
    const own = lines[position.line - 1] ?? '';
    const exact = own.indexOf(value, position.column);
    const at = exact < 0 ? own.indexOf(value) : exact;
    return {
      origin: {
        path: sourceName(position.source),
        line: position.line,
        column: (at < 0 ? position.column : at) + 1,
      },
      text: lines.slice(Math.max(0, position.line - 2), position.line + 1).join('\n'),
    };
  }

  #contentOf(source: string): string | null {
    const carried = this.#map ? sourceContentFor(this.#map, source) : null;
    if (carried !== null) return carried;
    return /^[a-z]+:/i.test(source)
      ? null
      : readInside(resolve(this.#folder, source), this.#project, MOST_SOURCE_BYTES);
  }
}

function mapOf(file: string, bytes: Buffer, project: string): TraceMap | null {
  const text = mapText(file, bytes, project);
  const map = text === null ? null : parseMap(text);
  try {
    // What a map holds is of strangers: whatever is wrong with it, there is no map.
    return map ? new AnyMap(map as ConstructorParameters<typeof AnyMap>[0]) : null;
  } catch {
    return null;
  }
}

function mapText(file: string, bytes: Buffer, project: string): string | null {
  const named = nameInside(bytes);
  if (named?.startsWith('data:')) return dataText(named);
  const candidates = [...(named === null ? [] : [join(dirname(file), decoded(named))]), `${file}.map`];
  for (const path of candidates) {
    const text = readInside(path, project, MOST_MAP_BYTES);
    if (text !== null) return text;
  }
  return null;
}

/** The last comment that names one. */
function nameInside(bytes: Buffer): string | null {
  const at = bytes.lastIndexOf('sourceMappingURL=');
  if (at < 0) return null;
  const isInline = bytes.toString('latin1', at, at + 40).includes('=data:');
  if (!isInline && at < bytes.length - TAIL_BYTES) return null;
  const end = isInline ? bytes.length : Math.min(bytes.length, at + TAIL_BYTES);
  return /^sourceMappingURL=([^\s'"*]+)/.exec(bytes.toString('latin1', at, end))?.[1] ?? null;
}

function dataText(url: string): string | null {
  const match = /^data:[^,]{0,100}?(;base64)?,/.exec(url);
  if (!match) return null;
  const content = url.slice(match[0].length);
  return match[1] === undefined ? decoded(content) : Buffer.from(content, 'base64').toString('utf8');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The text of a file below a folder, links resolved; null for any other. */
function readInside(path: string, folder: string, mostBytes: number): string | null {
  try {
    if (basename(path) === '' || !existsSync(path)) return null;
    const real = realpathSync(path);
    if (!real.startsWith(realpathSync(folder) + sep)) return null;
    const stats = statSync(real);
    return stats.isFile() && stats.size <= mostBytes ? readFileSync(real, 'utf8') : null;
  } catch {
    return null;
  }
}
