/** Looks for a secret in any disguise that a careless layer could have given it. */

const PIECE = 16;

export interface Haystack {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Every text by which `secret` would be given away: any 16 characters in a row, and the whole of it encoded. */
export function disguises(secret: string): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at + PIECE <= secret.length; at += 1)
    found.set(secret.slice(at, at + PIECE), 'a piece in clear');
  const bytes = Buffer.from(secret);
  found.set(JSON.stringify(secret).slice(1, -1), 'JSON-escaped');
  found.set([...bytes].map((byte) => `\\u${byte.toString(16).padStart(4, '0')}`).join(''), 'unicode-escaped');
  found.set([...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''), 'percent-encoded');
  found.set(
    [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
    'percent-encoded',
  );
  found.set(bytes.toString('hex'), 'hex');
  found.set(bytes.toString('hex').toUpperCase(), 'hex');
  for (const alphabet of ['base64', 'base64url'] as const) {
    for (const offset of [0, 1, 2]) {
      // What stands before shifts the encoding; the characters that mix with a neighbour are cut off.
      const text = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString(alphabet)
        .replaceAll('=', '');
      found.set(text.slice(offset === 0 ? 0 : offset + 1, -2), `${alphabet} at offset ${offset}`);
    }
  }
  return found;
}

/** `<haystack>: <disguise>` for each find. */
export function findLeaks(
  haystacks: readonly Haystack[],
  secrets: Readonly<Record<string, string>>,
): string[] {
  const leaks: string[] = [];
  for (const [label, secret] of Object.entries(secrets)) {
    for (const [needle, disguise] of disguises(secret)) {
      for (const { name, bytes } of haystacks)
        if (bytes.includes(needle)) leaks.push(`${label} in ${name}: ${disguise}`);
    }
  }
  return [...new Set(leaks)];
}
