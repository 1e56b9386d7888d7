/**
 * What a stream of events says, by the letter of the format (WHATWG HTML 9.2.6) and without regard to speed: the oracle for the meter. Line
 * ends are CR LF, LF or CR; a byte order mark in front is none of the text; an event is what stands between blank lines.
 */

export interface ReferenceEvent {
  /** Its data lines, joined. */
  readonly data: string;
  /** It was written as every provider writes it: one `data:` line, line feeds or CR LF. */
  readonly plain: boolean;
}

export function referenceEvents(bytes: Buffer): ReferenceEvent[] {
  const text = new TextDecoder('utf-8').decode(bytes);
  const events: ReferenceEvent[] = [];
  let data: string[] = [];
  // What the meter does not take apart: a lone carriage return as a line end, and a byte order mark in front.
  const odd = /\r(?!\n)/.test(text) || bytes.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]));
  for (const match of text.matchAll(/([^\r\n]*)(\r\n|\n|\r|$)/g)) {
    const [, line = ''] = match;
    if (line === '') {
      if (data.length > 0) events.push({ data: data.join('\n'), plain: !odd && data.length === 1 });
      data = [];
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    if (field === 'data') data.push(colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, ''));
  }
  if (data.length > 0) events.push({ data: data.join('\n'), plain: !odd && data.length === 1 });
  return events;
}
