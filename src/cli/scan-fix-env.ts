/** The .env files of `scan fix`: the one that variables go into, and those in which a key was found. Git has to ignore each before a token is made. */
import { lstatSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { fixIgnore } from '../scan/ignore.ts';
import { openRepository } from '../scan/repository.ts';
import type { Tree } from '../scan/fix/files.ts';
import { type EnvFile, openEnvFile } from '../setup/env-file.ts';
import type { GatewayAddress } from '../setup/gateway-address.ts';
import { ignoredBy } from '../setup/ignored.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';
import { baseUrl, type Served, usualName } from './scan-fix-providers.ts';
import type { PlannedFile } from './scan-fix-run.ts';
import { isAccessToken } from './token-input.ts';

/** Variable to the provider whose token it gets. */
type Wanted = Map<string, string>;

export interface EnvPlan {
  readonly tree: Tree;
  readonly planned: readonly PlannedFile[];
  readonly gateway: GatewayAddress;
  readonly file: string;
  readonly io: Io;
}

export class EnvFiles {
  /** Where the token goes. */
  readonly path: string;
  /** Where a half-written file is in nobody's way; null outside of a repository. */
  readonly scratch: string | null;
  readonly #plan: EnvPlan;
  readonly #wanted: ReadonlyMap<string, Wanted>;
  /** Not ignored yet. */
  readonly #open: readonly string[];
  #files: readonly { readonly file: EnvFile; readonly wanted: Wanted }[] = [];

  private constructor(
    plan: EnvPlan,
    path: string,
    wanted: ReadonlyMap<string, Wanted>,
    open: readonly string[],
    scratch: string | null,
  ) {
    this.path = path;
    this.scratch = scratch;
    this.#plan = plan;
    this.#wanted = wanted;
    this.#open = open;
  }

  /** Throws `config.invalid` for a file that git has already, so that a token in it would be committed. */
  static async plan(plan: EnvPlan): Promise<EnvFiles> {
    const { tree, planned, file, io } = plan;
    const path = resolve(file === '.env' ? tree.top : io.cwd, file);
    const wanted = wantedIn(planned, path);
    const open: string[] = [];
    let scratch: string | null = null;
    for (const one of wanted.keys()) {
      if (!lstatSync(dirname(one), { throwIfNoEntry: false })?.isDirectory()) {
        throw new SallyportError('config.invalid', `there is no folder ${dirname(one)}`, {
          fix: 'make it first',
        });
      }
      const ignored = await ignoredBy(dirname(one), basename(one), io.env);
      if (ignored.state === 'no-repository') continue;
      scratch = ignored.gitFolder;
      if (ignored.state === 'open') open.push(one);
      if (ignored.state === 'tracked') {
        throw new SallyportError(
          'config.invalid',
          `git has ${relative(tree.top, one)}, so a token in it would be committed`,
          {
            fix: 'take it out of git first: sallyport gitignore fix --untrack',
          },
        );
      }
    }
    return new EnvFiles(plan, path, wanted, open, scratch);
  }

  diff(): string[] {
    const { tree, gateway } = this.#plan;
    const lines: string[] = [];
    if (this.#open.length > 0) lines.push('--- .gitignore', '+.env* and the like (sallyport gitignore fix)');
    for (const [path, wanted] of this.#wanted) {
      lines.push(`--- ${relative(tree.top, path)} (mode 0600)`);
      for (const [name, value] of variables(wanted, gateway, () => '[a new access token]'))
        lines.push(`+${name}=${value}`);
    }
    return lines;
  }

  /** How programs come to call the gateway: a token is of no use at the provider. */
  advice({ gateway }: Served): string[] {
    const all: Wanted = new Map();
    for (const wanted of this.#wanted.values())
      for (const [name, provider] of wanted) all.set(name, provider);
    return [...all].map(([name, provider]) => {
      const [base, url] = baseUrl(provider, gateway);
      return name === usualName(provider)
        ? `${provider}'s own packages read ${base} and ${name}; other code has to be given the address ${url} (sallyport connect)`
        : `${name} is a token of the gateway: give the client the address ${url} as well (sallyport connect)`;
    });
  }

  /** Has git ignore them, and checks all that can be checked before there is a token. */
  async open(io: Io): Promise<void> {
    const { gateway } = this.#plan;
    if (this.#open.length > 0) {
      const added = await fixIgnore(await openRepository(io), io);
      if (added.length > 0) note(io, `.gitignore has more patterns now: ${added.join(' ')}`);
    }
    const files: { file: EnvFile; wanted: Wanted }[] = [];
    for (const [path, wanted] of this.#wanted) {
      const file = await openEnvFile(path, io);
      file.check(Object.fromEntries(variables(wanted, gateway, () => null)), this.#mayReplace);
      files.push({ file, wanted });
    }
    this.#files = files;
  }

  /** Throws likewise; `tokens` are by provider. */
  write(tokens: ReadonlyMap<string, string>): void {
    const { gateway } = this.#plan;
    for (const { file, wanted } of this.#files)
      file.write(
        Object.fromEntries(variables(wanted, gateway, (provider) => tokens.get(provider) ?? '')),
        this.#mayReplace,
      );
  }

  /** What goes is a token that can be issued again, an address of a gateway, or one of the keys that all this is about. */
  readonly #mayReplace = (value: string): boolean =>
    isAccessToken(value) ||
    /^https?:\/\/[^/]+\/p\/[a-z]+(?:\/|$)/.test(value) ||
    this.#plan.planned.some(({ plan }) =>
      plan.mends.some(({ raw }) => raw.finding.value.revealText((text) => text === value)),
    );
}

function wantedIn(planned: readonly PlannedFile[], path: string): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>();
  for (const { file, plan } of planned) {
    for (const { raw, variable } of plan.mends) {
      const target = plan.holdsToken ? file.absolute : path;
      wanted.set(target, (wanted.get(target) ?? new Map<string, string>()).set(variable, raw.provider));
    }
  }
  return wanted;
}

/** With the address beside each variable that a provider's own package reads: with the token alone it would send that to the provider. */
function variables<T>(
  wanted: Wanted,
  gateway: GatewayAddress,
  tokenOf: (provider: string) => T,
): Map<string, T | string> {
  const all = new Map<string, T | string>();
  for (const [name, provider] of wanted) {
    const [base, url] = baseUrl(provider, gateway);
    if (name === usualName(provider)) all.set(base, url);
    all.set(name, tokenOf(provider));
  }
  return all;
}
