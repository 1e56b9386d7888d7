/** argv to exit code. Commands throw what the user should read; only here is it printed, and nothing here ends the process. */
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { type Command, EXIT } from './command.ts';
import { COMMANDS } from './commands.ts';
import { exitCodeOf } from './exit-code.ts';
import { commandHelp, overview } from './help.ts';
import { type Io, processIo } from './io.ts';
import { printError } from './output.ts';
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
  const [first, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return help([], io);
  if (first === 'help')
    return help(
      rest.filter((word) => !word.startsWith('-')),
      io,
    );
  if (first === '--version' || first === '-v') return dispatch(['version'], io);
  const found = findCommand(argv);
  if (!found) {
    const noun = nounOf(first);
    if (noun !== undefined && (rest.length === 0 || rest[0] === '--help' || rest[0] === '-h'))
      return help([noun], io);
    throw unknownCommand(argv);
  }
  const { command, rest: own } = found;
  const parsed = parseArgv(command, own);
  if (parsed.help) {
    io.out(commandHelp(command));
    return EXIT.ok;
  }
  return command.run({ values: parsed.values as never, args: parsed.args, io });
}

function help(words: readonly string[], io: Io): number {
  if (words.length === 0) {
    io.out(overview(COMMANDS, null));
    return EXIT.ok;
  }
  const found = findCommand(words);
  const noun = nounOf(words[0] ?? '');
  if (found) io.out(commandHelp(found.command));
  else if (noun !== undefined && words.length === 1) io.out(overview(ofNoun(noun), noun));
  else throw unknownCommand(words);
  return EXIT.ok;
}

function findCommand(
  argv: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } | undefined {
  const noun = nounOf(argv[0] ?? '') ?? argv[0];
  for (const words of [2, 1]) {
    const name = [noun, ...argv.slice(1, words)].join(' ');
    const command = COMMANDS.find((candidate) => candidate.name === name);
    if (command) return { command, rest: argv.slice(words) };
  }
  return undefined;
}

/** The first word of two-word commands that is meant, also in the plural: `keys list`. */
function nounOf(word: string): string | undefined {
  const nouns = new Set(
    COMMANDS.map(({ name }) => name.split(' ')).flatMap(([noun, verb]) => (verb ? [noun] : [])),
  );
  if (nouns.has(word)) return word;
  const singular = word.replace(/s$/, '');
  return nouns.has(singular) ? singular : undefined;
}

function ofNoun(noun: string): Command[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${noun} `));
}

function unknownCommand(words: readonly string[]): SallyportError {
  const [first = '', second] = words;
  const noun = nounOf(first);
  const known =
    noun === undefined
      ? [...new Set(COMMANDS.map(({ name }) => name.split(' ')[0] ?? ''))]
      : ofNoun(noun).map(({ name }) => name.slice(noun.length + 1));
  const wrong = noun === undefined ? first : (second ?? '');
  // It may be a key in the wrong place.
  const shown = /^[a-z-]{1,20}$/.test(wrong) ? ` "${noun === undefined ? wrong : `${noun} ${wrong}`}"` : '';
  const see = noun === undefined ? 'see: sallyport help' : `see: sallyport help ${noun}`;
  return new SallyportError('input.invalid', `unknown command${shown}`, { fix: suggest(wrong, known, see) });
}
