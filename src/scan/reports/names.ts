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

/** Likewise, and on one line. */
export function lineOf(text: string): string {
  return plain(nameOf(text));
}
