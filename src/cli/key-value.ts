/** How a provider key gets into the CLI: standard input, or a prompt that does not echo. Never argv. */
import { SallyportError } from '../core/errors.ts';
import type { Io } from './io.ts';

const MAX_BYTES = 8192;

/** The value without one trailing line break. Throws `input.invalid`; no message repeats any of it. */
export function readKeyValue(io: Io): Promise<string> {
  return readSecretValue(
    io,
    'provider key',
    'key',
    'type it at the prompt, or pipe it: printenv GROQ_API_KEY | sallyport key add groq --provider groq',
  );
}

/** Likewise for any other secret. `what` is asked for, `noun` names it in messages, `fix` says how to give it. */
export async function readSecretValue(io: Io, what: string, noun: string, fix: string): Promise<string> {
  const text = io.stdinIsTerminal ? await io.readHidden(`${what} (not echoed): `) : await fromStdin(io, noun);
  const value = text.replace(/\r?\n$/, '');
  if (value !== '') return value;
  throw new SallyportError('input.invalid', `no ${noun} was given on standard input`, { fix });
}

async function fromStdin(io: Io, noun: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await io.readStdin(MAX_BYTES));
  } catch {
    throw new SallyportError('input.invalid', `standard input holds no ${noun}: it is too long, or no text`, {
      fix: `send the ${noun} alone, on one line`,
    });
  }
}

/** For a positional argument too many: what was typed is in the shell's history by now, and in the process list. */
export function keyOnCommandLine(): SallyportError {
  return new SallyportError(
    'input.invalid',
    'a key is never taken from the command line: it is read from standard input or a prompt',
    { fix: 'if what you typed is a key, rotate it at the provider: it is now in your shell history' },
  );
}
