/** Stages that wait until the source has ended, and pass findings on then, in their order. */
import type { Finding } from './finding.ts';
import type { Stage, StageMaker } from './sink.ts';

/** A stage that is loaded only when there is a finding for it: a git hook waits for whatever is loaded before. */
export function whenNeeded(load: () => Promise<StageMaker>): StageMaker {
  return (next) => {
    const kept: Finding[] = [];
    return {
      finding: (finding) => void kept.push(finding),
      problem: (text) => next.problem(text),
      skip: (kind, count) => next.skip(kind, count),
      looked: (files, bytes) => next.looked(files, bytes),
      end: async () => {
        if (kept.length === 0) return;
        const stage: Stage = (await load())(next);
        for (const finding of kept) stage.finding(finding);
        await stage.end();
      },
    };
  };
}

/** A stage that has to know all findings before it can say more of any. `enrich` gets what counts, and returns what is to be added, by fingerprint. It does not reject. */
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
