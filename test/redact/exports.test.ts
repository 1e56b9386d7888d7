/** What users import by the name of the package: it is what the source gives, and runs in plain Node, also where there is nothing but JavaScript. */
import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggerOptions } from 'pino';
import type * as LibConsole from 'sallyport/console';
import type * as LibPino from 'sallyport/pino';
import type * as LibRedact from 'sallyport/redact';
import { LIB, libFiles } from '../../scripts/update-lib.ts';
import { sample } from '../../src/detect/samples.ts';
import type * as SourceConsole from '../../src/redact/console.ts';
import type * as SourcePino from '../../src/redact/pino.ts';
import { redactText } from '../../src/redact/redact.ts';
import type * as SourceRedact from '../../src/redact/redact.ts';
import { cut, fixtures, randomFrom } from '../../src/redact/test-fixtures.ts';

const ROOT = join(import.meta.dir, '..', '..');

/** The declared types are those of the source: this does not compile otherwise. */
type Fits<Source extends Declared, Declared> = Source;
export type Checked = [
  Fits<typeof SourceRedact, typeof LibRedact>,
  Fits<typeof SourceConsole, typeof LibConsole>,
  Fits<typeof SourcePino, Omit<typeof LibPino, 'default'>>,
  Fits<typeof SourcePino.transport, typeof LibPino.default>,
  Fits<{ streamWrite: ReturnType<typeof LibPino.streamWrite> }, NonNullable<LoggerOptions['hooks']>>,
];

/** A project that has the package, and pino, among its own. */
const PROJECT = mkdtempSync(join(tmpdir(), 'sallyport-redact-'));
mkdirSync(join(PROJECT, 'node_modules'));
symlinkSync(ROOT, join(PROJECT, 'node_modules', 'sallyport'));
symlinkSync(join(ROOT, 'node_modules', 'pino'), join(PROJECT, 'node_modules', 'pino'));
afterAll(() => rmSync(PROJECT, { recursive: true }));
let programs = 0;

interface Ran {
  readonly out: string;
  readonly err: string;
}

/** Runs a program of that project, in plain Node unless it is said otherwise. */
function runProgram(program: string, input = '', args: readonly string[] = [], command = ['node']): Ran {
  programs += 1;
  const file = join(PROJECT, `app-${programs}.${program.includes('require(') ? 'cjs' : 'mjs'}`);
  writeFileSync(file, program);
  const child = Bun.spawnSync([...command, file, ...args], { cwd: PROJECT, stdin: Buffer.from(input) });
  const [out, err] = [child.stdout.toString(), child.stderr.toString()];
  if (!child.success) throw new Error(`it failed: ${err}`);
  return { out, err };
}

/** Always the same, so that no test depends on what is random. */
function key(seed: number): string {
  return `${['g', 'sk_'].join('')}${sample('alnum', 52, seed)}`;
}

test('lib/ is what the source gives: npm run lib', async () => {
  const files = await libFiles();
  expect(files.size).toBe(12);
  for (const [name, text] of files) {
    if (readFileSync(join(LIB, name), 'utf8') !== text) throw new Error(`${name} is old: npm run lib`);
  }
});

const TEXTS = fixtures().map(({ text }) => text);
const EXPECTED = TEXTS.map((text) => [text, redactText(text)]);
const WAYS = cut(TEXTS.join('\n'), 9, randomFrom(17));

describe.each([
  ['imported', `import { createRedactor, redactText } from 'sallyport/redact';`],
  ['required', `const { createRedactor, redactText } = require('sallyport/redact');`],
])('in Node, %s', (_, load) => {
  test('every fixture gives what it gives here, also in pieces', () => {
    const program = `${load}
      const { readFileSync } = process.getBuiltinModule('node:fs');
      const { expected, pieces } = JSON.parse(readFileSync(0, 'utf8'));
      const wrong = expected.filter(([text, out]) => redactText(text) !== out).length;
      const redactor = createRedactor();
      const out = pieces.map((piece) => redactor.push(piece)).join('') + redactor.end();
      console.log(JSON.stringify({ node: process.version, bun: typeof Bun, wrong, same: out === redactText(pieces.join('')) }));`;
    const { out } = runProgram(program, JSON.stringify({ expected: EXPECTED, pieces: WAYS }));
    const result = JSON.parse(out) as { node: string };
    expect(result).toMatchObject({ bun: 'undefined', wrong: 0, same: true });
    expect(Number(result.node.slice(1).split('.')[0])).toBeGreaterThanOrEqual(20);
  });
});

test('where there is nothing but JavaScript (no Buffer, no process, no TextEncoder), the output is the same', () => {
  const program = `
    const vm = require('node:vm');
    const { readFileSync } = require('node:fs');
    const context = vm.createContext({ input: readFileSync(0, 'utf8'), module: { exports: {} } });
    vm.runInContext(readFileSync('node_modules/sallyport/lib/redact.cjs', 'utf8'), context);
    const result = vm.runInContext(\`(() => {
      const { redactText, createByteRedactor } = module.exports;
      const bytes = createByteRedactor();
      const few = bytes.push(Uint8Array.from([104, 105, 32])).length;
      const globals = [typeof Buffer, typeof process, typeof atob, typeof TextEncoder, typeof require].join();
      const wrong = JSON.parse(input).filter(([text, out]) => redactText(text) !== out).length;
      return JSON.stringify({ globals, few, wrong });
    })()\`, context);
    console.log(result);`;
  const { out } = runProgram(program, JSON.stringify(EXPECTED));
  expect(JSON.parse(out)).toEqual({
    globals: 'undefined,undefined,undefined,undefined,undefined',
    few: 3,
    wrong: 0,
  });
});

/** A file for one test, in a folder that is not there yet, and the lines in it. */
function logFile(): { path: string; lines: () => Record<string, unknown>[] } {
  const path = join(PROJECT, `logs-${programs}`, 'app.log');
  return {
    path,
    lines: () =>
      readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** Logs the key in each way in which it gets into a log. */
const LOGGING = `
  const key = process.argv.at(-1);
  const cause = new Error('upstream said: bad key ' + key);
  log.info('starting with ' + key);
  log.info({ config: { nested: [{ apiKey: key }] }, [key]: true }, 'configured');
  log.error(new Error('call failed with Bearer ' + key, { cause }), 'failed');
  log.child({ authorization: 'Bearer ' + key }).warn('from a child');
  for (let n = 0; n < 500; n += 1) log.info({ n, text: 'x'.repeat(n) + ' ' + key + ' é🙂' });
`;

function checkLog(lines: readonly Record<string, unknown>[], secret: string): void {
  const text = JSON.stringify(lines);
  expect(text).not.toContain(secret.slice(4, 20));
  expect(lines).toHaveLength(504);
  expect(lines[0]).toMatchObject({ msg: 'starting with [redacted groq-api-key]' });
  expect(lines[1]).toMatchObject({ config: { nested: [{ apiKey: '[redacted groq-api-key]' }] } });
  expect(lines[2]).toMatchObject({
    msg: 'failed',
    err: { message: expect.stringContaining('call failed with Bearer [redacted groq-api-key]') },
  });
  expect(lines[3]).toMatchObject({ authorization: 'Bearer [redacted groq-api-key]', msg: 'from a child' });
  expect(lines[503]).toMatchObject({ n: 499, text: `${'x'.repeat(499)} [redacted groq-api-key] é🙂` });
}

describe('pino in Node', () => {
  test('with the transport in its worker, no line of the file holds the key', () => {
    const file = logFile();
    const secret = key(1);
    const program = `
      import pino from 'pino';
      const options = { destination: process.argv.at(-2), mkdir: true };
      const log = pino({ transport: { target: 'sallyport/pino', options } });
      ${LOGGING}`;
    runProgram(program, '', [file.path, secret]);
    checkLog(file.lines(), secret);
  });

  test('with the transport before another in a pipeline, from CommonJS', () => {
    const file = logFile();
    const secret = key(1);
    const program = `
      const pino = require('pino');
      const pipeline = [
        { target: 'sallyport/pino', options: { pipeline: true } },
        { target: 'pino/file', options: { destination: process.argv.at(-2), mkdir: true } },
      ];
      const log = pino(pino.transport({ pipeline }));
      ${LOGGING}`;
    runProgram(program, '', [file.path, secret]);
    checkLog(file.lines(), secret);
  });

  test.each([
    ['the hook', `pino({ hooks: { streamWrite: streamWrite() } }, destination)`],
    ['the stream', `pino(redactingStream(destination))`],
  ])('with %s, in the thread that logs', (_, make) => {
    const file = logFile();
    const secret = key(1);
    const program = `
      import pino from 'pino';
      import { redactingStream, streamWrite } from 'sallyport/pino';
      const destination = pino.destination({ dest: process.argv.at(-2), mkdir: true, sync: true });
      const log = ${make};
      ${LOGGING}`;
    runProgram(program, '', [file.path, secret]);
    checkLog(file.lines(), secret);
  });

  test('the transport writes to standard output unless it is told where', () => {
    const program = `
      import pino from 'pino';
      pino({ transport: { target: 'sallyport/pino' } }).info('with ' + process.argv.at(-1));`;
    const { out, err } = runProgram(program, '', [key(2)]);
    expect(err).toBe('');
    expect(JSON.parse(out)).toMatchObject({ msg: 'with [redacted groq-api-key]' });
  });
});

test('an application whose log nobody reads any more runs on', () => {
  const file = join(PROJECT, 'unread.mjs');
  const program = `
    import pino from 'pino';
    const log = pino({ transport: { target: 'sallyport/pino' } });
    for (let n = 0; n < 300; n += 1) {
      log.info('x'.repeat(2000));
      if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    process.on('exit', (code) => console.error('ran to its end', code));`;
  writeFileSync(file, program);
  const child = Bun.spawnSync(['bash', '-c', `node ${file} | head -n 1`], { cwd: PROJECT });
  expect(child.stdout.toString()).toContain('"msg":"xxx');
  expect(child.stderr.toString()).toBe('ran to its end 0\n');
});

describe.each([
  ['node', ['node']],
  ['bun', [process.execPath, '--no-env-file', '--config=/dev/null']],
])('the console of %s', (_, command) => {
  test('prints no key, whatever it stands in, and is itself again afterwards', () => {
    const [secret, hex] = [key(3), key(4)];
    const program = `
      import { wrapConsole } from 'sallyport/console';
      const [key, hex] = process.argv.slice(-2);
      const restore = wrapConsole();
      console.log('plain ' + key, 1, true);
      console.log('MISTRAL_API_KEY=%s and %d%%', key.slice(4, 36), 7);
      console.info({ deep: { list: [{ key }], map: new Map([[key, key]]), set: new Set([key]) } });
      console.warn(new Error('outer ' + key, { cause: new Error('inner ' + key) }));
      const circular = { key, get bad() { throw new Error(key); } };
      circular.self = circular;
      console.error(circular);
      console.debug(Buffer.from('x ' + hex), new TextEncoder().encode(hex), [new TextEncoder().encode(hex).buffer]);
      console.table([{ name: 'a', key }]);
      console.table([{ name: 'rows stay a table' }]);
      console.dir({ key }, { depth: 5 });
      console.trace('here ' + key);
      console.assert(false, 'it was ' + key);
      console.assert(true, 'nothing');
      console.group('group ' + key);
      console.groupEnd();
      console.count('count ' + key);
      console.log();
      console.log({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new Error(key); } });
      restore();
      console.log('restored ' + 'x'.repeat(3), { a: 1 });`;
    const { out, err } = runProgram(program, '', [secret, hex], command);
    const printed = out + err;
    for (const at of [4, 12, 36]) expect(printed).not.toContain(secret.slice(at, at + 12));
    expect(printed).not.toContain(
      Buffer.from(hex.slice(4, 12))
        .toString('hex')
        .replaceAll(/(..)(?=.)/g, '$1 '),
    );
    expect(printed).not.toContain([...Buffer.from(hex.slice(4, 8))].join(', '));
    expect(printed).toContain('plain [redacted groq-api-key] 1 true');
    expect(printed).toContain('MISTRAL_API_KEY=[redacted mistral-api-key] and 7%');
    expect(printed).toContain('inner [redacted groq-api-key]');
    expect(printed).toContain('rows stay a table');
    expect(printed).toContain('what cannot be printed');
    expect(printed).not.toContain('nothing');
    expect(printed).toContain('restored xxx');
  });
});
