/**
 * Exports of chats: a Slack export's days (a folder a channel, a file a day), Discord, Telegram and Microsoft Teams as their programs write them. Each
 * finding says when it was written, by whom and in which channel.
 */
import type { Parts } from './format.ts';
import { eachJsonString, JoinedStrings } from './json-strings.ts';

const LEAST_TEXT = 20;
const MOST_BYTES = 128 * 1024 * 1024;
/** The field of the document in which messages are; in a Slack export they are the document. */
const LISTS = ['messages', 'value'];
type Fields = Readonly<Record<string, unknown>>;

export function openChat(parts: Parts): void {
  if (parts.bytes.length > MOST_BYTES) throw new Error('it is too large');
  const document = parsed(parts.bytes);
  const list = Array.isArray(document) ? null : LISTS.find((name) => Array.isArray(fieldsOf(document)[name]));
  // Not an export after all.
  if (list === undefined) return;
  const messages = list === null ? document : fieldsOf(document)[list];
  if (!Array.isArray(messages)) return;
  const depth = list === null ? 0 : 1;
  const channel = channelOf(parts.path, document);
  eachJsonString(parts.bytes, (path, string) => {
    const index = path[depth];
    if ((list !== null && path[0] !== list) || typeof index !== 'number') return;
    if (string.end - string.start < LEAST_TEXT) return;
    const text = new JoinedStrings(parts.bytes);
    text.add(string);
    const where = [...channel, ...authorship(fieldsOf(messages[index]))].join(', ');
    parts.text({ bytes: text.text, where, placeOf: text.placeOf, once: `${index}` });
  });
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The name in the file, else that of the folder. */
function channelOf(path: string, document: unknown): string[] {
  const { channel, name } = fieldsOf(document);
  const own = [fieldsOf(channel)['name'], name].find((text) => typeof text === 'string');
  const folder = Array.isArray(document) ? path.split(/[/!]/).at(-2) : undefined;
  const found = typeof own === 'string' ? own : folder;
  return found === undefined ? [] : [`#${found}`];
}

/** When and who, of whichever program. */
function authorship(message: Fields): string[] {
  const at = [message['timestamp'], message['createdDateTime'], message['date'], timeOf(message['ts'])].find(
    (time) => typeof time === 'string',
  );
  const profile = fieldsOf(message['user_profile']);
  const author = fieldsOf(message['author']);
  const { from } = message;
  const user = fieldsOf(fieldsOf(from)['user']);
  const who = [
    profile['real_name'],
    profile['name'],
    author['name'],
    from,
    user['displayName'],
    message['username'],
    message['user'],
  ].find((name) => typeof name === 'string' && name !== '');
  return [at, who].filter((text) => typeof text === 'string');
}

/** Slack's `ts` is in seconds. */
function timeOf(ts: unknown): string | undefined {
  const seconds = typeof ts === 'string' ? Number(ts) : Number.NaN;
  return seconds > 0 && seconds < 1e11 ? new Date(seconds * 1000).toISOString() : undefined;
}
