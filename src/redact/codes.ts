/** A character of a text as one byte: ASCII as it is; whatever else as a byte that belongs to nothing that a key is made of. */
export function codeOf(unit: number): number {
  return unit < 0x80 ? unit : 0xc0 | (unit & 0x3f);
}

export function codesOf(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length }, (_, at) => codeOf(text.charCodeAt(at)));
}

/** As TextEncoder does, which not every place where JavaScript runs has. */
export function utf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else {
      const low = [0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63)];
      bytes.push(0xf0 | (code >> 18), ...low);
    }
  }
  return Uint8Array.from(bytes);
}
