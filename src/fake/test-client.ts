/**
 * Small clients for the fake's own tests.
 */
import { connect } from 'node:net';
import type { FakeUpstream } from './fake.ts';

/** Assembled at run time, so that no scanner mistakes it for a leaked key. */
export const KEY = ['gsk', 'fakeTestKey'.repeat(4)].join('_');

export const MODEL = 'openai/gpt-oss-20b';

export interface Chunk {
  readonly id: string;
  readonly system_fingerprint: string;
  readonly choices: readonly {
    readonly delta: {
      readonly role?: string;
      readonly content?: string;
      readonly reasoning?: string;
      readonly channel?: string;
      readonly tool_calls?: readonly {
        readonly id?: string;
        readonly function: { readonly name?: string; readonly arguments: string };
      }[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: WireUsage;
  readonly service_tier?: string;
  readonly x_groq?: { readonly id: string; readonly usage?: WireUsage; readonly error?: string };
  readonly error?: { readonly message: string };
}

export interface WireUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details?: { readonly cached_tokens: number };
  readonly completion_tokens_details?: { readonly reasoning_tokens: number };
}

export interface Completion {
  readonly id: string;
  readonly choices: readonly {
    readonly message: {
      readonly content: string | null;
      readonly reasoning?: string;
      readonly tool_calls?: readonly {
        readonly function: { readonly name: string; readonly arguments: string };
      }[];
    };
    readonly finish_reason: string;
  }[];
  readonly usage?: WireUsage;
  readonly usage_breakdown?: null;
  readonly system_fingerprint: string;
  readonly x_groq: { readonly id: string };
}

export interface ErrorBody {
  readonly error: { readonly message: string; readonly type?: string; readonly code?: string };
}

export function chatBody(extra: Record<string, unknown> = {}): Record<string, unknown> {
  return { model: MODEL, messages: [{ role: 'user', content: 'Say something.' }], ...extra };
}

export function post(
  fake: FakeUpstream,
  extra: Record<string, unknown> = {},
  init: Omit<BunFetchRequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${fake.url}/openai/v1/chat/completions`, {
    method: 'POST',
    redirect: 'manual',
    body: JSON.stringify(chatBody(extra)),
    ...init,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', ...init.headers },
  });
}

export async function complete(fake: FakeUpstream, extra: Record<string, unknown> = {}): Promise<Completion> {
  return (await (await post(fake, extra)).json()) as Completion;
}

/** The text of a whole stream. */
export async function streamText(fake: FakeUpstream, extra: Record<string, unknown> = {}): Promise<string> {
  return await (await post(fake, { stream: true, ...extra })).text();
}

/** The data lines of a stream, `[DONE]` left out. */
export function chunksOf(text: string): Chunk[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Chunk);
}

export async function streamChunks(
  fake: FakeUpstream,
  extra: Record<string, unknown> = {},
): Promise<Chunk[]> {
  return chunksOf(await streamText(fake, extra));
}

interface ByteReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

/** What is read until `until` appears or the stream ends; the reader stays open. */
export async function readUntil(reader: ByteReader, until: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  while (!text.includes(until)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}

export interface RawAnswer {
  readonly bytes: Buffer;
  /** Reads the bytes came in. */
  readonly reads: number;
  /** The socket was reset instead of ended. */
  readonly reset: boolean;
}

/** A streamed chat call over a bare socket, read until the server closes or the terminating chunk comes. */
export function rawPost(fake: FakeUpstream, extra: Record<string, unknown> = {}): Promise<RawAnswer> {
  const body = JSON.stringify(chatBody({ stream: true, ...extra }));
  const head = [
    'POST /openai/v1/chat/completions HTTP/1.1',
    'host: fake',
    `authorization: Bearer ${KEY}`,
    'accept-encoding: identity',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let reset = false;
    const socket = connect(Number(new URL(fake.url).port), '127.0.0.1');
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece);
      if (piece.toString('latin1').endsWith('0\r\n\r\n')) socket.destroy();
    });
    socket.on('error', () => (reset = true));
    socket.on('close', () => resolve({ bytes: Buffer.concat(pieces), reads: pieces.length, reset }));
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}

/** Waits until the condition holds; fails after a second. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 1000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('condition did not come true within a second');
    await Bun.sleep(1);
  }
}
