/** `gitignore`: whether git leaves the files alone that keys are kept in. Needs no server. */
import { checkIgnore, fixIgnore, type IgnoreReport, isFine, untrack } from '../scan/ignore.ts';
import { shellQuote } from '../scan/hook-script.ts';
import { openRepository } from '../scan/repository.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { plain } from '../core/plain.ts';
import { note, printFields, printJson, warn } from './output.ts';

const JSON_OPTION = { type: 'boolean', help: 'print JSON' } as const;
const HISTORY = 'they stay in the history of the repository: revoke and replace what is in them';

export const gitignoreCheck = defineCommand({
  name: 'gitignore check',
  summary: 'Say which files with keys git would take: exit 0 if none, 1 if any.',
  options: { json: JSON_OPTION },
  examples: ['sallyport gitignore check'],
  notes: [
    'Git itself is asked, about names that there are and names that there could be. Rules of this machine only (global excludes, .git/info/exclude) do not count.',
    'A line of .gitignore that begins with ! is taken for a decision, and its files are not reported.',
  ],
  run: async ({ values, io }) => {
    const report = await checkIgnore(await openRepository(io), io);
    if (values.json) printJson(io, { ok: isFine(report), ...report });
    else printReport(report, io);
    return isFine(report) ? EXIT.ok : EXIT.refused;
  },
});

export const gitignoreFix = defineCommand({
  name: 'gitignore fix',
  summary: 'Add the patterns that are missing to .gitignore.',
  options: {
    untrack: {
      type: 'boolean',
      help: 'also take files with keys out of git (git rm --cached); they stay on the disk',
    },
    json: JSON_OPTION,
  },
  examples: ['sallyport gitignore fix', 'sallyport gitignore fix --untrack'],
  run: async ({ values, io }) => {
    const repository = await openRepository(io);
    const added = await fixIgnore(repository, io);
    const { tracked } = await checkIgnore(repository, io);
    const untracked =
      tracked.length > 0 && (values.untrack || (!values.json && (await asked(tracked, io)))) ? tracked : [];
    if (untracked.length > 0) await untrack(untracked, repository, io);
    const report = await checkIgnore(repository, io);
    if (values.json) printJson(io, { ok: isFine(report), added, untracked, ...report });
    else {
      printFields(
        io,
        added.map((pattern) => ['added', pattern]),
      );
      for (const path of untracked) note(io, `no longer in git: ${path}`);
      if (untracked.length > 0) warn(io, HISTORY);
      printReport(report, io);
    }
    return isFine(report) ? EXIT.ok : EXIT.refused;
  },
});

function printReport(report: IgnoreReport, io: Io): void {
  const { missing, hidden, exposed, tracked, allowed } = report;
  printFields(io, [
    ...missing.map(({ pattern, why, example }): [string, string] => [
      'missing',
      `${pattern}  (${why}: git would take ${example})`,
    ]),
    ...hidden.map((path): [string, string] => ['hidden', `${path} is ignored, but meant to be shared`]),
    ...exposed.map((path): [string, string] => ['not ignored', path]),
    ...tracked.map((path): [string, string] => ['in git', path]),
    ...allowed.map((path): [string, string] => ['allowed', `${path} (by a line with ! in .gitignore)`]),
  ]);
  if (missing.length + hidden.length > 0) note(io, 'to add what is missing: sallyport gitignore fix');
  if (tracked.length > 0) {
    io.err(
      `sallyport: to take them out of git: ${plain(`git rm --cached -- ${tracked.map(shellQuote).join(' ')}`)}\n`,
    );
    warn(io, HISTORY);
  }
  if (isFine(report)) io.out('git leaves every such file alone\n');
}

async function asked(tracked: readonly string[], io: Io): Promise<boolean> {
  if (!io.stdinIsTerminal) return false;
  for (const path of tracked) note(io, `in git: ${path}`);
  const answer = await io.readLine('Take these files out of git? They stay on the disk. [y/N] ');
  return /^y(?:es)?$/i.test(answer.trim());
}
