/** From argv to what a command gets. Strict: unknown, repeated or valueless options are errors, and no message repeats a value. */
import { parseArgs } from 'node:util';
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import type { Command, OptionSpecs } from './command.ts';

export interface ParsedArgv {
  readonly help: boolean;
  readonly values: Record<string, boolean | string | string[] | undefined>;
  readonly args: readonly string[];
}

interface OptionToken {
  readonly kind: 'option';
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

/** Throws `input.invalid`. With `help` asked for, nothing else is checked. */
export function parseArgv(command: Command, argv: readonly string[]): ParsedArgv {
  const specs: OptionSpecs = { ...command.options, help: { type: 'boolean', short: 'h', help: '' } };
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, short }]) => [name, short ? { type, short } : { type }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = tokens.filter((token): token is typeof token & OptionToken => token.kind === 'option');
  if (options.some(({ name }) => name === 'help')) return { help: true, values: {}, args: [] };
  const values: ParsedArgv['values'] = {};
  for (const [name, spec] of Object.entries(command.options)) {
    if (spec.type === 'boolean') values[name] = false;
    else if (spec.multiple === true) values[name] = [];
  }
  for (const option of options) take(command, specs, values, option);
  const args = tokens.filter((token) => token.kind === 'positional').map(({ value }) => value);
  checkArgs(command, args);
  return { help: false, values, args };
}

function take(
  command: Command,
  specs: OptionSpecs,
  values: ParsedArgv['values'],
  { name, rawName, value }: OptionToken,
): void {
  const spec = specs[name];
  if (!spec) throw unknownOption(command, specs, rawName);
  const given = values[name];
  if (spec.type === 'boolean') {
    if (value !== undefined) throw usageError(command, `--${name} takes no value`);
    values[name] = true;
    return;
  }
  // What looks like an option is one: its value was forgotten.
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw usageError(command, `--${name} needs a value`);
  }
  if (Array.isArray(given)) {
    given.push(value);
    return;
  }
  if (given !== undefined) throw usageError(command, `--${name} is given twice`);
  values[name] = value;
}

function checkArgs(command: Command, args: readonly string[]): void {
  const names = command.args ?? [];
  const missing = names.slice(args.length).find((name) => !name.startsWith('['));
  if (missing !== undefined) throw usageError(command, `${missing} is missing`);
  if (args.includes('')) throw usageError(command, 'an argument is empty');
  if (args.length <= names.length || names.at(-1)?.endsWith('...]') === true) return;
  throw command.onExtraArgument?.() ?? usageError(command, 'there is an argument too many');
}

function unknownOption(command: Command, specs: OptionSpecs, rawName: string): SallyportError {
  const known = Object.keys(specs).map((name) => `--${name}`);
  const see = `see: sallyport ${command.name} --help`;
  // A long one may be a key that begins with dashes.
  const name = rawName.length <= 24 ? ` ${rawName}` : '';
  return new SallyportError('input.invalid', `unknown option${name}`, { fix: suggest(rawName, known, see) });
}

function usageError(command: Command, message: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix: `see: sallyport ${command.name} --help` });
}
