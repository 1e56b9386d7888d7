/** argv to exit code. Commands throw what the user should read; only here is it printed, and nothing here ends the process. */
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { type Command, EXIT } from './command.ts';
import { exitCodeOf } from './exit-code.ts';
import { commandHelp, overview } from './help.ts';
import { type Io, processIo } from './io.ts';
import { printError } from './output.ts';
import { LOCAL_COMMANDS } from './local-commands.ts';
import { parseArgv } from './parse.ts';

/** Runs one command line, without the program's own name. Never rejects. */
export async function runCli(argv: readonly string[], io: Io = processIo()): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (thrown) {
    const error = asSallyportError(thrown);
    const { message, detail } = error;
    const fix = error.fix ?? (error.code === 'gateway.internal' ? detail : undefined);
    printError(io, { message, fix });
    return exitCodeOf(error.code);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  const found = findCommand(LOCAL_COMMANDS, argv);
  if (found) return runFound(found, io);
  // Loaded only here: it brings the contract with the server, and takes most of the time that a start takes.
  const { COMMANDS } = await import('./commands.ts');
  return dispatchAmong(COMMANDS, argv, io);
}

async function dispatchAmong(commands: readonly Command[], argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return help(commands, [], io);
  if (first === 'help') {
    const words = rest.filter((word) => !word.startsWith('-'));
    return help(commands, words, io);
  }
  if (first === '--version' || first === '-v') return dispatchAmong(commands, ['version'], io);
  const found = findCommand(commands, argv);
  if (found) return runFound(found, io);
  const noun = nounOf(commands, first);
  if (noun !== undefined && (rest.length === 0 || rest[0] === '--help' || rest[0] === '-h')) {
    return help(commands, [noun], io);
  }
  throw unknownCommand(commands, argv);
}

interface Found {
  readonly command: Command;
  /** What stands behind the command's own words. */
  readonly rest: readonly string[];
}

async function runFound({ command, rest: own }: Found, io: Io): Promise<number> {
  const parsed = parseArgv(command, own);
  if (parsed.help) {
    io.out(commandHelp(command));
    return EXIT.ok;
  }
  return command.run({ values: parsed.values as never, args: parsed.args, io });
}

function help(commands: readonly Command[], words: readonly string[], io: Io): number {
  if (words.length === 0) {
    io.out(overview(commands, null));
    return EXIT.ok;
  }
  const found = findCommand(commands, words);
  const noun = nounOf(commands, words[0] ?? '');
  if (found) io.out(commandHelp(found.command));
  else if (noun !== undefined && words.length === 1) io.out(overview(ofNoun(commands, noun), noun));
  else throw unknownCommand(commands, words);
  return EXIT.ok;
}

function findCommand(commands: readonly Command[], argv: readonly string[]): Found | undefined {
  const noun = nounOf(commands, argv[0] ?? '') ?? argv[0];
  for (const words of [2, 1]) {
    const name = [noun, ...argv.slice(1, words)].join(' ');
    const command = commands.find((candidate) => candidate.name === name);
    if (command) return { command, rest: argv.slice(words) };
  }
  return undefined;
}

/** The first word of two-word commands that is meant, also in the plural: `keys list`. */
function nounOf(commands: readonly Command[], word: string): string | undefined {
  const nouns = new Set(
    commands.map(({ name }) => name.split(' ')).flatMap(([noun, verb]) => (verb ? [noun] : [])),
  );
  if (nouns.has(word)) return word;
  const singular = word.replace(/s$/, '');
  return nouns.has(singular) ? singular : undefined;
}

function ofNoun(commands: readonly Command[], noun: string): Command[] {
  return commands.filter(({ name }) => name.startsWith(`${noun} `));
}

function unknownCommand(commands: readonly Command[], words: readonly string[]): SallyportError {
  const [first = '', second] = words;
  const noun = nounOf(commands, first);
  const known =
    noun === undefined
      ? [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))]
      : ofNoun(commands, noun).map(({ name }) => name.slice(noun.length + 1));
  const wrong = noun === undefined ? first : (second ?? '');
  // It may be a key in the wrong place.
  const shown = /^[a-z-]{1,20}$/.test(wrong) ? ` "${noun === undefined ? wrong : `${noun} ${wrong}`}"` : '';
  const see = noun === undefined ? 'see: sallyport help' : `see: sallyport help ${noun}`;
  return new SallyportError('input.invalid', `unknown command${shown}`, { fix: suggest(wrong, known, see) });
}
