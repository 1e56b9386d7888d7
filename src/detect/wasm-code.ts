/**
 * An assembler for the few WebAssembly instructions that `skim-program.ts` is written in: expressions are nested calls, control flow is `when` and
 * `repeat`. Nothing is built beforehand: the program is assembled when it is first wanted, in well under a millisecond.
 */

/** Instructions, as bytes, nested as they were put together. An expression leaves one value on the stack, a statement none. */
export interface Code extends ReadonlyArray<number | Code> {}

export type ValueType = 'i32' | 'i64' | 'v128';
const TYPE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, v128: 0x7b };

export interface Local {
  readonly get: Code;
  readonly set: (value: Code) => Code;
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>>= 7;
  } while (rest > 0);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const low = rest & 0x7f;
    const next = rest >> 7;
    const done = (next === 0 && (low & 0x40) === 0) || (next === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

type Binary = (left: Code, right: Code) => Code;
type Unary = (value: Code) => Code;

function binary(...opcode: readonly number[]): Binary {
  return (left, right) => [left, right, opcode];
}

function unary(...opcode: readonly number[]): Unary {
  return (value) => [value, opcode];
}

function load(...opcode: readonly number[]): (address: Code, offset?: number) => Code {
  return (address, offset = 0) => [address, opcode, 0, unsigned(offset)];
}

export const i32 = {
  of: (value: number): Code => [0x41, signed(value)],
  add: binary(0x6a),
  sub: binary(0x6b),
  and: binary(0x71),
  or: binary(0x72),
  shl: binary(0x74),
  shrU: binary(0x76),
  mul: binary(0x6c),
  ctz: unary(0x68),
  eqz: unary(0x45),
  eq: binary(0x46),
  ne: binary(0x47),
  ltS: binary(0x48),
  gtS: binary(0x4a),
  leS: binary(0x4c),
  geS: binary(0x4e),
  wrap: unary(0xa7),
  load: load(0x28),
  load8: load(0x2d),
  store: (address: Code, value: Code, offset = 0): Code => [address, value, 0x36, 0, unsigned(offset)],
};

export const i64 = {
  /** Of 32 bits, with its sign. */
  of: (value: number): Code => [0x42, signed(value)],
  and: binary(0x83),
  or: binary(0x84),
  xor: binary(0x85),
  sub: binary(0x7d),
  shl: binary(0x86),
  shrU: binary(0x88),
  clz: unary(0x79),
  ctz: unary(0x7a),
  eqz: unary(0x50),
  fromU32: unary(0xad),
};

export const v128 = {
  load: load(0xfd, 0x00),
  splat8: unary(0xfd, 0x0f),
  /** A table of sixteen bytes, asked for sixteen places; each must be below 16. */
  lookUp: binary(0xfd, 0x0e),
  equal8: binary(0xfd, 0x23),
  and: binary(0xfd, 0x4e),
  or: binary(0xfd, 0x50),
  anyTrue: unary(0xfd, 0x53),
  /** The highest bit of each byte. */
  mask8: unary(0xfd, 0x64),
  shrU16: binary(0xfd, 0x8d, 0x01),
};

const NOTHING = 0x40;

export function when(condition: Code, then: readonly Code[], otherwise: readonly Code[] = []): Code {
  const rest: Code = otherwise.length > 0 ? [0x05, otherwise] : [];
  return [condition, 0x04, NOTHING, then, rest, 0x0b];
}

/** As long as the condition holds. */
export function repeat(condition: Code, body: readonly Code[]): Code {
  const leave: Code = [condition, 0x45, 0x0d, 1];
  return [0x02, NOTHING, 0x03, NOTHING, leave, body, 0x0c, 0, 0x0b, 0x0b];
}

/** The locals of one function; its parameters come first. */
export class Locals {
  readonly #types: ValueType[] = [];

  add(type: ValueType): Local {
    const index = unsigned(this.#types.push(type) - 1);
    return { get: [0x20, ...index], set: (value) => [value, 0x21, index] };
  }

  code(parameters: number): number[] {
    const own = this.#types.slice(parameters);
    return [...unsigned(own.length), ...own.flatMap((type) => [1, TYPE[type]])];
  }
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function named(name: string, ...rest: readonly number[]): number[] {
  return [...unsigned(name.length), ...Buffer.from(name), ...rest];
}

const FUNCTION = 0x60;
/** How every module begins: its name and its version. */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** One that gives an i32 back. */
export interface WasmFunction {
  /** How many of the locals are parameters, each of them an i32. */
  readonly parameters: number;
  readonly locals: Locals;
  readonly body: readonly Code[];
}

/** Calls the function at that place of the module. */
export function call(index: number, ...parameters: readonly Code[]): Code {
  return [parameters, 0x10, unsigned(index)];
}

function append(bytes: number[], code: Code): void {
  for (const part of code) {
    if (typeof part === 'number') bytes.push(part);
    else append(bytes, part);
  }
}

/** A module on a memory of its own, exported as `memory`; its first function is exported as `run`. */
export function moduleOf(functions: readonly WasmFunction[], pages: number): Uint8Array<ArrayBuffer> {
  const count = unsigned(functions.length);
  const types = functions.map(({ parameters }) => [
    FUNCTION,
    parameters,
    ...Array.from({ length: parameters }, () => TYPE.i32),
    1,
    TYPE.i32,
  ]);
  const bodies = functions.map(({ parameters, locals, body }) => {
    const code: number[] = [];
    append(code, [locals.code(parameters), body, 0x0b]);
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...MAGIC,
    ...section(1, [...count, ...types.flat()]),
    ...section(3, [...count, ...functions.keys()]),
    ...section(5, [1, 0, ...unsigned(pages)]),
    ...section(7, [2, ...named('run', 0, 0), ...named('memory', 2, 0)]),
    ...section(10, [...count, ...bodies.flat()]),
  ]);
}
