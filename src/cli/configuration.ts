/** `plan`, `apply`, `export` and `schema`: the configuration as a file. What reads it is loaded by these commands only. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Outcome, Stop } from '../configuration/execute.ts';
import type { Plan } from '../configuration/plan.ts';
import type { Read } from '../configuration/problem.ts';
import type { SectionKey } from '../configuration/section.ts';
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { list } from './args.ts';
import { AdminClient, SERVER_OPTIONS, type ServerValues } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { note, printJson } from './output.ts';
import { changeTitle, outcomeJson, planJson, planText, problemLine, stopText } from './plan-text.ts';

const PLAN_OPTIONS = {
  file: {
    type: 'string',
    short: 'f',
    value: 'FILE',
    help: 'the configuration; - reads standard input (needed)',
  },
  prune: {
    type: 'boolean',
    help: 'take out of use what the file does not name, where that can be taken back; never deletes or revokes',
  },
  ...SERVER_OPTIONS,
} as const satisfies OptionSpecs;

const NOTHING_DONE: Outcome = { applied: [], stop: null, left: [] };

type PlanValues = Values<typeof PLAN_OPTIONS>;

export const plan = defineCommand({
  name: 'plan',
  summary: 'Show what apply would change so that the gateway is what a file says.',
  options: {
    ...PLAN_OPTIONS,
    check: { type: 'boolean', help: 'exit with 1 when there is anything to change' },
  },
  examples: ['sallyport plan -f sallyport.yaml', 'sallyport plan -f sallyport.yaml --check --json'],
  notes: ['Nothing is changed. What the file does not name is listed, and left alone.'],
  run: async ({ values, io }) => {
    const { made } = await makePlanOf(values, null, io);
    if (values.json) printJson(io, planJson(made));
    else io.out(planText(made));
    return values.check && made.changes.length > 0 ? EXIT.refused : EXIT.ok;
  },
});

export const apply = defineCommand({
  name: 'apply',
  summary: 'Make the gateway what a file says: teams, keys, presets, limits, budgets, alerts.',
  options: {
    ...PLAN_OPTIONS,
    'dry-run': { type: 'boolean', help: 'only show what would be changed, as plan does' },
    yes: { type: 'boolean', help: 'do not ask; needed where there is no terminal' },
  },
  examples: ['sallyport apply -f sallyport.yaml', 'sallyport export | sallyport apply -f - --dry-run'],
  notes: [
    'What the file does not name is left alone, and listed. Of what it names, a field that is left out has its default, which the plan shows.',
    'Changes are made one by one, each on the configuration that was planned for. When somebody else changes it meanwhile, the rest is refused; running it again plans anew, and does what is left.',
  ],
  run: async ({ values, io }) => {
    const { json, yes, 'dry-run': dryRun } = values;
    const { made, client } = await makePlanOf(values, dryRun ? null : io.env, io);
    if (!json) io.out(planText(made));
    if (dryRun || made.changes.length === 0) {
      if (json) printJson(io, dryRun ? planJson(made) : outcomeJson(made, NOTHING_DONE));
      return EXIT.ok;
    }
    if (!yes && !(await confirmed(json, io))) {
      note(io, 'nothing was changed');
      return EXIT.refused;
    }
    const { execute } = await import('../configuration/execute.ts');
    const outcome = await execute(made, client, (change) => note(io, `applied: ${changeTitle(change)}`));
    if (json) printJson(io, outcomeJson(made, outcome));
    if (outcome.stop) throw stopped(outcome, outcome.stop, io);
    return EXIT.ok;
  },
});

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'Print the configuration as a file that apply takes; values of keys are never in it.',
  options: {
    only: { type: 'string', value: 'A,B', help: 'sections to print, such as teams,budgets (default: all)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport export', 'sallyport export --only teams,budgets --json'],
  notes: ['Where it came from, applying it changes nothing.'],
  run: async ({ values, io }) => {
    const client = AdminClient.open(values, io);
    const { asYaml, exportDocument } = await import('../configuration/export.ts');
    const document = await exportDocument(client, await sectionsOf(values.only));
    if (values.json) printJson(io, document);
    else io.out(asYaml(document));
    return EXIT.ok;
  },
});

export const schema = defineCommand({
  name: 'schema',
  summary: 'Print the JSON Schema of the configuration file, for editors.',
  options: { json: { type: 'boolean', help: 'on one line' } },
  examples: ['sallyport schema'],
  notes: [
    'Save it beside the file, and begin the file with: # yaml-language-server: $schema=sallyport.schema.json',
  ],
  run: async ({ values, io }) => {
    const { documentJsonSchema } = await import('../configuration/json-schema.ts');
    if (values.json) printJson(io, documentJsonSchema());
    else io.out(`${JSON.stringify(documentJsonSchema(), null, 2)}\n`);
    return EXIT.ok;
  },
});

async function makePlanOf(
  values: PlanValues & ServerValues,
  env: Io['env'] | null,
  io: Io,
): Promise<{ readonly made: Plan; readonly client: AdminClient }> {
  const { file } = values;
  if (file === undefined) {
    throw new SallyportError('input.invalid', '-f is missing', { fix: 'name the file: -f sallyport.yaml' });
  }
  const shown = file === '-' ? 'standard input' : file;
  const [{ readDocument }, { makePlan }, { MAX_BYTES }] = await Promise.all([
    import('../configuration/read-document.ts'),
    import('../configuration/plan.ts'),
    import('../configuration/yaml.ts'),
  ]);
  const document = orProblems(readDocument(await readText(file, shown, MAX_BYTES, io)), shown, io);
  const client = AdminClient.open(values, io);
  return {
    made: orProblems(await makePlan(document, client, { prune: values.prune, env }), shown, io),
    client,
  };
}

async function readText(file: string, shown: string, maxBytes: number, io: Io): Promise<string> {
  const tooLarge = (): SallyportError =>
    new SallyportError('input.invalid', `${shown} is larger than ${maxBytes} bytes`, {
      fix: 'a configuration is far smaller; name the right file',
    });
  let bytes: Uint8Array;
  if (file === '-') {
    bytes = await io.readStdin(maxBytes).catch((error: unknown) => {
      throw error instanceof RangeError ? tooLarge() : error;
    });
  } else {
    bytes = readBounded(resolve(io.cwd, file), shown, maxBytes);
    if (bytes.length > maxBytes) throw tooLarge();
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SallyportError('input.invalid', `${shown} is not UTF-8 text`, { fix: 'save it as UTF-8' });
  }
}

/** A file or a pipe, and no more of it than one byte too many. */
function readBounded(path: string, shown: string, maxBytes: number): Uint8Array {
  const bytes = Buffer.alloc(maxBytes + 1);
  let size = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && size < bytes.length; size += read) {
        read = readSync(file, bytes, size, bytes.length - size, null);
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SallyportError(
      'config.invalid',
      missing ? `there is no file ${shown}` : `${shown} cannot be read`,
      {
        fix: 'check its name',
      },
    );
  }
  return bytes.subarray(0, size);
}

/** Each problem on a line that editors understand. */
function orProblems<T>(read: Read<T>, shown: string, io: Io): T {
  if (read.ok) return read.value;
  for (const problem of read.problems) io.err(problemLine(shown, problem));
  const { length } = read.problems;
  throw new SallyportError(
    'input.invalid',
    `${shown} has ${length === 1 ? 'a problem' : `${length} problems`}`,
    {
      fix: 'correct what is listed above; nothing was changed',
    },
  );
}

async function confirmed(json: boolean, io: Io): Promise<boolean> {
  if (json || !io.stdinIsTerminal) {
    throw new SallyportError(
      'input.invalid',
      json ? '--json asks nothing' : 'there is no terminal to ask on',
      { fix: 'look at the plan, then add --yes' },
    );
  }
  return /^y(?:es)?$/i.test((await io.readLine('apply this? [y/N] ')).trim());
}

function stopped(outcome: Outcome, stop: Stop, io: Io): SallyportError {
  io.err(stopText(outcome, stop));
  const { code, message, fix } = stop.error;
  const again = 'run it again: what is done is left out, the rest is planned anew';
  return new SallyportError(code, message, {
    fix: code === 'conflict' || fix === undefined ? again : `${fix} Then ${again}`,
  });
}

async function sectionsOf(only: string | undefined): Promise<ReadonlySet<SectionKey>> {
  const { SECTIONS } = await import('../configuration/sections.ts');
  const known = SECTIONS.map(({ key }) => key);
  if (only === undefined) return new Set(known);
  const chosen = list(only).map((name) => {
    const key = known.find((one) => one === name);
    if (key !== undefined) return key;
    throw new SallyportError('input.invalid', '--only names a section that there is not', {
      fix: suggest(name, known, `the sections are ${known.join(', ')}`),
    });
  });
  return new Set(chosen);
}
