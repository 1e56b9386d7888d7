/** Kills real processes under load and looks at what they left behind. */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { CallEnd, CallStart, Entry } from '../../src/audit/entry.ts';
import { readJournal } from '../../src/audit/reader.ts';
import { verifyJournal } from '../../src/audit/verify.ts';
import type { FakeUpstream } from '../../src/fake/fake.ts';
import { MODEL, openGate, type RunningProcess, startProcess, tempFolder } from './harness.ts';

export interface Lab extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly token: string;
  readonly tokenId: string;
  readonly limitPicoUsd: bigint;
  /** A fresh copy of the prepared data folder. */
  freshData(): string;
}

/** A data folder with a team, its budget, a token, and a key for a fake that lives in this process. */
export async function openLab(budgetUsd: string): Promise<Lab> {
  const data = tempFolder();
  const gate = await openGate({ budgetUsd, data });
  const { fake, token, tokenId } = gate;
  await gate.app.ledger.setBudget('local', {
    subject: 'team:acme',
    period: 'month',
    limitPicoUsd: gate.app.ledger.view('team-acme-month').limitPicoUsd,
    onCap: 'refuse',
  });
  const { limitPicoUsd } = gate.app.ledger.view('team-acme-month');
  await gate.app.stop('prepared');
  const copies: string[] = [];
  return {
    fake,
    token,
    tokenId,
    limitPicoUsd,
    freshData: () => {
      const copy = join(tempFolder(), 'data');
      cpSync(data, copy, { recursive: true });
      copies.push(copy);
      return copy;
    },
    [Symbol.asyncDispose]: async () => {
      await fake.stop();
      for (const folder of [data, ...copies.map((copy) => join(copy, '..'))])
        rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Calls from eight clients, every other one streamed, until `process` is gone or `untilMs` is over. */
export async function load(process: RunningProcess, token: string, untilMs: number): Promise<void> {
  let over = false;
  void process.exited.then(() => (over = true));
  const endMs = performance.now() + untilMs;
  const client = async (number: number): Promise<void> => {
    for (let call = 0; call < 2000 && !over && performance.now() < endMs; call += 1) {
      try {
        const reply = await fetch(`${process.gateway}/openai/v1/chat/completions`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({
            model: MODEL,
            stream: (call + number) % 2 === 0,
            messages: [{ role: 'user', content: 'hello '.repeat(1 + (call % 5)) }],
            max_completion_tokens: 60,
          }),
        });
        await reply.text();
      } catch {
        // The process died under the call: what counts is what it left.
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, number) => client(number)));
}

/** Starts a process that kills itself at the `nth` pass of a point, and loads it until it does. Throws when the point was not reached. */
export async function killAt(lab: Lab, data: string, point: string, nth: number): Promise<void> {
  const marker = join(data, '..', 'marker');
  rmSync(marker, { force: true });
  const variables = {
    SALLYPORT_FAILPOINT: `${point}:${nth}`,
    SALLYPORT_FAILPOINT_MARKER: marker,
    SALLYPORT_LOG_LEVEL: 'error',
  };
  let failed: unknown;
  try {
    const process = await startProcess(data, variables);
    await load(process, lab.token, 8000);
    process.kill('SIGKILL');
    await process.exited;
  } catch (error) {
    // In recovery it dies before its ready line.
    failed = error;
  }
  if (existsSync(marker) && readFileSync(marker, 'utf8').startsWith(`${point} `)) return;
  throw new Error(`The point ${point} was never passed ${nth} times.`, { cause: failed });
}

export interface Aftermath {
  readonly chainIntact: boolean;
  readonly openCalls: string[];
  /** Calls that the provider saw and the journal does not have. */
  readonly unrecorded: string[];
  /** Charged more than once. */
  readonly twice: string[];
  readonly spentPicoUsd: bigint;
  readonly recovered: number;
}

/** What the journal says at this moment. */
export function inspect(data: string, fake: FakeUpstream): Aftermath {
  const folder = join(data, 'journal');
  const entries: Entry[] = [...readJournal(folder)].map(({ entry }) => entry);
  const starts = entries.filter((entry): entry is Entry & CallStart => entry.action === 'call.start');
  const ends = entries.filter((entry): entry is Entry & CallEnd => entry.action === 'call.end');
  const ended = new Set(ends.map(({ id }) => id));
  const started = new Set(starts.map(({ id }) => id));
  return {
    chainIntact: verifyJournal(folder).ok,
    openCalls: starts.filter(({ id }) => !ended.has(id)).map(({ id }) => id),
    unrecorded: fake
      .calls()
      .map(({ requestId }) => requestId ?? 'without an id')
      .filter((id) => !started.has(id)),
    twice: ends.map(({ id }) => id).filter((id, index, all) => all.indexOf(id) !== index),
    spentPicoUsd: ends.reduce((sum, { costPicoUsd }) => sum + BigInt(costPicoUsd), 0n),
    recovered: ends.filter(({ recovered }) => recovered).length,
  };
}
