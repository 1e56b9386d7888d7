/** `hook`: the check of each commit. Needs no server. */
import { hookStates, installHook, type Place, uninstallHook } from '../scan/hook.ts';
import { argumentsFromSource } from '../runtime-environment.ts';
import { openRepository } from '../scan/repository.ts';
import { defineCommand, EXIT, type OptionSpecs } from './command.ts';
import type { Io } from './io.ts';
import { note, printFields, printJson, warn } from './output.ts';

const OPTIONS = { json: { type: 'boolean', help: 'print JSON' } } as const satisfies OptionSpecs;
const BYPASS =
  'git commit --no-verify commits without the check: that is up to whoever commits, so let CI scan as well';

export const hookInstall = defineCommand({
  name: 'hook install',
  summary: 'Let git check each commit of this repository for secrets before it is made.',
  options: OPTIONS,
  examples: ['sallyport hook install'],
  notes: [
    'The hook goes where git looks: its own folder, core.hooksPath, the files of husky, or one’s own settings of lefthook. A hook that is there is kept, and runs as well.',
    'Where the files are shared by a team, each machine runs this command once.',
    `${BYPASS[0]?.toUpperCase()}${BYPASS.slice(1)}.`,
  ],
  run: async ({ values, io }) => {
    const repository = await openRepository(io);
    const { places, chained } = installHook(repository, ownProgram());
    if (values.json) printJson(io, { places, chained });
    else {
      printFields(
        io,
        places.map((place) => [place.changed ? 'installed' : 'was installed', describe(place)]),
      );
      if (chained !== null) note(io, `the hook that was there is kept, and runs as well: ${chained}`);
      note(io, BYPASS);
    }
    if (repository.hooksPathScope === 'global' || repository.hooksPathScope === 'system') {
      warn(
        io,
        `core.hooksPath is a ${repository.hooksPathScope} setting: the hook checks every repository that uses ${repository.hooks}`,
      );
    }
    for (const { path, way, changed } of places) {
      if (changed && way === 'shared script')
        note(io, `commit ${path}; each machine then runs sallyport hook install once`);
    }
    return warnOfProblems(hookStates(repository), io);
  },
});

export const hookUninstall = defineCommand({
  name: 'hook uninstall',
  summary: 'Take the hook out again; what was there before comes back as it was.',
  options: OPTIONS,
  examples: ['sallyport hook uninstall'],
  run: async ({ values, io }) => {
    const removed = uninstallHook(await openRepository(io));
    if (values.json) printJson(io, { removed });
    else if (removed.length === 0) note(io, 'there was no hook of Sallyport');
    else
      printFields(
        io,
        removed.map((path) => ['removed from', path]),
      );
    return EXIT.ok;
  },
});

export const hookStatus = defineCommand({
  name: 'hook status',
  summary: 'Say whether the hook is in force: exit 0 if it is, 1 if not.',
  options: OPTIONS,
  examples: ['sallyport hook status'],
  run: async ({ values, io }) => {
    const repository = await openRepository(io);
    const places = hookStates(repository);
    const inForce = places.some(({ problem }) => problem === null);
    if (values.json) printJson(io, { inForce, hooks: repository.hooks, places });
    else {
      printFields(
        io,
        places.map(({ problem, ...place }) => [
          problem === null ? 'in force' : 'not in force',
          `${describe(place)}${problem === null ? '' : `: ${problem}`}`,
        ]),
      );
    }
    return inForce ? EXIT.ok : EXIT.refused;
  },
});

function describe({ path, way, runBy }: Place): string {
  return way === 'script' ? path : `${path} (run by ${runBy})`;
}

function warnOfProblems(places: ReturnType<typeof hookStates>, io: Io): number {
  if (places.some(({ problem }) => problem === null)) return EXIT.ok;
  for (const { path, problem } of places)
    if (problem !== null) warn(io, `${path} is not in force: ${problem}`);
  return EXIT.refused;
}

/** How this program is started, by absolute paths. */
function ownProgram(): string[] {
  return [process.execPath, ...(Bun.isStandaloneExecutable ? [] : argumentsFromSource())];
}
