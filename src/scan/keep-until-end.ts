/** A stage that has to know all findings before it can say more of any: it passes them on, in their order, when the source has ended. */
import type { Finding } from './finding.ts';
import type { StageMaker } from './sink.ts';

/** `enrich` gets what counts, and returns what is to be added, by fingerprint. It does not reject. */
export function keepUntilEnd(
  enrich: (findings: readonly Finding[]) => Promise<ReadonlyMap<string, Partial<Finding>>>,
): StageMaker {
  return (next) => {
    const kept: Finding[] = [];
    return {
      finding: (finding) => void kept.push(finding),
      problem: (text) => next.problem(text),
      skip: (kind, count) => next.skip(kind, count),
      looked: (files, bytes) => next.looked(files, bytes),
      end: async () => {
        const counted = kept.filter(({ allowed }) => !allowed);
        const more = counted.length === 0 ? new Map<string, never>() : await enrich(counted);
        for (const finding of kept)
          next.finding({ ...finding, ...(finding.allowed ? {} : more.get(finding.fingerprint)) });
      },
    };
  };
}
