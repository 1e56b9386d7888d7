/** `hook`: the check of each commit, and of each push. Needs no server. */
import {
  hookStates,
  installHook,
  isInstalled,
  type Place,
  type PlaceState,
  uninstallHooks,
} from '../scan/hook.ts';
import type { HookName } from '../scan/hook-script.ts';
import { argumentsFromSource } from '../runtime-environment.ts';
import { openRepository } from '../scan/repository.ts';
import { defineCommand, EXIT, type OptionSpecs } from './command.ts';
import type { Io } from './io.ts';
import { note, printFields, printJson, warn } from './output.ts';

const OPTIONS = { json: { type: 'boolean', help: 'print JSON' } } as const satisfies OptionSpecs;
const BYPASS =
  'git commit --no-verify commits without the check: that is up to whoever commits, so let CI scan as well';
const PUSHES = 'pushes are not checked; sallyport hook install --pre-push does that too';

export const hookInstall = defineCommand({
  name: 'hook install',
  summary: 'Let git check each commit of this repository for secrets before it is made.',
  options: {
    'pre-push': {
      type: 'boolean',
      help: 'check each push as well: what the other side does not have yet, also of commits that were made without the hook',
    },
    ...OPTIONS,
  },
  examples: ['sallyport hook install', 'sallyport hook install --pre-push'],
  notes: [
    'The hook goes where git looks: its own folder, core.hooksPath, the files of husky, or one’s own settings of lefthook. A hook that is there is kept, and runs as well.',
    'Where the files are shared by a team, each machine runs this command once.',
    `${BYPASS[0]?.toUpperCase()}${BYPASS.slice(1)}.`,
  ],
  run: async ({ values, io }) => {
    const repository = await openRepository(io);
    const names: HookName[] = values['pre-push'] ? ['pre-commit', 'pre-push'] : ['pre-commit'];
    const installed = names.map((name) => ({ name, ...installHook(repository, ownProgram(), name) }));
    const places = installed.flatMap((one) => one.places);
    const chained = installed.flatMap((one) => one.chained ?? []);
    if (values.json) {
      const [commit, push] = installed;
      printJson(io, {
        places: commit?.places,
        chained: commit?.chained,
        ...(push ? { prePush: { places: push.places, chained: push.chained } } : {}),
      });
    } else {
      printFields(
        io,
        places.map((place) => [place.changed ? 'installed' : 'was installed', describe(place)]),
      );
      for (const path of chained) note(io, `the hook that was there is kept, and runs as well: ${path}`);
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
    return Math.max(...names.map((name) => warnOfProblems(hookStates(repository, name), io)));
  },
});

export const hookUninstall = defineCommand({
  name: 'hook uninstall',
  summary: 'Take the hook out again; what was there before comes back as it was.',
  options: OPTIONS,
  examples: ['sallyport hook uninstall'],
  run: async ({ values, io }) => {
    const removed = uninstallHooks(await openRepository(io));
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
    const places = hookStates(repository, 'pre-commit');
    const pushes = isInstalled(repository, 'pre-push') ? hookStates(repository, 'pre-push') : null;
    const inForce = isInForce(places) && (pushes === null || isInForce(pushes));
    if (values.json) {
      printJson(io, {
        inForce,
        hooks: repository.hooks,
        places,
        ...(pushes ? { prePush: { inForce: isInForce(pushes), places: pushes } } : {}),
      });
    } else {
      printFields(
        io,
        [...places, ...(pushes ?? [])].map(({ problem, ...place }) => [
          problem === null ? 'in force' : 'not in force',
          `${describe(place)}${problem === null ? '' : `: ${problem}`}`,
        ]),
      );
      if (pushes === null) note(io, PUSHES);
    }
    return inForce ? EXIT.ok : EXIT.refused;
  },
});

function isInForce(places: readonly PlaceState[]): boolean {
  return places.some(({ problem }) => problem === null);
}

function describe({ path, way, runBy }: Place): string {
  return way === 'script' ? path : `${path} (run by ${runBy})`;
}

function warnOfProblems(places: readonly PlaceState[], io: Io): number {
  if (isInForce(places)) return EXIT.ok;
  for (const { path, problem } of places)
    if (problem !== null) warn(io, `${path} is not in force: ${problem}`);
  return EXIT.refused;
}

/** How this program is started, by absolute paths. */
function ownProgram(): string[] {
  return [process.execPath, ...(Bun.isStandaloneExecutable ? [] : argumentsFromSource())];
}
