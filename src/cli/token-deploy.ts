/** `token deploy`: an access token to where an application reads it, without anybody seeing it on the way. */
import { SallyportError } from '../core/errors.ts';
import { openEnvFile } from '../setup/env-file.ts';
import {
  checkVariable,
  type DeployInput,
  type Deployment,
  DOTENV,
  findPlatform,
  planDeployment,
  type Platform,
  PLATFORMS,
} from '../setup/platforms.ts';
import { openRunner } from '../setup/run-deployment.ts';
import { shellLine, shellPipeline } from '../setup/shell.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import { GATEWAY_OPTION, whereTo } from './gateway-of.ts';
import type { Io } from './io.ts';
import { plain } from '../core/plain.ts';
import { note, printError, printJson } from './output.ts';
import { describeIssued, type Issued, issueBody, TOKEN_OPTIONS } from './token-issue.ts';
import { isAccessToken, readAccessToken } from './token-input.ts';

const OPTIONS = {
  to: { type: 'string', value: 'WHERE', help: `${PLATFORMS.map(({ id }) => id).join(', ')} or ${DOTENV}` },
  print: { type: 'boolean', help: 'show the commands and do nothing (the default but for dotenv)' },
  run: { type: 'boolean', help: "run the platform's own program with the token on its standard input" },
  var: { type: 'string', value: 'NAME', help: 'what the application calls it (default SALLYPORT_TOKEN)' },
  secret: { type: 'string', value: 'NAME', help: 'aws, gcp, k8s: the secret (default TEAM-ENV-sallyport)' },
  target: { type: 'string', value: 'ENV', help: 'vercel, github: the environment there' },
  service: { type: 'string', value: 'NAME', help: 'aws (CLUSTER/SERVICE), gcp, k8s: what to restart' },
  namespace: { type: 'string', value: 'NS', help: 'k8s: where the secret is' },
  create: { type: 'boolean', help: 'aws, gcp: there is no such secret yet' },
  replace: { type: 'boolean', help: 'vercel, dotenv: a value that is there may go' },
  file: { type: 'string', value: 'FILE', help: 'dotenv: which one (default .env.local)' },
  gateway: GATEWAY_OPTION,
} as const satisfies OptionSpecs;

const ALL_OPTIONS = { ...OPTIONS, ...TOKEN_OPTIONS, ...SERVER_OPTIONS } as const satisfies OptionSpecs;
type DeployValues = Values<typeof ALL_OPTIONS>;

export const tokenDeploy = defineCommand({
  name: 'token deploy',
  summary: 'Put a token where an application reads it: a platform, or a .env file.',
  options: ALL_OPTIONS,
  examples: [
    'sallyport token deploy --to vercel --team chat --env prod --preset backend-chat --print',
    'sallyport token deploy --to k8s --run --team chat --env prod --preset backend-chat --namespace chat --service web',
    'sallyport token deploy --to dotenv --team chat --env dev --preset dev',
    'sallyport token issue --team chat --env prod --preset prod | sallyport token deploy --to github --run',
  ],
  notes: [
    'With --team a token is issued, with the options of token issue, and ended again if it does not get there. Without, it is read from standard input.',
    'The token is in no argument, in no output and in no file but the .env one, which git has to ignore.',
  ],
  run: async ({ values, io }) => {
    checkOptions(values);
    if (values.to === DOTENV) return values.print ? printDotenv(values, io) : toDotenv(values, io);
    const platform = findPlatform(values.to ?? '');
    const deployment = planDeployment(platform, inputOf(values));
    return values.run ? runIt(platform, deployment, values, io) : printIt(platform, deployment, values, io);
  },
});

function checkOptions(values: DeployValues): void {
  const { to, print, run, file, type, team } = values;
  const acts = run || (to === DOTENV && !print);
  const mistakes: readonly (readonly [boolean, string, string])[] = [
    [to === undefined, '--to is needed', 'see: sallyport token deploy --help'],
    [print && run, '--print and --run exclude each other', 'leave one of them out'],
    [to === DOTENV && run, '--run is for platforms; a .env file is written without it', 'leave it out'],
    [to !== DOTENV && file !== undefined, '--file is for --to dotenv', 'leave it out'],
    [type === 'admin', 'an admin token makes no calls', 'leave --type out'],
    [acts && team === undefined && asksForToken(values), 'a token is issued for a team', 'add --team'],
  ];
  const found = mistakes.find(([is]) => is);
  if (found) throw new SallyportError('input.invalid', found[1], { fix: found[2] });
}

/** What a token should be like is said; `--env` alone may be about the platform. */
function asksForToken(values: DeployValues): boolean {
  return TOKEN_NAMES.some((name) => {
    const value = values[name];
    return (
      name !== 'env' &&
      value !== undefined &&
      value !== false &&
      !(Array.isArray(value) && value.length === 0)
    );
  });
}

const TOKEN_NAMES = Object.keys(TOKEN_OPTIONS) as (keyof typeof TOKEN_OPTIONS)[];

function inputOf(values: DeployValues): DeployInput {
  const { team, env } = values;
  return {
    variable: variableOf(values),
    secret:
      values.secret ?? (team !== undefined && env !== undefined ? `${team}-${env}-sallyport` : undefined),
    target: values.target,
    environment: env,
    service: values.service,
    namespace: values.namespace,
    create: values.create,
    replace: values.replace,
  };
}

function variableOf(values: DeployValues): string {
  return checkVariable(values.var ?? 'SALLYPORT_TOKEN');
}

function printIt(
  platform: Platform,
  { pipeline, restart, notes }: Deployment,
  values: DeployValues,
  io: Io,
): number {
  // What issues prints a line break, which would be part of the value on most platforms.
  const command = `${issueLine(values)} | tr -d '\\n' | ${shellPipeline(pipeline)}`;
  if (values.json) {
    printJson(io, { platform: platform.id, command, restart, notes });
    return EXIT.ok;
  }
  io.out(`${command}\n`);
  note(io, `then it takes effect by: ${restart}`);
  sayRest(notes, io);
  return EXIT.ok;
}

function printDotenv(values: DeployValues, io: Io): number {
  const file = values.file ?? '.env.local';
  const line = shellLine(['sallyport', 'token', 'deploy', '--to', DOTENV, '--file', file]);
  const command = `${issueLine(values)} | ${line}`;
  if (values.json) printJson(io, { platform: DOTENV, command, restart: DOTENV_RESTART, notes: [] });
  else {
    io.out(`${command}\n`);
    note(io, `git must ignore ${file}; then it takes effect when what reads it is started again`);
  }
  return EXIT.ok;
}

const DOTENV_RESTART = 'start again what reads the file';

function sayRest(notes: readonly string[], io: Io): void {
  for (const text of notes) note(io, text);
  note(io, 'the application needs SALLYPORT_URL too, which is no secret: where it reaches the gateway');
  note(io, 'when it uses the new token, end the old one: sallyport token revoke ID');
}

/** The command that makes the token, as it would be typed. */
function issueLine(values: DeployValues): string {
  const words = ['sallyport', 'token', 'issue'];
  for (const name of [...TOKEN_NAMES, 'data', 'url', 'admin-token-file'] as const) {
    const value = values[name];
    if (value === true) words.push(`--${name}`);
    else if (typeof value === 'string') words.push(`--${name}`, value);
    else if (Array.isArray(value)) for (const one of value) words.push(`--${name}`, one);
  }
  if (values.team === undefined) words.push('--team', 'TEAM', '--env', 'ENV', '--preset', 'PRESET');
  return shellLine(words);
}

async function runIt(
  platform: Platform,
  deployment: Deployment,
  values: DeployValues,
  io: Io,
): Promise<number> {
  const runner = openRunner(deployment, io.env, io.cwd);
  const source = await tokenOf(values, io);
  const { code, said } = await runner.run(source.token);
  if (said !== '') io.err(`${said.split('\n').map(plain).join('\n')}\n`);
  if (code !== 0) {
    printError(io, {
      message: `${platform.name} did not take it: its program ended with exit code ${code}`,
      fix: await source.end('its deployment failed'),
    });
    return EXIT.unavailable;
  }
  const { restart, notes } = deployment;
  if (values.json) printJson(io, { platform: platform.id, token: source.issued?.id ?? null, restart });
  else note(io, `it is there; it takes effect by: ${restart}`);
  if (!values.json) sayRest(notes, io);
  return EXIT.ok;
}

async function toDotenv(values: DeployValues, io: Io): Promise<number> {
  const variable = variableOf(values);
  const file = await openEnvFile(values.file ?? '.env.local', { cwd: io.cwd, env: io.env });
  const { gateway } = await whereTo(values, io);
  const mayReplace = (value: string): boolean => values.replace || isAccessToken(value);
  file.check({ SALLYPORT_URL: gateway.origin, [variable]: null }, mayReplace);
  const source = await tokenOf(values, io);
  try {
    file.write({ SALLYPORT_URL: gateway.origin, [variable]: source.token }, mayReplace);
  } catch (error) {
    note(io, await source.end('its file could not be written'));
    throw error;
  }
  if (values.json)
    printJson(io, {
      platform: DOTENV,
      file: file.path,
      token: source.issued?.id ?? null,
      restart: DOTENV_RESTART,
    });
  else
    note(io, `SALLYPORT_URL and ${variable} are in ${file.path}, which only you can read; ${DOTENV_RESTART}`);
  if (!file.inRepository) note(io, `${file.path} is in no git repository; keep it out of any`);
  return EXIT.ok;
}

interface Source {
  readonly token: string;
  readonly issued: Issued | null;
  /** For a token that did not get where it should: says what became of it. Never rejects. */
  readonly end: (reason: string) => Promise<string>;
}

async function tokenOf(values: DeployValues, io: Io): Promise<Source> {
  if (values.team === undefined) {
    const token = await readAccessToken(io, 'pipe one in, or name --team and --env to issue one');
    return { token, issued: null, end: () => Promise.resolve('the token is as good as before; try again') };
  }
  const client = AdminClient.open(values, io);
  const issued = await client.call('token.issue', { body: issueBody(values) });
  describeIssued(io, issued);
  const { id, token } = issued;
  const end = async (reason: string): Promise<string> => {
    try {
      await client.call('token.revoke', { params: { token: id }, body: { reason } });
      return `the token ${id} has been revoked; try again`;
    } catch {
      return `the token ${id} is still valid and nobody has it; end it: sallyport token revoke ${id}`;
    }
  };
  return { token, issued, end };
}
