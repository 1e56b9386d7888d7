/** What would get into git: keys in its files, files with keys that it does not ignore, commits that nobody looks at. */
import { AllowStage } from '../scan/allow-stage.ts';
import { loadAllowances } from '../scan/allowances.ts';
import { hookStates } from '../scan/hook.ts';
import { checkIgnore, isFine } from '../scan/ignore.ts';
import { nameOf } from '../scan/reports/names.ts';
import { openRepository } from '../scan/repository.ts';
import { Collector, scanThrough } from '../scan/sink.ts';
import { scanWorkTree } from '../scan/work-tree.ts';
import { type Check, outcome, plural, type Point } from './check.ts';

const MOST_SHOWN = 10;

export const keysInCode: Check = {
  id: 'keys-in-code',
  about: 'local',
  title: 'No secret in the files of this repository',
  why: 'Whoever can read the repository has it, and git keeps it after it is deleted.',
  run: async (context) => {
    const repository = await openRepository(context);
    const result = new Collector();
    const { nowMs } = context;
    const allowances = await loadAllowances({ by: 'files' }, context, nowMs);
    await scanThrough(
      (sink) => scanWorkTree(repository, context, sink),
      [(next) => new AllowStage(next, allowances, { nowMs })],
      result,
    );
    const { files, problems } = result;
    // A password that somebody chose is mostly one of a test.
    const findings = result.findings.filter(({ rule }) => rule.guessable !== true);
    const points = findings.slice(0, MOST_SHOWN).map(({ path, line, rule }) => ({
      what: `${nameOf(path)}:${line} holds a ${rule.provider} ${rule.what}.`,
      fix: `Revoke it (${rule.revoke}), then take it out; it stays in the history.`,
    }));
    return outcome(
      `${plural(files, 'file')} as they stand, not their history`,
      [...points, ...more(findings.length, 'sallyport scan --staged finds those that are new')],
      problems.slice(0, MOST_SHOWN).map((what) => ({ what, fix: 'Look into it by itself.' })),
    );
  },
};

export const ignorePatterns: Check = {
  id: 'ignore-patterns',
  about: 'local',
  title: 'Git ignores the files in which keys are kept',
  why: 'One `git add .` is enough to publish a .env file.',
  run: async (context) => {
    const report = await checkIgnore(await openRepository(context), context);
    const fix = 'sallyport gitignore fix';
    const findings: Point[] = [
      ...report.missing.map(({ pattern, example }) => ({
        what: `.gitignore has no ${pattern}: git would take ${nameOf(example)}.`,
        fix,
      })),
      ...report.exposed.map((path) => ({ what: `${nameOf(path)} is not ignored.`, fix })),
      ...report.hidden.map((path) => ({ what: `${path} is ignored, but meant to be shared.`, fix })),
      ...report.tracked.map((path) => ({
        what: `${nameOf(path)} is in git.`,
        fix: 'sallyport gitignore fix --untrack, then replace what is in it: it stays in the history.',
      })),
    ];
    const shown = [...findings.slice(0, MOST_SHOWN), ...more(findings.length, 'sallyport gitignore check')];
    return outcome(isFine(report) ? 'names that there are, and names that there could be' : '', shown);
  },
};

export const hookWorks: Check = {
  id: 'hook',
  about: 'local',
  title: 'Each commit is checked for secrets before it is made',
  why: 'A key that was pushed counts as published, however fast it is taken back.',
  run: async (context) => {
    const places = hookStates(await openRepository(context), 'pre-commit');
    const inForce = places.find(({ problem }) => problem === null);
    if (inForce) return outcome(inForce.path);
    return outcome(
      '',
      places.map(({ path, problem }) => ({
        what: `The hook at ${path} is not in force: ${problem ?? 'not installed'}.`,
        fix: 'sallyport hook install',
      })),
    );
  },
};

/** A point for all that there is no room for. */
function more(count: number, fix: string): Point[] {
  return count > MOST_SHOWN ? [{ what: `There are ${count - MOST_SHOWN} more.`, fix }] : [];
}
