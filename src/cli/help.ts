/** Help pages, made from the command table. */
import type { Command, OptionSpec } from './command.ts';

const WIDTH = 100;

/** The page of one command. */
export function commandHelp(command: Command): string {
  const options = Object.entries(command.options);
  const rows = options.map(([name, spec]) => [optionName(name, spec), spec.help] as const);
  const sections = [
    `usage: ${usageLine(command)}`,
    command.summary,
    `options:\n${table([...rows, ['-h, --help', 'show this page']])}`,
    ...(command.notes ?? []).map((note) => wrap(note, 0)),
    `example:\n${command.examples.map((example) => `  ${example}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** The page of several commands that begin with the same word, or of all. */
export function overview(commands: readonly Command[], noun: string | null): string {
  const rows = commands.map(
    (command) => [usageLine(command).replace(/^sallyport /, ''), command.summary] as const,
  );
  const examples = noun === null ? FIRST_STEPS : commands.flatMap(({ examples }) => examples.slice(0, 1));
  const sections = [
    noun === null
      ? 'sallyport keeps LLM provider keys in a vault and lets calls through with access tokens and budgets.'
      : `usage: sallyport ${noun} COMMAND [options]`,
    `commands:\n${table(rows)}`,
    'Every command takes --help; sallyport help COMMAND shows the same page.',
    `${noun === null ? 'first steps' : 'examples'}:\n${examples.map((line) => `  ${line}`).join('\n')}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

const FIRST_STEPS = [
  'sallyport up',
  'sallyport key add groq --provider groq',
  'sallyport team add chat --monthly-budget-usd 250',
  "sallyport token issue --team chat --env dev --scope 'call:groq/*'",
];

function usageLine(command: Command): string {
  const options = Object.keys(command.options).length > 0 ? ['[options]'] : [];
  return ['sallyport', command.name, ...(command.args ?? []), ...options].join(' ');
}

function optionName(name: string, spec: OptionSpec): string {
  const short = spec.short === undefined ? '' : `-${spec.short}, `;
  const value = spec.type === 'boolean' ? '' : ` ${spec.value ?? 'VALUE'}`;
  return `${short}--${name}${value}`;
}

/** Two columns; a long left cell has its text on the next line. */
function table(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(38, Math.max(...rows.map(([cell]) => cell.length)));
  return rows
    .map(([cell, text]) => {
      const body = wrap(text, left + 4).trimStart();
      return cell.length <= left
        ? `  ${cell.padEnd(left)}  ${body}`
        : `  ${cell}\n${' '.repeat(left + 4)}${body}`;
    })
    .join('\n');
}

function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => `${' '.repeat(indent)}${one}`).join('\n');
}
