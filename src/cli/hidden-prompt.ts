/** Reads a secret from the terminal without echo. What was typed is in no history, no argument list and no environment. */
import { SallyportError } from '../core/errors.ts';

const ENTER = new Set(['\r', '\n']);
const END_OF_INPUT = '\u0004';
const INTERRUPT = '\u0003';
const ERASE = new Set(['\u007f', '\b']);
const ERASE_LINE = '\u0015';
const MAX_CHARS = 8192;

/** Resolves with the line; throws when the user gives up with Ctrl-C or Ctrl-D. */
export async function promptHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  try {
    return await readLine(stdin);
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function readLine(stdin: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = '';
    const finish = (act: () => void): void => {
      stdin.off('data', take);
      act();
    };
    const take = (chunk: Buffer | string): void => {
      for (const char of chunk.toString()) {
        if (ENTER.has(char)) {
          finish(() => resolve(line));
          return;
        }
        if (char === INTERRUPT || char === END_OF_INPUT) {
          finish(() => reject(new SallyportError('input.invalid', 'Nothing was read: cancelled.')));
          return;
        }
        if (ERASE.has(char)) line = line.slice(0, -1);
        else if (char === ERASE_LINE) line = '';
        else if (line.length < MAX_CHARS) line += char;
      }
    };
    stdin.on('data', take);
    stdin.resume();
  });
}
