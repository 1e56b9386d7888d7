/** Text from elsewhere, made safe to print: a terminal obeys control characters. */

/** Without control and format characters, so that it is one line as well. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}
