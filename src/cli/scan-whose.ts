/**
 * `scan --whose` and `--respond`: asks the gateway about the values that were found, by hashes (docs/adr/0043), and has it act. The scan's verdict
 * does not depend on it: what could not be asked or done is said.
 */
import { randomBytes } from 'node:crypto';
import {
  MAX_LEAK_VALUES,
  type LeakedKey,
  type LeakedToken,
  type LeakQuestion,
} from '../admin/leak-shapes.ts';
import { LEAK_SALT_BYTES, leakHash, tokenLeakHash } from '../core/leak-hash.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import type { Finding } from '../scan/finding.ts';
import { keepUntilEnd } from '../scan/keep-until-end.ts';
import type { KeyOwner, Owner, TokenOwner } from '../scan/owner.ts';
import { lineOf } from '../scan/reports/names.ts';
import type { StageMaker } from '../scan/sink.ts';
import { AdminClient, type ServerValues } from './client.ts';
import type { Io } from './io.ts';

export interface WhoseOptions extends ServerValues {
  readonly respond: boolean;
}

type Owners = Map<string, { owners: Owner[] }>;

const TOKEN_RULE = 'sallyport-token';
const TOKEN_ID_AT = 'sallyp_s'.length;
const TOKEN_ID_CHARS = 12;
const MOST_PLACE_CHARS = 300;

/** Throws what `AdminClient.open` throws, but for a server that does not run: that is said when there is something to ask. */
export function whoseStage(options: WhoseOptions, io: Io, say: (text: string) => void): StageMaker {
  let client: AdminClient | SallyportError;
  try {
    client = AdminClient.open(options, io);
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'admin.unreachable') throw error;
    client = error;
  }
  return keepUntilEnd(async (findings) => {
    const owners: Owners = new Map();
    try {
      if (client instanceof SallyportError) throw client;
      await ask(client, findings, options.respond, owners, say);
    } catch (error) {
      const { message, fix } = asSallyportError(error);
      const what = options.respond
        ? 'not all of it was asked about, marked or revoked'
        : 'whose it is, is not known of all';
      say(`${what}: ${message}${fix === undefined ? '' : ` (${fix})`}`);
    }
    return owners;
  });
}

/** By fingerprint, whose the values are. Rejects as the client does. */
export async function askWhose(
  client: AdminClient,
  findings: readonly Finding[],
  respond: boolean,
  say: (text: string) => void,
): Promise<ReadonlyMap<string, { readonly owners: readonly Owner[] }>> {
  const owners: Owners = new Map();
  await ask(client, findings, respond, owners, say);
  return owners;
}

/** Adds to `owners` as answers come, so that what was done is told even where the next question fails. */
async function ask(
  client: AdminClient,
  findings: readonly Finding[],
  respond: boolean,
  owners: Owners,
  say: (text: string) => void,
): Promise<void> {
  const distinct = [...new Map(findings.map((finding) => [finding.fingerprint, finding])).values()];
  // A hash of what a person may have chosen could be undone by trying.
  const askable = distinct.filter(({ rule }) => rule.guessable !== true);
  const tokens = askable.filter(({ rule }) => rule.id === TOKEN_RULE);
  const values = askable.filter(({ rule }) => rule.id !== TOKEN_RULE);
  const add = ({ fingerprint }: Finding, owner: Owner): void => {
    const known = owners.get(fingerprint)?.owners ?? [];
    owners.set(fingerprint, { owners: [...known, owner] });
  };
  let notCompared = 0;
  for (let from = 0; from < Math.max(values.length, tokens.length); from += MAX_LEAK_VALUES) {
    const someValues = values.slice(from, from + MAX_LEAK_VALUES);
    const someTokens = tokens.slice(from, from + MAX_LEAK_VALUES);
    const body = questionOf(someValues, someTokens, respond);
    const answer: {
      readonly keys: readonly (LeakedKey & { changed?: boolean })[];
      readonly tokens: readonly (LeakedToken & { changed?: boolean })[];
      readonly notCompared: number;
    } = await client.call(respond ? 'leak.respond' : 'leak.lookup', { body });
    // Also known is that the gateway does not know it.
    for (const { fingerprint } of [...someValues, ...someTokens]) owners.set(fingerprint, { owners: [] });
    for (const key of answer.keys) {
      const finding = someValues[key.index];
      if (finding) add(finding, keyOwner(key));
    }
    for (const token of answer.tokens) {
      const finding = someTokens[token.index];
      if (finding) add(finding, tokenOwner(token));
    }
    ({ notCompared } = answer);
  }
  if (notCompared > 0) say(`${notCompared} versions of keys in the gateway could not be opened to compare`);
}

function questionOf(
  values: readonly Finding[],
  tokens: readonly Finding[],
  withPlaces: boolean,
): LeakQuestion {
  const salt = randomBytes(LEAK_SALT_BYTES);
  const place = (finding: Finding): { place?: string } => (withPlaces ? { place: placeOf(finding) } : {});
  return {
    salt: salt.toString('base64url'),
    values: values.map((finding) => ({
      hash: finding.value.reveal((bytes) => leakHash(salt, bytes)).toString('base64url'),
      ...place(finding),
    })),
    tokens: tokens.map((finding) => ({
      // The id is public, the rest of the text is not.
      id: finding.value.revealText((text) => text.slice(TOKEN_ID_AT, TOKEN_ID_AT + TOKEN_ID_CHARS)),
      hash: finding.value.reveal((bytes) => tokenLeakHash(bytes)).toString('base64url'),
      ...place(finding),
    })),
  };
}

/** Goes on record in the gateway. */
function placeOf({ path, line, column, commit }: Finding): string {
  const where = line === 0 ? '' : `:${line}:${column}`;
  const since = commit === undefined ? '' : ` in commit ${commit.slice(0, 12)}`;
  return `${lineOf(path).slice(0, MOST_PLACE_CHARS - where.length - since.length)}${where}${since}`;
}

function keyOwner(answered: LeakedKey & { changed?: boolean }): KeyOwner {
  const { index: _, exposed, changed = false, ...key } = answered;
  return {
    kind: 'key',
    ...key,
    exposed: exposed && { at: exposed.at, by: exposed.by, place: exposed.place },
    marked: changed,
  };
}

function tokenOwner(answered: LeakedToken & { changed?: boolean }): TokenOwner {
  const { index: _, changed = false, ...token } = answered;
  return { kind: 'token', ...token, revoked: changed };
}
