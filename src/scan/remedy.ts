/** What to do about findings, in order: what is said depends on where they were found. */
import type { Finding } from './finding.ts';

/** Where a scan looked. */
export type SourceKind = 'staged' | 'stdin' | 'paths' | 'history' | 'range' | 'bundle' | 'images';

export interface Step {
  /** One word: "Revoke". */
  readonly name: string;
  readonly lines: readonly string[];
}

/** The steps in their order, for all of the findings together; each provider is named once. */
export function stepsFor(kind: SourceKind, findings: readonly Finding[]): Step[] {
  return [
    { name: 'Revoke', lines: revocations(findings) },
    {
      name: 'Rotate',
      lines: [
        'put the new key where it is kept (sallyport key add NAME --replace), never into a file under git.',
      ],
    },
    { name: 'Remove', lines: removal(kind) },
  ];
}

/** Each provider once. */
function revocations(findings: readonly Finding[]): string[] {
  return [...new Set(findings.map(({ rule }) => `${rule.provider} ${rule.what}: ${rule.revoke}`))];
}

function removal(kind: SourceKind): string[] {
  switch (kind) {
    case 'staged':
      return ['take it out of the files above, then git add them again. Nothing was committed.'];
    case 'paths':
      return [
        'take it out of the files above. Where they are in git, it stays in the history: sallyport scan --history',
      ];
    case 'history':
    case 'range':
      return ['take it out of the files, and out of the commits that have it: git filter-repo.'];
    case 'stdin':
      return ['delete what the text comes from, and its copies; keep the next ones clean with a redactor.'];
    case 'bundle':
      return ['keep it on the server: build again without it, publish that, and purge caches in between.'];
    case 'images':
      return ['delete the images and their copies, in chats and tickets too.'];
  }
}

/** How a finding of this kind is let pass once, when somebody is certain. */
export function bypassOf(kind: SourceKind): string | null {
  return kind === 'staged'
    ? 'If it is certain that a value was never a key, git commit --no-verify commits without this check, on your own account.'
    : null;
}
