/** What every hostile input has to leave behind: nothing. And raw requests, byte for byte, for what no client would send. */
import { expect } from 'bun:test';
import { join } from 'node:path';
import { realFolder, socketOwner, socketPath } from '../../src/admin/socket-path.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import { balance, eventually, journaledCalls } from './calls.ts';
import type { OpenGate } from './harness.ts';
import { RawClient, type RawReply } from './raw-client.ts';
import { chatJson, postChat } from './setup.ts';

/** Calls that are running, as the gateway says on its admin socket. */
export async function liveCalls(data: string): Promise<number> {
  const unix = socketPath(realFolder(data), socketOwner(process.env));
  const reply = await fetch('http://sallyport/v1/status', { unix });
  return ((await reply.json()) as { liveCalls: number }).liveCalls;
}

/**
 * No call is running, nothing is held, every call has one end and the ledger is their sum, the journal verifies, the next call is
 * served; and the provider got only what the journal knows.
 */
export async function expectUnharmed(gate: OpenGate): Promise<void> {
  await eventually(async () => (await liveCalls(gate.data)) === 0);
  const { costPicoUsd, spentPicoUsd, heldPicoUsd, unsettled } = await balance(gate);
  expect({ spentPicoUsd, heldPicoUsd, unsettled }).toEqual({
    spentPicoUsd: costPicoUsd,
    heldPicoUsd: 0n,
    unsettled: [],
  });
  expect(verifyJournal(join(gate.data, 'journal'))).toMatchObject({ ok: true });
  const known = journaledCalls(gate);
  expect(gate.fake.calls().filter(({ requestId }) => !known.has(requestId ?? ''))).toEqual([]);
  expect((await postChat(gate, {})).status).toBe(200);
}

export interface Answer extends RawReply {
  /** The server has closed the connection. */
  readonly closed: boolean;
  /** Everything that came, as it came. */
  readonly raw: string;
}

/** Sends bytes on a connection of their own and takes what comes until a whole reply is there or the connection is closed. */
export async function exchange(
  url: string,
  pieces: readonly (string | Buffer)[],
  options: { readonly gapMs?: number; readonly untilClosed?: boolean; readonly ms?: number } = {},
): Promise<Answer> {
  const { gapMs = 0, untilClosed = false, ms = 5000 } = options;
  const client = new RawClient(url);
  for (const piece of pieces) {
    client.socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece);
    if (gapMs > 0) await Bun.sleep(gapMs);
    if (client.closed) break;
  }
  if (untilClosed) await client.end(ms);
  else await client.whole(ms).catch(() => undefined);
  const { reply, closed } = client;
  client.socket.destroy();
  return { ...reply, closed, raw: client.received.toString('latin1') };
}

/** A request as text, with exactly these header lines behind the request line. */
export function rawRequest(line: string, headers: readonly string[], body = ''): string {
  return `${[line, ...headers].join('\r\n')}\r\n\r\n${body}`;
}

/** A good chat call, one part of which a test spoils. */
export function rawChat(
  token: string,
  change: {
    readonly line?: string;
    readonly host?: string | null;
    readonly length?: string | null;
    readonly more?: readonly string[];
    readonly body?: string;
  } = {},
): string {
  const { line = 'POST /openai/v1/chat/completions HTTP/1.1', host = 'gate', more = [] } = change;
  const body = change.body ?? chatJson({});
  const length = change.length === undefined ? String(Buffer.byteLength(body)) : change.length;
  return rawRequest(
    line,
    [
      ...(host === null ? [] : [`host: ${host}`]),
      `authorization: Bearer ${token}`,
      'content-type: application/json',
      ...(length === null ? [] : [`content-length: ${length}`]),
      ...more,
    ],
    body,
  );
}
