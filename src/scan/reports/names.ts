/** Names and texts from elsewhere, made fit to be printed: no secret in them, and nothing that a terminal would obey. */
import { plain } from '../../core/plain.ts';
import { findDeep } from '../../detect/deep.ts';

const HIDDEN = '[redacted]';

/** A text without the secrets that may be in it. What it is written into has to neutralise control characters by itself. */
export function nameOf(text: string): string {
  const bytes = Buffer.from(text);
  let name = '';
  let at = 0;
  for (const { start, end } of findDeep(bytes)) {
    if (start >= at) name += bytes.toString('utf8', at, start) + HIDDEN;
    at = Math.max(at, end);
  }
  return name + bytes.toString('utf8', at);
}

/**
 * Likewise, on one line, and no command to what reads the log of a job: Azure and TeamCity obey `##vso[` and its like anywhere, GitHub `##[` too, and
 * two colons where a line begins.
 */
export function lineOf(text: string): string {
  return plain(nameOf(text))
    .replaceAll(/#(?=#\w*\[)/g, '\uFFFD')
    .replace(/^(?=\s*::)/, './');
}

/** JSON with all escaped that a terminal obeys or hides, and what begins a command in the log of a job: it may be printed there. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent)
    .replaceAll(/[\u007F-\u009F\p{Cf}\p{Zl}\p{Zp}]/gu, escapes)
    .replaceAll(/#(?=#\w*\[)/g, escapes);
}

function escapes(character: string): string {
  return character.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
