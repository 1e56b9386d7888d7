/** `scan --history` on real repositories: everything that is in one is looked at, and a finding says where it belongs. */
import { expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sample } from '../../src/detect/samples.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const key = (seed: number): string => `gsk_${sample('alnum', 52, seed)}`;

interface Line {
  readonly event: 'finding' | 'summary';
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly commit?: string;
  readonly rule: string;
  readonly complete: boolean;
  readonly findings: number;
  readonly problems?: readonly string[];
}

async function history(
  lab: GitLab,
  ...more: readonly string[]
): Promise<{ code: number; found: Line[]; summary: Line; all: string }> {
  const { code, out, err } = await lab.cli('scan', '--history', '--json', ...more);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const summary = lines.at(-1);
  if (summary?.event !== 'summary') throw new Error(`no summary: ${out}${err}`);
  return { code, found: lines.slice(0, -1), summary, all: out + err };
}

function commit(lab: GitLab, path: string, content: string, message = 'change'): string {
  lab.write(path, content);
  lab.git('add', '-A');
  lab.git('commit', '-qm', message);
  return lab.git('rev-parse', 'HEAD').trim();
}

function openRepository(): GitLab {
  const lab = openGitLab();
  commit(lab, 'README.md', 'nothing\n', 'first');
  return lab;
}

test('a clean history is clean, and says how much was looked at', async () => {
  using lab = openRepository();
  const { code, found, summary } = await history(lab);
  expect(code).toBe(0);
  expect(found).toEqual([]);
  expect(summary).toMatchObject({ complete: true, findings: 0, files: 3 });
});

interface Hideout {
  readonly what: string;
  /** Hides the value, and says where it is to be found: a path, and whether with a commit. */
  readonly hide: (lab: GitLab, value: string) => { readonly path: string; readonly commit?: string | null };
}

const HIDEOUTS: readonly Hideout[] = [
  {
    what: 'a commit, taken out in the next one',
    hide: (lab, value) => {
      const first = commit(lab, 'src/app.ts', `a\nb\nconst k = '${value}';\n`);
      commit(lab, 'src/app.ts', 'a\nb\n');
      return { path: 'src/app.ts', commit: first };
    },
  },
  {
    what: 'nothing but a merge',
    hide: (lab, value) => {
      lab.git('switch', '-qc', 'side');
      commit(lab, 'side.txt', 'side\n');
      lab.git('switch', '-q', 'main');
      commit(lab, 'main.txt', 'main\n');
      lab.git('merge', '-q', '--no-ff', '--no-commit', 'side');
      return { path: 'only-in-merge.txt', commit: commit(lab, 'only-in-merge.txt', `${value}\n`, 'merge') };
    },
  },
  {
    what: 'a branch that was deleted, and its logs too',
    hide: (lab, value) => {
      lab.git('switch', '-qc', 'gone');
      const lost = commit(lab, 'lost.txt', `${value}\n`);
      lab.git('switch', '-q', 'main');
      lab.git('branch', '-qD', 'gone');
      lab.git('reflog', 'expire', '--expire=now', '--all');
      return { path: 'lost.txt', commit: lost };
    },
  },
  {
    what: 'a blob that nothing leads to',
    hide: (lab, value) => {
      lab.write('dangling', `${value}\n`);
      const id = lab.git('hash-object', '-w', 'dangling').trim();
      rmSync(join(lab.root, 'dangling'));
      return { path: `(dangling blob ${id.slice(0, 12)})`, commit: null };
    },
  },
  {
    what: 'a stash',
    hide: (lab, value) => {
      lab.write('README.md', `nothing\n${value}\n`);
      lab.git('stash', '-q');
      return { path: 'README.md', commit: lab.git('rev-parse', 'stash@{0}').trim() };
    },
  },
  {
    what: 'a file that git did not know, in a stash that was dropped',
    hide: (lab, value) => {
      lab.write('unknown.txt', `${value}\n`);
      lab.git('stash', '-qu');
      const untracked = lab.git('rev-parse', 'stash@{0}^3').trim();
      lab.git('stash', 'drop', '-q');
      return { path: 'unknown.txt', commit: untracked };
    },
  },
  {
    what: 'the index alone',
    hide: (lab, value) => {
      lab.write('staged.txt', `${value}\n`);
      lab.git('add', 'staged.txt');
      lab.write('staged.txt', 'nothing\n');
      return { path: 'staged.txt', commit: null };
    },
  },
  {
    what: 'a commit that only a log of a ref still knows',
    hide: (lab, value) => {
      const amended = commit(lab, 'amended.txt', `${value}\n`);
      lab.git('reset', '-q', '--hard', 'HEAD^');
      return { path: 'amended.txt', commit: amended };
    },
  },
  {
    what: "a commit's message",
    hide: (lab, value) => {
      const id = commit(lab, 'x.txt', 'x\n', `change\n\nwith ${value} in it`);
      return { path: `(commit ${id.slice(0, 12)})`, commit: id };
    },
  },
  {
    what: "an author's name",
    hide: (lab, value) => {
      lab.write('y.txt', 'y\n');
      lab.git('add', '-A');
      lab.git('commit', '-qm', 'change', '--author', `${value} <a@example.com>`);
      const id = lab.git('rev-parse', 'HEAD').trim();
      return { path: `(commit ${id.slice(0, 12)})`, commit: id };
    },
  },
  {
    what: "a tag's message",
    hide: (lab, value) => {
      lab.git('tag', '-a', 'v1', '-m', `release ${value}`);
      return { path: `(tag ${lab.git('rev-parse', 'v1').slice(0, 12)})`, commit: null };
    },
  },
  {
    what: 'a note',
    hide: (lab, value) => {
      lab.git('notes', 'add', '-m', `see ${value}`);
      return {
        path: lab.git('rev-parse', 'HEAD').trim(),
        commit: lab.git('rev-parse', 'refs/notes/commits').trim(),
      };
    },
  },
  {
    what: 'the name of a branch',
    hide: (lab, value) => {
      lab.git('branch', `try/${value}`);
      return { path: 'refs/heads/try/[redacted]', commit: null };
    },
  },
  {
    what: 'the name of a file',
    hide: (lab, value) => ({ path: 'deep/[redacted]', commit: commit(lab, `deep/${value}`, 'x\n') }),
  },
  {
    what: 'what another object replaces',
    hide: (lab, value) => {
      const first = commit(lab, 'replaced.txt', `${value}\n`);
      const old = lab.git('rev-parse', 'HEAD:replaced.txt').trim();
      lab.write('other', 'harmless\n');
      const other = lab.git('hash-object', '-w', 'other').trim();
      rmSync(join(lab.root, 'other'));
      lab.git('replace', old, other);
      return { path: 'replaced.txt', commit: first };
    },
  },
  {
    what: 'an archive',
    hide: (lab, value) => {
      lab.write('backup.gz', gzipSync(`TOKEN=${value}\n`));
      lab.git('add', '-A');
      lab.git('commit', '-qm', 'backup');
      return { path: 'backup.gz!backup', commit: lab.git('rev-parse', 'HEAD').trim() };
    },
  },
  {
    what: 'an output of a notebook, cut over two strings',
    hide: (lab, value) => {
      const text = [`key ${value.slice(0, 30)}`, value.slice(30)];
      const cell = { cell_type: 'code', source: [], outputs: [{ output_type: 'stream', text }] };
      return {
        path: 'n.ipynb',
        commit: commit(lab, 'n.ipynb', JSON.stringify({ cells: [cell], nbformat: 4 }, null, 1)),
      };
    },
  },
];

for (const packed of [false, true]) {
  const where = packed ? 'in a pack' : 'in files of its own';
  for (const [seed, { what, hide }] of HIDEOUTS.entries()) {
    test(`a secret in ${what} is found, ${where}`, async () => {
      using lab = openRepository();
      const value = key(seed + 1);
      const { path, commit: id } = hide(lab, value);
      if (packed) {
        lab.git('repack', '-adkfq');
        lab.git('prune-packed');
        lab.git('pack-refs', '--all');
      }
      const { code, found, summary, all } = await history(lab);
      expect(found.map((finding) => [finding.path, finding.rule])).toContainEqual([path, 'groq-api-key']);
      const finding = found.find((one) => one.path === path);
      expect(finding?.commit ?? null).toBe(id ?? null);
      expect(code).toBe(1);
      expect(summary.complete).toBe(true);
      expect(all).not.toContain(value);
    });
  }
}
