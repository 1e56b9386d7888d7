/** What to do about findings, in order: what is said depends on where they were found, and on whose they are. */
import type { Finding } from './finding.ts';
import type { KeyOwner } from './owner.ts';

/** Where a scan looked. */
export type SourceKind = 'staged' | 'stdin' | 'paths' | 'history' | 'range' | 'bundle' | 'images';

export interface Step {
  /** One word: "Revoke". */
  readonly name: string;
  readonly lines: readonly string[];
}

/** The steps in their order, for all of the findings together; each provider and each key is named once. */
export function stepsFor(kind: SourceKind, findings: readonly Finding[]): Step[] {
  return [
    { name: 'Revoke', lines: unique(findings.flatMap(revocations)) },
    { name: 'Rotate', lines: rotations(findings) },
    { name: 'Remove', lines: removal(kind) },
    ...(inHistory(kind, findings) ? [{ name: 'Purge', lines: PURGE }] : []),
  ];
}

/** Only there a value has been committed: what is staged was not yet, and of a file nobody has looked. */
function inHistory(kind: SourceKind, findings: readonly Finding[]): boolean {
  return kind === 'history' || kind === 'range' || findings.some(({ commit }) => commit !== undefined);
}

/** Where it is revoked, and what our own names and commands add to that. */
function revocations({ rule, verified, owners = [] }: Finding): string[] {
  const dead = verified?.state === 'dead' ? ' (the provider says that it is dead)' : '';
  const where = `${rule.provider} ${rule.what}: ${rule.revoke}${dead}`;
  const ours = owners.flatMap((owner) => {
    if (owner.kind === 'key') {
      const { name, version, label, state } = owner;
      const first = state === 'active' ? '; calls are made with it, so do step 2 first, or they fail' : '';
      return [`${name} version ${version} is called ${label} there${first}`];
    }
    if (owner.details === null) return [];
    return [
      owner.details.state === 'revoked'
        ? `the token ${owner.id} is revoked; whoever used it needs another: sallyport token issue`
        : `sallyport token revoke ${owner.id}`,
    ];
  });
  const isOurs = owners.some((owner) => owner.kind === 'token' && owner.details !== null);
  return isOurs ? ours : [where, ...ours];
}

function rotations(findings: readonly Finding[]): string[] {
  const keys = findings.flatMap(({ owners = [] }) =>
    owners.filter((owner): owner is KeyOwner => owner.kind === 'key' && owner.state === 'active'),
  );
  if (keys.length === 0) {
    return [
      'put the new key where it is kept (sallyport key add NAME --replace), never into a file under git.',
    ];
  }
  return unique(
    keys.flatMap(({ name }) => [
      `make a new key there, then: sallyport key add ${name} --replace   (it asks for the key; running calls end with the old one)`,
      `check it: sallyport key verify ${name}   To stop all its calls until then: sallyport key disable ${name}`,
    ]),
  );
}

const PURGE = [
  'the value is in the history, where everybody who has a clone finds it. Revoking is what helps; this is for afterwards:',
  'put each value on a line of a file outside the repository (../leaked.txt), then in a fresh clone: git filter-repo --replace-text ../leaked.txt',
  'git filter-repo takes the remote out, so: git remote add origin URL, then git push --force --all and git push --force --tags',
  'everybody else has to clone again: who pulls into an old clone brings the value back with the next push. Forks, open pull requests and',
  "caches of CI keep it; the host's support can drop what it still shows. All of it: docs/guide/leak-response.md",
];

function removal(kind: SourceKind): string[] {
  switch (kind) {
    case 'staged':
      return ['take it out of the files above, then git add them again. Nothing was committed.'];
    case 'paths':
      return [
        'take it out of the files above (sallyport scan fix puts an access token in its place).',
        'Where they are in git, it stays in the history: sallyport scan --history says so, and what to do then.',
      ];
    case 'history':
    case 'range':
      return ['take it out of the files that still have it, and commit that.'];
    case 'stdin':
      return ['delete what the text comes from, and its copies; keep the next ones clean with a redactor.'];
    case 'bundle':
      return [
        'keep it on the server: your own server makes the call, through the gateway with an access token.',
        'Then build again without it, publish that, and purge the caches in between.',
      ];
    case 'images':
      return ['delete the images and their copies, in chats and tickets too.'];
  }
}

/** What somebody can do who is certain that a value is no secret. */
export function bypassesOf(kind: SourceKind): string[] {
  const allow =
    'If it is certain that a value was never a key: sallyport scan allow FINGERPRINT --rule RULE --reason TEXT';
  return kind === 'staged'
    ? [`${allow}, or git commit --no-verify, which commits without this check, on your own account.`]
    : [`${allow}.`];
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)];
}
