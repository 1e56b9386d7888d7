/**
 * Our command in the settings of lefthook that are one's own (`lefthook-local.yml`): lefthook would replace a hook of ours, but merges
 * these. Existing settings are changed only where the result, read again, is the old one and our command.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { aboutBlock, type HookName } from './hook-script.ts';
import { type BlockName, blockOf, readBlock } from './marked-block.ts';

const ENDINGS = ['yml', 'yaml', 'json', 'jsonc', 'toml'];
const FOLDERS = ['', '.', '.config/'];
const OWN = 'lefthook-local.yml';
const COMMAND = 'sallyport';

export function hasLefthook(top: string): boolean {
  return firstOf(top, 'lefthook') !== undefined || firstOf(top, 'lefthook-local') !== undefined;
}

/** The file of own settings, relative to the work tree; it may not be there yet. */
export function lefthookFile(top: string): string {
  return firstOf(top, 'lefthook-local') ?? OWN;
}

function firstOf(top: string, name: string): string | undefined {
  const names = FOLDERS.flatMap((folder) => ENDINGS.map((ending) => `${folder}${name}.${ending}`));
  return names.find((path) => existsSync(join(top, path)));
}

/** Whether a hook's text is lefthook's. */
export function isLefthookHook(text: string): boolean {
  return /\bcall_lefthook\b|^# ?lefthook/im.test(text);
}

/** What lefthook is told to run: git's arguments stand for numbers, and standard input is passed on when asked for. */
function entryOf(hook: HookName, run: string): Readonly<Record<string, string | boolean>> {
  return hook === 'pre-push' ? { run: `${run} '{1}'`, use_stdin: true } : { run };
}

function blockName(hook: HookName): BlockName {
  return hook === 'pre-push' ? 'sallyport-push' : 'sallyport';
}

export function hasCommand(text: string, hook: HookName): boolean {
  return readBlock(text, blockName(hook)).block !== null;
}

/** The settings with our command, which runs `run`; null when they are of a form that is better changed by hand. */
export function withCommand(text: string, run: string, hook: HookName): string | null {
  const old = withoutCommand(text, hook);
  const entry = entryOf(hook, run);
  const lines = Object.entries(entry).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`);
  const candidate = insert(old, hook, [`${COMMAND}:`, ...lines]);
  return candidate !== null && isOldAndOurs(old, candidate, hook, entry) ? candidate : null;
}

export function withoutCommand(text: string, hook: HookName): string {
  const { before, behind } = readBlock(text, blockName(hook));
  return before + behind;
}

/** What somebody would write by hand. */
export function commandByHand(run: string, hook: HookName): string {
  const entry = Object.entries(entryOf(hook, run)).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  return `${hook}: { commands: { ${COMMAND}: { ${entry.join(', ')} } } }`;
}

function insert(text: string, hook: HookName, entry: readonly string[]): string | null {
  const form = { name: blockName(hook) };
  const about = aboutBlock(hook);
  const section = new RegExp(`^${hook}:[ \\t]*(?:#[^\\n]*)?\\n`, 'm').exec(text);
  if (!section) {
    if (new RegExp(`^["']?${hook}["']?[ \\t]*:`, 'm').test(text)) return null;
    if (text !== '' && !text.endsWith('\n')) return null;
    return text + blockOf([`${hook}:`, '  commands:', ...entry.map((line) => `    ${line}`)], about, form);
  }
  const start = section.index + section[0].length;
  const body = /^(?:[ \t]+[^\n]*\n|[ \t]*#[^\n]*\n|\n)*/.exec(text.slice(start))?.[0] ?? '';
  const indent = /^( +)[^\s#]/m.exec(body)?.[1] ?? '  ';
  const commands = new RegExp(`^${indent}commands:[ \\t]*(?:#[^\\n]*)?\\n`, 'm').exec(body);
  if (!commands) {
    const lines = ['commands:', ...entry.map((line) => `  ${line}`)];
    return splice(text, start, blockOf(lines, about, { ...form, indent }));
  }
  const inside = commands.index + commands[0].length;
  const deeper = /^( +)[^\s#]/m.exec(body.slice(inside))?.[1] ?? `${indent}  `;
  return splice(text, start + inside, blockOf(entry, about, { ...form, indent: deeper }));
}

function splice(text: string, at: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at);
}

function isOldAndOurs(old: string, candidate: string, name: HookName, entry: object): boolean {
  try {
    const before = asRecord(Bun.YAML.parse(old)) ?? {};
    const hook = asRecord(before[name]) ?? {};
    const commands = asRecord(hook['commands']) ?? {};
    const wanted = { ...before, [name]: { ...hook, commands: { ...commands, [COMMAND]: entry } } };
    return !(COMMAND in commands) && Bun.deepEquals(Bun.YAML.parse(candidate), wanted);
  } catch {
    return false;
  }
}

function asRecord(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}
