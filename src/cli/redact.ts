/** `redact`: standard input to standard output, without secrets. Needs no server. */
import { SallyportError } from '../core/errors.ts';
import type { Redactor } from '../redact/redact.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

export const redact = defineCommand({
  name: 'redact',
  summary: 'Copy standard input to standard output, with keys and other secrets taken out.',
  options: {
    generic: {
      type: 'boolean',
      help: 'take out the value of any name such as password or token as well; much of that is no secret',
    },
    wide: {
      type: 'boolean',
      help: 'take out what only begins like a key, and long runs of mixed letters and digits, as well',
    },
    except: { type: 'string', multiple: true, value: 'RULE', help: 'leave what this rule finds as it is' },
    summary: { type: 'boolean', help: 'say on standard error at the end how many there were, by rule' },
    json: { type: 'boolean', help: 'with --summary: as one JSON object' },
  },
  examples: ['tail -f app.log | sallyport redact', 'node server.js 2>&1 | sallyport redact --summary'],
  notes: [
    'A secret is replaced by [redacted RULE], with the id of the rule that found it. What is held back is only what could be a part of one: a line is out as soon as it is complete.',
    'At the first SIGINT it goes on to the end of its input, so that the last words of the program before it are not lost.',
  ],
  run: async ({ values, io }) => {
    const { createByteRedactor } = await import('../redact/redact.ts');
    const { generic, wide, except } = values;
    const redactor = orUsage(() => createByteRedactor({ generic, wide, except }));
    io.outliveOutput();
    await copy(io, redactor);
    if (values.summary) tellSummary(io, redactor.found, values.json);
    return EXIT.ok;
  },
});

function orUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = error.message.replace(/\.$/, '');
    throw new SallyportError('input.invalid', message, { fix: 'docs/guide/leak-rules.md lists all rules' });
  }
}

/** Nothing came for so long: what is held and harmless is let go. */
const SILENCE_MS = 100;
/** After a signal, input that pauses so long is at its end. */
const LAST_WORDS_MS = 5000;

type Came = IteratorResult<Uint8Array> | 'nothing' | 'signal';

/** To the end of the input, or until nobody reads the output any more. No faster than the output is taken. */
async function copy(io: Io, redactor: Redactor<Uint8Array>): Promise<void> {
  const input = io.stdin()[Symbol.asyncIterator]();
  const signal = new Signal(io);
  let next = input.next();
  let waitMs: number | null = null;
  for (;;) {
    const came = await signal.orAfter(next, signal.given ? LAST_WORDS_MS : waitMs);
    if (came === 'signal') continue;
    if (came === 'nothing') {
      if (signal.given) break;
      waitMs = null;
      if (!(await write(io, redactor.release()))) return;
      continue;
    }
    if (came.done) break;
    if (!(await write(io, redactor.push(came.value)))) return;
    next = input.next();
    waitMs = redactor.held > 0 ? SILENCE_MS : null;
  }
  await write(io, redactor.end());
}

/** A signal, told once. Nothing waits for it that is not forgotten again: a promise would keep all who ever waited. */
class Signal {
  given = false;
  #wake: (() => void) | null = null;

  constructor(io: Io) {
    void io.stopped().then(() => {
      this.given = true;
      this.#wake?.();
    });
  }

  async orAfter(next: Promise<IteratorResult<Uint8Array>>, afterMs: number | null): Promise<Came> {
    const { promise, resolve, reject } = Promise.withResolvers<Came>();
    const timer = afterMs === null ? undefined : setTimeout(() => resolve('nothing'), afterMs);
    if (!this.given) this.#wake = () => resolve('signal');
    next.then(resolve, reject);
    const came = await promise;
    clearTimeout(timer);
    this.#wake = null;
    return came;
  }
}

/** False when the reader is gone, which is no failure of ours. */
async function write(io: Io, bytes: Uint8Array): Promise<boolean> {
  if (bytes.length === 0) return true;
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  io.bytesThen(bytes, (error) => {
    if (!error) resolve(true);
    else if ((error as NodeJS.ErrnoException).code === 'EPIPE') resolve(false);
    else reject(cannotWrite(error));
  });
  return promise;
}

function cannotWrite(error: NodeJS.ErrnoException): SallyportError {
  const why = error.code === undefined ? '' : `: ${error.code}`;
  return new SallyportError('store.unavailable', `the output could not be written${why}`, {
    fix: 'make room where it goes, then run it again: what was read is not in the output',
  });
}

function tellSummary(io: Io, found: ReadonlyMap<string, number>, json: boolean): void {
  const rules = [...found].toSorted(([a, many], [b, count]) => count - many || (a < b ? -1 : 1));
  const secrets = rules.reduce((sum, [, count]) => sum + count, 0);
  if (json) {
    io.err(`${JSON.stringify({ event: 'summary', secrets, rules: Object.fromEntries(rules) })}\n`);
    return;
  }
  note(io, secrets === 0 ? 'no secret was taken out' : `${secrets} taken out:`);
  for (const [rule, count] of rules) io.err(`${String(count).padStart(8)}  ${rule}\n`);
}
