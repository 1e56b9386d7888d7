// Made from src/redact by `npm run lib`; changes here are lost.
export interface RedactOptions {
  /** Ids of rules that are not looked for. */
  readonly except?: readonly string[];
  /** False leaves out the values that are told by what stands around them: then only what could be the start of a prefix is held back. */
  readonly context?: boolean;
  /** What has nothing but a name such as `password` before it as well. */
  readonly generic?: boolean;
  /** What only begins like a key, and long runs of mixed characters, as well. */
  readonly wide?: boolean;
  /** Values that are known, at least 8 characters each: found as they stand, in base64, percent-encoded and as JSON writes them. */
  readonly known?: readonly string[];
  /** What stands in the place of a secret; `rule` is the id of the rule that found it. `[redacted RULE]` when it is left out. */
  readonly mark?: (rule: string) => string;
}

export interface Redactor<T> {
  /** More of the text; returns what can be let go. */
  push(piece: T): T;
  /**
   * White space that is held between two lines of a private key, which alone is harmless: for when nothing has come for a while, and somebody waits
   * for the end of a line.
   */
  release(): T;
  /** The rest. What is pushed then is a text of its own. */
  end(): T;
  /** How many were taken out, by the id of the rule. */
  readonly found: ReadonlyMap<string, number>;
  /** How many characters are held back. */
  readonly held: number;
}

/** For text. Throws a TypeError for options that cannot be meant. */
export declare function createRedactor(options?: RedactOptions): Redactor<string>;
/** For bytes in UTF-8, cut anywhere; bytes that are no text pass as they are. */
export declare function createByteRedactor(options?: RedactOptions): Redactor<Uint8Array>;
/** A text as a whole. */
export declare function redactText(text: string, options?: RedactOptions): string;
/** What stands in the place of what the rule found, unless `mark` is given. */
export declare function markOf(rule: string): string;
/** No redactor holds back more characters. */
export declare const MOST_HELD: number;
