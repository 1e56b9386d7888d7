/** What `scan fix` does, in order: look, plan, show, ask, and only then make a token, put it into its file, and mend the others one by one. */
import { relative } from 'node:path';
import { DEFAULT_LIFETIME_MS } from '../admin/contract.ts';
import { describe, SallyportError } from '../core/errors.ts';
import { AllowStage } from '../scan/allow-stage.ts';
import { loadAllowances, topOf } from '../scan/allowances.ts';
import type { Finding } from '../scan/finding.ts';
import { diffOf } from '../scan/fix/diff.ts';
import { listFiles, readForFix, type ReadFile, type Tree } from '../scan/fix/files.ts';
import { applyEdits, type FilePlan, type Left, planFile, type RawValue } from '../scan/fix/plan.ts';
import { ENV_EXAMPLE, ENV_FILE } from '../scan/fix/text-files.ts';
import { writeMended } from '../scan/fix/write.ts';
import { stepsFor } from '../scan/remedy.ts';
import { lineOf } from '../scan/reports/names.ts';
import { Collector, scanThrough } from '../scan/sink.ts';
import { duration, usd } from './args.ts';
import { AdminClient } from './client.ts';
import { EXIT, type Invocation, type Values } from './command.ts';
import { whereTo } from './gateway-of.ts';
import type { Io } from './io.ts';
import { plain } from '../core/plain.ts';
import { note, printError, printJson, warn } from './output.ts';
import { EnvFiles } from './scan-fix-env.ts';
import type { FIX_OPTIONS } from './scan-fix.ts';
import { providerOf, type Served, usualName } from './scan-fix-providers.ts';
import { askWhose } from './scan-whose.ts';

type FixValues = Values<typeof FIX_OPTIONS>;

export interface PlannedFile {
  readonly file: ReadFile;
  readonly plan: FilePlan;
}

export async function runScanFix({ values, args, io }: Invocation<typeof FIX_OPTIONS>): Promise<number> {
  const tree = await treeOf(io);
  const { files, problems } = await look(tree, args, io);
  for (const message of problems)
    printError(io, { message: `not everything was looked at: ${message}`, fix: undefined });
  if (files.length === 0) {
    if (values.json) printJson(io, { mended: [], left: [], token: [], file: null });
    else if (problems.length === 0) io.out('no raw key in these files\n');
    return problems.length > 0 ? EXIT.unavailable : EXIT.ok;
  }
  const client = AdminClient.open(values, io);
  const served = await servedBy(client, files, values, io);
  const planned = files.map((file) => planFor(file, served));
  const env = await EnvFiles.plan({
    tree,
    planned,
    gateway: served.gateway,
    file: values.file ?? '.env',
    io,
  });
  show(planned, env, served, values, io);
  const count = planned.reduce((sum, { plan }) => sum + plan.mends.length, 0);
  const left = planned.flatMap(({ plan }) => plan.left);
  if (count === 0 || values['dry-run'] || !(await agreed(count, values, io))) {
    if (values.json) {
      const mends = planned.flatMap(({ plan }) => plan.mends.map(({ raw }) => raw));
      printJson(io, { planned: mends.map(shape), ...reportOf([], left, null, []) });
    }
    return EXIT.refused;
  }
  const tokens = await makeTokens(client, planned, env, served, values, io);
  const { mended, failed } = mendFiles(planned, env, io);
  for (const message of failed) printError(io, { message, fix: undefined });
  if (values.json) printJson(io, reportOf(mended, left, env.path, tokens));
  else finish(files, served, mended, left, env, io);
  if (failed.length > 0) return EXIT.unavailable;
  return left.length > 0 ? EXIT.refused : EXIT.ok;
}

async function treeOf(io: Io): Promise<Tree> {
  const top = await topOf(io);
  return { top: top ?? io.cwd, isRepository: top !== null };
}

/** Only what counts: what somebody has allowed may stay. */
async function look(
  tree: Tree,
  paths: readonly string[],
  io: Io,
): Promise<{ readonly files: ReadFile[]; readonly problems: string[] }> {
  const read: ReadFile[] = [];
  const problems: string[] = [];
  for (const path of await listFiles(tree, paths, io)) {
    const file = readForFix(tree, path);
    if (typeof file === 'string') problems.push(file);
    else if (file) read.push(file);
  }
  const nowMs = io.wallMs();
  const allowances = tree.isRepository ? await loadAllowances({ by: 'files' }, io, nowMs) : { lines: [] };
  const result = new Collector();
  await scanThrough(
    (sink) => {
      for (const { found } of read) for (const { finding } of found) sink.finding(finding);
      return Promise.resolve();
    },
    [(next) => new AllowStage(next, allowances, { nowMs })],
    result,
  );
  const allowed = new Set(result.allowed.map(placeOf));
  const files: ReadFile[] = [];
  for (const file of read) {
    const found = file.found.filter(({ finding }) => !allowed.has(placeOf(finding)) && !isInPlace(finding));
    if (found.length > 0) files.push({ ...file, found });
  }
  return { files, problems };
}

/** An access token in a .env file is where it belongs. */
function isInPlace({ rule, path }: Finding): boolean {
  return rule.id === 'sallyport-token' && ENV_FILE.test(path) && !ENV_EXAMPLE.test(path);
}

function placeOf({ path, line, column, fingerprint }: Finding): string {
  return `${path}\n${line}\n${column}\n${fingerprint}`;
}

/** Asks the gateway what it has; a provider without a key gets the one that was found, when somebody says so. */
async function servedBy(
  client: AdminClient,
  files: readonly ReadFile[],
  values: FixValues,
  io: Io,
): Promise<Served> {
  const findings = files.flatMap(({ found }) => found.map(({ finding }) => finding));
  const owners = await askWhose(client, findings, false, (text) => note(io, text));
  const { gateway } = await whereTo(values, io);
  const { keys } = await client.call('status.show');
  const withKey = new Set(keys.filter(({ state }) => state === 'active').map(({ provider }) => provider));
  const served: Served = { gateway, withKey, owners };
  for (const finding of findings) {
    const provider = providerOf(finding, served);
    if (provider === null || withKey.has(provider)) continue;
    if (values['dry-run'] || !(await maySeal(provider, values, io))) continue;
    const added = await client.call('key.add', {
      body: { name: provider, provider, value: finding.value.revealText((text) => text) },
    });
    note(
      io,
      `the key that was found is sealed as ${added.name}; it is known outside all the same: replace it soon`,
    );
    if (added.state === 'active') withKey.add(provider);
    else warn(io, `the provider does not accept it: ${added.name} is disabled`);
  }
  return served;
}

async function maySeal(provider: string, { seal, yes, json }: FixValues, io: Io): Promise<boolean> {
  if (seal) return true;
  if (yes || json || !io.stdinIsTerminal) return false;
  return isYes(
    await io.readLine(`The gateway has no key of ${provider}. Seal the one that was found? [y/N] `),
  );
}

function planFor(file: ReadFile, served: Served): PlannedFile {
  const values: RawValue[] = [];
  const left: Left[] = [];
  for (const { start, end, finding } of file.found) {
    const provider = providerOf(finding, served);
    const raw = { start, end, finding, provider: provider ?? '', usual: usualName(provider ?? '') };
    const why = whyNot(finding, provider, served);
    if (why === null) values.push(raw);
    else left.push({ raw, why });
  }
  const plan = planFile(file.path, file.text, values);
  return { file, plan: { ...plan, left: [...left, ...plan.left] } };
}

function whyNot({ rule, encodings }: Finding, provider: string | null, { withKey }: Served): string | null {
  if (rule.id === 'sallyport-token') return 'it is an access token already: sallyport scan --respond ends it';
  if (provider === null) return `the gateway does not serve ${rule.provider}`;
  if (encodings.length > 0) return `it is in ${encodings.join(' in ')}`;
  return withKey.has(provider)
    ? null
    : `the gateway has no key of ${provider} in use: sallyport key add ${provider} --provider ${provider}, or --seal`;
}

function show(
  planned: readonly PlannedFile[],
  env: EnvFiles,
  served: Served,
  values: FixValues,
  io: Io,
): void {
  const say = values.json ? io.err : io.out;
  for (const { file, plan } of planned) {
    if (plan.mends.length === 0 || plan.holdsToken) continue;
    for (const line of diffOf(file, plan)) say(`${plain(line)}\n`);
  }
  for (const line of env.diff()) say(`${plain(line)}\n`);
  for (const { plan } of planned) {
    for (const { raw, why } of plan.left) note(io, `left: ${whereOf(raw)}: ${why}`);
    for (const { raw, remark } of plan.mends) if (remark !== null) note(io, `${whereOf(raw)}: ${remark}`);
  }
  for (const text of env.advice(served)) note(io, text);
}

export function whereOf({ finding: { path, line, column } }: RawValue): string {
  return `${lineOf(path)}:${line}:${column}`;
}

async function agreed(count: number, { yes, json }: FixValues, io: Io): Promise<boolean> {
  if (yes) return true;
  if (json || !io.stdinIsTerminal) {
    note(io, 'nothing was changed; to change it: --yes');
    return false;
  }
  const answer = await io.readLine(`Replace ${count} ${count === 1 ? 'key' : 'keys'} like this? [y/N] `);
  if (!isYes(answer)) note(io, 'nothing was changed');
  return isYes(answer);
}

function isYes(answer: string): boolean {
  return /^y(?:es)?$/i.test(answer.trim());
}

/** One token a provider, into the file where programs read it. What does not get there is ended again. */
async function makeTokens(
  client: AdminClient,
  planned: readonly PlannedFile[],
  env: EnvFiles,
  { gateway }: Served,
  values: FixValues,
  io: Io,
): Promise<string[]> {
  await env.open(io);
  const team = values.team ?? (await onlyTeam(client));
  const providers = new Set(planned.flatMap(({ plan }) => plan.mends.map(({ raw }) => raw.provider)));
  const tokens = new Map<string, { readonly id: string; readonly token: string }>();
  try {
    for (const provider of providers) {
      const issued = await client.call('token.issue', { body: tokenBody(provider, team, values) });
      tokens.set(provider, issued);
      note(
        io,
        `token ${issued.id} of team ${team}, valid until ${issued.expiresAt}, for ${provider} at ${gateway.origin}`,
      );
      if (issued.unbounded)
        warn(
          io,
          `no budget bounds what it may spend: sallyport budget set --team ${team} --period month --limit-usd 100`,
        );
    }
    env.write(new Map([...tokens].map(([provider, { token }]) => [provider, token])));
  } catch (error) {
    for (const { id } of tokens.values()) {
      await client
        .call('token.revoke', { params: { token: id }, body: { reason: 'its file could not be written' } })
        .catch(() => note(io, `the token ${id} is of no use: sallyport token revoke ${id}`));
    }
    throw error;
  }
  return [...tokens.values()].map(({ id }) => id);
}

function tokenBody(provider: string, team: string, values: FixValues) {
  const amount = values['budget-usd'];
  return {
    name: 'scan fix',
    team,
    environment: values.env ?? 'dev',
    preset: values.preset,
    scopes: values.preset === undefined ? [`call:${provider}/*`] : [],
    defaultProvider: provider,
    lifetimeMs:
      values.expires === undefined ? DEFAULT_LIFETIME_MS.service : duration('--expires', values.expires),
    budget:
      amount === undefined
        ? undefined
        : { limitPicoUsd: usd('--budget-usd', amount).toString(), period: 'total' as const },
  };
}

async function onlyTeam(client: AdminClient): Promise<string> {
  const { teams } = await client.call('team.list');
  const [team] = teams;
  if (team && teams.length === 1) return team.id;
  throw new SallyportError('input.invalid', 'a token is issued for a team, and it is not clear for which', {
    fix: team
      ? `name it: --team ${teams.map(({ id }) => id).join(' or --team ')}`
      : 'add one: sallyport team add NAME',
  });
}

function mendFiles(
  planned: readonly PlannedFile[],
  env: EnvFiles,
  io: Io,
): { readonly mended: RawValue[]; readonly failed: string[] } {
  const mended: RawValue[] = [];
  const failed: string[] = [];
  for (const { file, plan } of planned) {
    if (plan.mends.length === 0) continue;
    try {
      if (!plan.holdsToken) writeMended(file, applyEdits(file.text, plan.mends, ''), env.scratch);
      mended.push(...plan.mends.map(({ raw }) => raw));
    } catch (error) {
      failed.push(describe(error));
    }
  }
  if (failed.length > 0) note(io, 'the others are mended; run it again for these');
  return { mended, failed };
}

function finish(
  files: readonly ReadFile[],
  { owners }: Served,
  mended: readonly RawValue[],
  left: readonly Left[],
  env: EnvFiles,
  io: Io,
): void {
  note(
    io,
    `${mended.length} mended, ${left.length} left; the token is in ${relative(io.cwd, env.path) || env.path}`,
  );
  note(io, 'the keys are as known as before. What is still to be done:');
  const findings = files.flatMap(({ found }) =>
    found.map(({ finding }): Finding => Object.assign({}, finding, owners.get(finding.fingerprint))),
  );
  for (const { name, lines } of stepsFor('paths', findings)) {
    if (name === 'Remove') continue;
    for (const line of lines) io.err(`  ${name}: ${lineOf(line)}\n`);
  }
  io.err('  Look back: sallyport scan --history says whether they are in commits, and what to do then.\n');
}

function reportOf(
  mended: readonly RawValue[],
  left: readonly Left[],
  file: string | null,
  token: readonly string[],
): object {
  return {
    mended: mended.map(shape),
    left: left.map(({ raw, why }) => Object.assign(shape(raw), { why })),
    token,
    file,
  };
}

function shape({ finding: { path, line, column, rule, fingerprint } }: RawValue) {
  return { path: lineOf(path), line, column, rule: rule.id, fingerprint };
}
