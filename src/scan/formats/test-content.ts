/** What a scan finds in one content, for tests. */
import { sample } from '../../detect/samples.ts';
import { type ContentOptions, ContentScan } from '../content.ts';
import type { Finding } from '../finding.ts';
import { Collector } from '../sink.ts';

export interface Scanned {
  readonly findings: readonly Finding[];
  /** `path:line:column (where)` of each, with `may be` for what is not sure. */
  readonly places: readonly string[];
  readonly problems: readonly string[];
  readonly skipped: Readonly<Record<string, number>>;
}

export async function scanContent(
  path: string,
  content: string | Uint8Array,
  options: ContentOptions = {},
): Promise<Scanned> {
  const sink = new Collector();
  await new ContentScan(sink, options).scan({ path, bytes: Buffer.from(content) });
  return {
    findings: sink.findings,
    places: sink.findings.map(
      ({ path: place, line, column, where, sure }) =>
        `${place}:${line}:${column}${where === undefined ? '' : ` (${where})`}${sure ? '' : ' may be'}`,
    ),
    problems: sink.problems,
    skipped: Object.fromEntries(sink.skipped),
  };
}

/** A key of Groq's shape, always the same for a seed. */
export function groqKey(seed = 1): string {
  return `gsk_${sample('alnum', 20, seed)}WGdyb3FY${sample('alnum', 24, seed + 100)}`;
}
