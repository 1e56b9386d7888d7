/** `connect`: the configuration of a client for this gateway. What is printed never holds a token. */
import { SallyportError } from '../core/errors.ts';
import { type Client, CLIENTS, type Recipe } from '../setup/clients.ts';
import { chooseProvider, findClient, recipeFor } from '../setup/connect.ts';
import { openEnvFile } from '../setup/env-file.ts';
import type { GatewayAddress } from '../setup/gateway-address.ts';
import { SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import { GATEWAY_OPTION, whereTo } from './gateway-of.ts';
import type { Io } from './io.ts';
import { note, printJson, printTable } from './output.ts';
import { isAccessToken, readAccessToken } from './token-input.ts';

const OPTIONS = {
  provider: {
    type: 'string',
    value: 'ID',
    help: 'whose models (default: the only one with a key in the gateway)',
  },
  model: { type: 'string', value: 'MODEL', help: 'model in what is printed' },
  gateway: GATEWAY_OPTION,
  write: { type: 'boolean', help: 'put address and token into a .env file that git ignores, mode 0600' },
  file: {
    type: 'string',
    value: 'FILE',
    help: 'with --write: this file (default .env.local; .env for aider)',
  },
  replace: { type: 'boolean', help: 'with --write: also where a variable has another value' },
  ...SERVER_OPTIONS,
} as const satisfies OptionSpecs;

type ConnectValues = Values<typeof OPTIONS>;

export const connect = defineCommand({
  name: 'connect',
  summary: 'Print, or write, what a client needs to call through this gateway.',
  args: ['[CLIENT]'],
  options: OPTIONS,
  examples: [
    'sallyport connect groq-sdk',
    'sallyport connect env --provider openai',
    'sallyport token issue --team chat --env dev --preset dev | sallyport connect ai-sdk --write',
    'sallyport connect python --gateway https://llm.example.com --provider groq',
  ],
  notes: [
    `Clients: ${CLIENTS.map(({ id }) => id).join(', ')}.`,
    'What stands on standard output is a program or a configuration; what is said about it goes to standard error. It holds no token.',
    'With --write the token is read from standard input, or asked for without echo.',
  ],
  run: async ({ values, args: [id], io }) => {
    if (id === undefined) {
      list(values.json, io);
      return EXIT.ok;
    }
    const client = findClient(id);
    checkOptions(client, values);
    const { gateway, withKey } = await whereTo(values, io);
    const provider = chooseProvider(client, values.provider, withKey);
    const recipe = recipeFor(client, provider, gateway, values.model);
    const file = values.write ? await write(recipe, values, io) : null;
    if (values.json) printJson(io, { client: client.id, provider: provider.id, ...shape(recipe), file });
    else show(recipe, gateway, file, client, io);
    return EXIT.ok;
  },
});

function list(json: boolean, io: Io): void {
  const rows = CLIENTS.map(({ id, name }) => [id, name]);
  if (json)
    printJson(
      io,
      CLIENTS.map(({ id, name }) => ({ id, name })),
    );
  else printTable(io, ['client', 'what it is'], rows, 'there is no client');
}

function checkOptions({ id, name, remote }: Client, { write: writing, file, replace }: ConnectValues): void {
  if (!writing && (file !== undefined || replace)) {
    throw new SallyportError('input.invalid', '--file and --replace are for --write', {
      fix: `try: sallyport connect ${id} --write`,
    });
  }
  if (writing && remote) {
    throw new SallyportError(
      'input.invalid',
      `${name} keeps its settings itself; there is no file to write`,
      {
        fix: 'leave --write out, and type in what is printed',
      },
    );
  }
}

/** Resolves with the file's path. */
async function write(recipe: Recipe, values: ConnectValues, io: Io): Promise<string> {
  const file = await openEnvFile(values.file ?? recipe.file, { cwd: io.cwd, env: io.env });
  const mayReplace = (value: string): boolean => values.replace || isAccessToken(value);
  file.check(Object.fromEntries(recipe.variables), mayReplace);
  const token = await readAccessToken(
    io,
    'pipe one in: sallyport token issue ... | sallyport connect ... --write',
  );
  file.write(Object.fromEntries(recipe.variables.map(([name, value]) => [name, value ?? token])), mayReplace);
  if (!file.inRepository) note(io, `${file.path} is in no git repository; keep it out of any`);
  return file.path;
}

function shape({ install, text, variables, notes }: Recipe): object {
  return { install, text, variables: Object.fromEntries(variables), notes };
}

function show(
  recipe: Recipe,
  { origin, loopback }: GatewayAddress,
  file: string | null,
  client: Client,
  io: Io,
): void {
  if (recipe.install !== null) note(io, `first: ${recipe.install}`);
  if (file !== null) {
    const names = recipe.variables.map(([name]) => name).join(', ');
    note(io, `${names} ${recipe.variables.length === 1 ? 'is' : 'are'} in ${file}, which only you can read`);
  } else if (recipe.variables.length > 0) {
    note(io, `the token goes into a file that git ignores: sallyport connect ${client.id} --write`);
  }
  for (const text of recipe.notes) note(io, text);
  if (loopback) note(io, `${origin} is reached from this machine only; from others name it with --gateway`);
  // A configuration that is in a file by now is not printed again.
  if (file === null || recipe.install !== null) io.out(recipe.text);
}
