/** What a command of the CLI is: a row of the table in commands.ts, with all that its help page and its argument parsing need. */
import type { SallyportError } from '../core/errors.ts';
import type { Io } from './io.ts';

export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** May be given several times; its value is then a list. */
  readonly multiple?: boolean;
  /** One letter. */
  readonly short?: string;
  /** What stands for the value in the help, such as `DIR`. */
  readonly value?: string;
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S extends { type: 'boolean' }
  ? boolean
  : S extends { multiple: true }
    ? readonly string[]
    : string | undefined;

export type Values<O extends OptionSpecs> = { readonly [N in keyof O]: ValueOf<O[N]> };

export interface Invocation<O extends OptionSpecs> {
  readonly values: Values<O>;
  /** As many as the command's `args` allow. */
  readonly args: readonly string[];
  readonly io: Io;
}

export interface CommandSpec<O extends OptionSpecs> {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  /** Names of the positional arguments; those in brackets may be left out, and only after all others; `[NAME...]`, the last, any number of times. */
  readonly args?: readonly string[];
  readonly options: O;
  /** Complete command lines. */
  readonly examples: readonly string[];
  /** More paragraphs for the help page. */
  readonly notes?: readonly string[];
  /** The error for one positional argument too many, where that has a likely reason. */
  readonly onExtraArgument?: () => SallyportError;
  /** Resolves with the exit code. Throws a SallyportError for what the user should read. */
  readonly run: (invocation: Invocation<O>) => Promise<number>;
}

/** A command whose option types are checked where it is defined. */
export type Command = CommandSpec<OptionSpecs>;

export function defineCommand<const O extends OptionSpecs>(spec: CommandSpec<O>): Command {
  // The parser fills `values` by `options`, so what `run` gets is what it was typed for.
  return spec as unknown as Command;
}

/** 0 done; 1 findings, a failed verification or a refusal; 2 usage or configuration; 3 unavailable. */
export const EXIT = { ok: 0, refused: 1, usage: 2, unavailable: 3 } as const;
