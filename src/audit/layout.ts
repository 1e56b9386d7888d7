/**
 * Where the journal's files are: `<folder>/<node>@<boot>/<segment>.jsonl`. A stream is one process's chain; its boot number orders it
 * after all earlier ones without trusting a clock.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface StreamFolder {
  /** `<node>@<boot>`. */
  readonly stream: string;
  readonly boot: number;
  readonly path: string;
  /** Segment numbers, ascending. */
  readonly segments: readonly number[];
}

export function streamName(node: string, boot: number): string {
  return `${node}@${String(boot).padStart(6, '0')}`;
}

export function segmentPath(folder: string, stream: string, segment: number): string {
  return join(folder, stream, `${String(segment).padStart(6, '0')}.jsonl`);
}

/** All streams, oldest first. Other files in the folder are ignored. */
export function listStreams(folder: string): StreamFolder[] {
  if (!existsSync(folder)) return [];
  const streams: StreamFolder[] = [];
  for (const name of readdirSync(folder)) {
    const boot = /^[a-z0-9]+@(\d{6,})$/.exec(name)?.[1];
    const path = join(folder, name);
    if (boot === undefined || !statSync(path).isDirectory()) continue;
    const segments = readdirSync(path)
      .map((file) => /^(\d{6,})\.jsonl$/.exec(file)?.[1])
      .filter((number) => number !== undefined)
      .map(Number)
      .toSorted((a, b) => a - b);
    streams.push({ stream: name, boot: Number(boot), path, segments });
  }
  return streams.toSorted((a, b) => a.boot - b.boot);
}
