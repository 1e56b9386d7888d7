/** How a provider key gets into the CLI: standard input, or a prompt that does not echo. Never argv. */
import { SallyportError } from '../core/errors.ts';
import type { Io } from './io.ts';

const MAX_BYTES = 8192;

/** The value without one trailing line break. Throws `input.invalid`; no message repeats any of it. */
export async function readKeyValue(io: Io): Promise<string> {
  const text = io.stdinIsTerminal ? await io.readHidden('provider key (not echoed): ') : await fromStdin(io);
  const value = text.replace(/\r?\n$/, '');
  if (value !== '') return value;
  throw new SallyportError('input.invalid', 'no key was given on standard input', {
    fix: 'type it at the prompt, or pipe it: printenv GROQ_API_KEY | sallyport key add groq --provider groq',
  });
}

async function fromStdin(io: Io): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await io.readStdin(MAX_BYTES));
  } catch {
    throw new SallyportError('input.invalid', 'standard input holds no key: it is too long, or no text', {
      fix: 'send the key alone, on one line',
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
