/** Rows for the store contracts: every field set to something that a careless store would change. */
import { SallyportError } from '../../src/core/errors.ts';
import type { BudgetStatusRow, IndexBatch, IndexRow, PseudonymRow } from '../../src/audit/store.ts';
import type { RecordRow, TrustRow } from '../../src/records/store.ts';
import type { Storage } from '../../src/storage/storage.ts';

export const INT64_MAX = 2n ** 63n - 1n;
/** The first whole number above what a float holds exactly. */
export const ABOVE_2_53 = 2n ** 53n + 1n;
/** Quotes, a NUL, a line break, an astral and a combining character, and what LIKE would expand. */
export const UNICODE = `O'Brien "ä" e\u0301 %_ \u0000 \n 🗝️ 漢字`;

/** Opens an empty storage; the caller closes it. */
export type OpenStorage = () => Promise<Storage>;

/** Runs `use` on an empty storage and closes it. */
export async function withStorage(
  open: OpenStorage,
  use: (storage: Storage) => Promise<void>,
): Promise<void> {
  const storage = await open();
  try {
    await use(storage);
  } finally {
    await storage.close();
  }
}

/** `size` bytes that differ from each other and begin with 0. */
export function bytes(size: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 37 + seed) % 256);
}

export function record(id: string, change: Partial<RecordRow> = {}): RecordRow {
  return { kind: 'token', id, revision: 1, body: '{}', sealed: null, mac: bytes(36), ...change };
}

export function trust(seq: number, change: Partial<TrustRow> = {}): TrustRow {
  return {
    stream: 'node@boot1',
    seq,
    hash: bytes(32, seq),
    segment: 3,
    offset: seq * 600,
    mac: bytes(36, seq),
    ...change,
  };
}

/** An ended call. */
export function call(id: string, change: Partial<IndexRow> = {}): IndexRow {
  return {
    id,
    stream: 'node@boot1',
    seq: 1,
    atMs: 1_763_700_000_000,
    action: 'call',
    principal: 'token:abc',
    userId: null,
    team: 'team-a',
    project: null,
    environment: 'prod',
    tokenId: 'tokenA',
    resource: 'groq/chat.completions',
    provider: 'groq',
    model: 'openai/gpt-oss-20b',
    keyId: 'key-a',
    address: 'a_1234',
    promptTokens: 10,
    completionTokens: 20,
    cachedTokens: 0,
    costPicoUsd: 1_000n,
    boundPicoUsd: 5_000n,
    overrunPicoUsd: 0n,
    basis: 'usage',
    latencyMs: 321.5,
    result: 'success',
    errorCode: null,
    charges: '[]',
    metadata: '{}',
    ...change,
  };
}

/** A call that was started and has no end. */
export function openCall(id: string, change: Partial<IndexRow> = {}): IndexRow {
  return call(id, {
    promptTokens: 0,
    completionTokens: 0,
    costPicoUsd: 0n,
    basis: null,
    latencyMs: null,
    result: null,
    ...change,
  });
}

export function status(budget: string, change: Partial<BudgetStatusRow> = {}): BudgetStatusRow {
  return {
    budget,
    period: '2026-11',
    spentPicoUsd: 0n,
    overrunPicoUsd: 0n,
    alertedPercent: 0,
    exhausted: false,
    paused: false,
    mac: bytes(36),
    ...change,
  };
}

export function pseudonym(commitment: string, change: Partial<PseudonymRow> = {}): PseudonymRow {
  return { commitment, kind: 'user', value: 'ada@example.org', salt: bytes(16), ...change };
}

export function batch(change: Partial<IndexBatch> = {}): IndexBatch {
  return { rows: [], statuses: [], pseudonyms: [], outbox: [], trust: trust(1), ...change };
}

/** The SallyportError that `promise` rejects with; throws when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<SallyportError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SallyportError) return error;
    throw error;
  }
  throw new Error('expected a rejection, but it resolved');
}
