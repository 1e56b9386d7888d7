/** Command lines for a POSIX shell, to be shown and to be run: the same text for both. */

/** A word as a shell reads it back. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** Programs that read from each other. */
export function shellPipeline(programs: readonly (readonly string[])[]): string {
  return programs.map(shellLine).join(' | ');
}
