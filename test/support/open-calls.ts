/** Open calls on a hold that only counts what is done to it. */
import type { CallEnd } from '../../src/audit/entry.ts';
import { UndoStack } from '../../src/core/once.ts';
import { type PicoUsd, picoUsd } from '../../src/core/money.ts';
import { OpenCall } from '../../src/gateway/open-call.ts';
import type { Reservation } from '../../src/ledger/budgets.ts';
import { type ModelPrice, priceOf } from '../../src/ledger/price.ts';
import { ManualClock } from './manual-clock.ts';

export const PRICE: ModelPrice = priceOf('groq', 'openai/gpt-oss-20b', Date.parse('2026-11-21'))!;
export const HOLD = picoUsd(1_000_000_000n);
export const PROMPT_BOUND = 100;
export const OUTPUT_BOUND = 3000;

export interface OpenCallRig {
  readonly call: OpenCall;
  readonly clock: ManualClock;
  readonly ends: CallEnd[];
  readonly settled: PicoUsd[];
  /** How often the undo stack ran. */
  unwound: number;
  renewed: number;
}

export function openCall(
  change: {
    readonly price?: ModelPrice | null;
    readonly lost?: boolean;
    readonly clock?: ManualClock;
    readonly tokenId?: string;
  } = {},
): OpenCallRig {
  const clock = change.clock ?? new ManualClock();
  const undo = new UndoStack();
  const ends: CallEnd[] = [];
  const settled: PicoUsd[] = [];
  const reservation: Reservation = {
    holdId: 'req_1',
    amountPicoUsd: change.price === null ? picoUsd(0n) : HOLD,
    charges: [{ budget: 'team-acme-month', period: '2026-11' }],
    renew: () => {
      rig.renewed += 1;
      return true;
    },
    settle: (cost) => {
      settled.push(cost);
      const over = cost > HOLD ? cost - HOLD : 0n;
      return { applied: change.lost !== true, overrunPicoUsd: picoUsd(over) };
    },
    release: () => true,
  };
  const call = new OpenCall(
    { clock, record: (entry) => ends.push(entry) },
    {
      id: 'req_1',
      tokenId: change.tokenId ?? 't',
      price: change.price === undefined ? PRICE : change.price,
      reservation,
      admission: { settle: () => undefined },
      promptBound: PROMPT_BOUND,
      outputBound: OUTPUT_BOUND,
      choices: 1,
      arrivedMs: clock.monotonicMs(),
      undo,
    },
  );
  const rig: OpenCallRig = { call, clock, ends, settled, unwound: 0, renewed: 0 };
  undo.defer(() => (rig.unwound += 1));
  return rig;
}
