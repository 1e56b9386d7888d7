/** Journals in a folder of their own, and entries to write into them. */
import { createHmac } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authenticator } from '../../src/core/authenticator.ts';
import { encodeTuple } from '../../src/core/tuple.ts';
import type { CallEnd, CallProgress, CallStart, PlacedEntry } from '../../src/audit/entry.ts';
import { Journal, type JournalConfig } from '../../src/audit/journal.ts';
import { type JournalTail, readJournal } from '../../src/audit/reader.ts';
import type { AppliedPosition } from '../../src/records/trust.ts';
import { ManualClock } from './manual-clock.ts';

/** A fixed key: what it makes is only ever compared with itself. */
export const LAB_AUTHENTICATOR: Authenticator = {
  terms: [0],
  tag: (fields) =>
    Buffer.concat([Buffer.alloc(4), createHmac('sha256', 'lab').update(encodeTuple(fields)).digest()]),
  verify: (fields, tag) => LAB_AUTHENTICATOR.tag(fields).equals(tag),
};

export class JournalLab implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
  readonly clock = new ManualClock();
  /** What was appended through journals that this lab opened. */
  readonly written: PlacedEntry[] = [];
  /** Hears of every entry too, as it is appended. */
  onEntry: (placed: PlacedEntry) => void = () => undefined;

  /** Reads what is there and starts the next stream. */
  open(config: Partial<JournalConfig> = {}): Journal {
    const { tail } = this.read();
    return Journal.open(
      {
        folder: this.folder,
        node: 'n1',
        instance: 'testinstance0000',
        version: '0',
        authenticator: LAB_AUTHENTICATOR,
        segmentBytes: 1 << 20,
        collectMs: 1,
        ...config,
      },
      this.clock,
      tail,
      (placed) => {
        this.written.push(placed);
        this.onEntry(placed);
      },
    );
  }

  read(from?: AppliedPosition): { entries: PlacedEntry[]; tail: JournalTail } {
    return readAll(this.folder, from);
  }

  /** A copy of the folder that a test may break. */
  copy(): string {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-journal-'));
    cpSync(this.folder, folder, { recursive: true });
    return folder;
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function readAll(
  folder: string,
  from?: AppliedPosition,
): { entries: PlacedEntry[]; tail: JournalTail } {
  const reading = readJournal(folder, from);
  const entries: PlacedEntry[] = [];
  for (;;) {
    const next = reading.next();
    if (next.done) return { entries, tail: next.value };
    entries.push(next.value);
  }
}

export function callStart(id: string, holdPicoUsd = '1000', change: Partial<CallStart> = {}): CallStart {
  return {
    action: 'call.start',
    id,
    principal: 'token:t',
    userId: null,
    team: 'acme',
    project: null,
    environment: 'dev',
    tokenId: 't',
    resource: 'groq/chat/completions',
    provider: 'groq',
    model: 'm',
    address: 'a_x',
    keyId: 'groq@1',
    holdPicoUsd,
    charges: [{ budget: 'team-acme-month', period: '2026-11' }],
    metadata: {},
    ...change,
  };
}

export function callProgress(id: string, boundPicoUsd: string, completionTokens = 3): CallProgress {
  return { action: 'call.progress', id, boundPicoUsd, completionTokens };
}

export function callEnd(id: string, costPicoUsd = '400', change: Partial<CallEnd> = {}): CallEnd {
  return {
    action: 'call.end',
    id,
    result: 'success',
    errorCode: null,
    promptTokens: 7,
    completionTokens: 5,
    cachedTokens: 1,
    costPicoUsd,
    basis: 'usage',
    overrunPicoUsd: '0',
    charges: [{ budget: 'team-acme-month', period: '2026-11' }],
    latencyMs: 12,
    recovered: false,
    ...change,
  };
}
