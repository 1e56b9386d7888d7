/**
 * OTLP/JSON as text, written directly because a span is made with every call: names in lower camel case, 64-bit integers as texts of digits,
 * ids in hex. Keys are our own and need no escaping.
 */

/** An attribute with a text for its value. */
export function text(key: string, value: string): string {
  return `{"key":"${key}","value":{"stringValue":${JSON.stringify(value)}}}`;
}

export function integer(key: string, value: number): string {
  return `{"key":"${key}","value":{"intValue":"${value}"}}`;
}

export function double(key: string, value: number): string {
  return `{"key":"${key}","value":{"doubleValue":${value}}}`;
}

/** Milliseconds since 1970 as nanoseconds; a number of that size would lose its last digits. */
export function nanoseconds(wallMs: number): string {
  return `"${Math.round(wallMs * 1000)}000"`;
}
