/**
 * Our command in the settings of lefthook that are one's own (`lefthook-local.yml`): lefthook would replace a hook of ours, but merges
 * these. Existing settings are changed only where the result, read again, is the old one and our command.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { blockOf, readBlock } from './marked-block.ts';

const ENDINGS = ['yml', 'yaml', 'json', 'jsonc', 'toml'];
const FOLDERS = ['', '.', '.config/'];
const OWN = 'lefthook-local.yml';
const ABOUT = 'stops a commit that adds a secret; sallyport hook uninstall takes this out';
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

/** The settings with our command, which runs `run`; null when they are of a form that is better changed by hand. */
export function withCommand(text: string, run: string): string | null {
  const { before, behind } = readBlock(text);
  const old = before + behind;
  const entry = [`${COMMAND}:`, `  run: ${JSON.stringify(run)}`];
  const candidate = insert(old, entry);
  return candidate !== null && isOldAndOurs(old, candidate, run) ? candidate : null;
}

export function withoutCommand(text: string): string {
  const { before, behind } = readBlock(text);
  return before + behind;
}

/** What somebody would write by hand. */
export function commandByHand(run: string): string {
  return `pre-commit: { commands: { ${COMMAND}: { run: ${JSON.stringify(run)} } } }`;
}

function insert(text: string, entry: readonly string[]): string | null {
  const hook = /^pre-commit:[ \t]*(?:#[^\n]*)?\n/m.exec(text);
  if (!hook) {
    if (/^["']?pre-commit["']?[ \t]*:/m.test(text)) return null;
    const gap = text === '' || text.endsWith('\n') ? '' : null;
    if (gap === null) return null;
    return text + blockOf(['pre-commit:', '  commands:', ...entry.map((line) => `    ${line}`)], ABOUT);
  }
  const start = hook.index + hook[0].length;
  const section = /^(?:[ \t]+[^\n]*\n|[ \t]*#[^\n]*\n|\n)*/.exec(text.slice(start))?.[0] ?? '';
  const indent = /^( +)[^\s#]/m.exec(section)?.[1] ?? '  ';
  const commands = new RegExp(`^${indent}commands:[ \\t]*(?:#[^\\n]*)?\\n`, 'm').exec(section);
  if (!commands) {
    const lines = ['commands:', ...entry.map((line) => `  ${line}`)];
    return splice(text, start, blockOf(lines, ABOUT, { indent }));
  }
  const inside = commands.index + commands[0].length;
  const deeper = /^( +)[^\s#]/m.exec(section.slice(inside))?.[1] ?? `${indent}  `;
  return splice(text, start + inside, blockOf(entry, ABOUT, { indent: deeper }));
}

function splice(text: string, at: number, piece: string): string {
  return text.slice(0, at) + piece + text.slice(at);
}

function isOldAndOurs(old: string, candidate: string, run: string): boolean {
  try {
    const before = asRecord(Bun.YAML.parse(old)) ?? {};
    const hook = asRecord(before['pre-commit']) ?? {};
    const commands = asRecord(hook['commands']) ?? {};
    const wanted = { ...before, 'pre-commit': { ...hook, commands: { ...commands, [COMMAND]: { run } } } };
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
