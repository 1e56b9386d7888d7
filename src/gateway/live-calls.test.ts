import { expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { openCall, type OpenCallRig } from '../../test/support/open-calls.ts';
import { LiveCalls, TICK_MS } from './live-calls.ts';

const TIMES = { firstByteMs: 600, idleMs: 300, stallMs: 120, totalMs: 5000 };

function watch(
  change: Parameters<typeof openCall>[0] = {},
): OpenCallRig & { live: LiveCalls; remove: () => void } {
  const clock = new ManualClock();
  const live = new LiveCalls(clock, TIMES);
  const rig = openCall({ clock, ...change });
  return Object.assign(rig, { live, remove: live.add(rig.call) });
}

test.each([
  ['provider-first-byte', 600],
  ['provider', 300],
  ['client', 120],
] as const)('a call may wait in the phase %s for %d ms, and no longer', (phase, limit) => {
  const { call, clock, live } = watch();
  call.enter(phase);
  clock.pass(limit);
  live.tick();
  expect(call.abort.aborted).toBe(false);
  clock.pass(1);
  live.tick();
  expect(call.abort.reason).toMatchObject({
    code: 'upstream.timeout',
    retryable: true,
    detail: `phase ${phase}`,
  });
});

test('a call that knows what to do about a client that takes nothing is told, once it is late, and not aborted', () => {
  const { call, clock, live } = watch();
  const told: unknown[] = [];
  call.onStall = (late) => told.push(late);
  call.enter('provider');
  clock.pass(301);
  live.tick();
  expect([told.length, call.abort.aborted]).toEqual([0, true]);
  const other = watch();
  other.call.onStall = (late) => told.push(late);
  other.call.enter('client');
  other.clock.pass(121);
  other.live.tick();
  expect(told).toMatchObject([{ code: 'upstream.timeout' }]);
  expect(other.call.abort.aborted).toBe(false);
});

test('of many that are told, each gets its turn within a few ticks', () => {
  const clock = new ManualClock();
  const live = new LiveCalls(clock, TIMES);
  const told = new Set<number>();
  for (let n = 0; n < 50; n += 1) {
    const { call } = openCall({ clock });
    live.add(call);
    call.enter('client');
    call.onStall = () => {
      told.add(n);
      call.enter('provider');
    };
  }
  clock.pass(121);
  const counts = [1, 2, 3].map(() => {
    live.tick();
    return told.size;
  });
  expect(counts).toEqual([20, 40, 50]);
});

test('whatever moves on starts its wait anew', () => {
  const { call, clock, live } = watch();
  for (let chunk = 0; chunk < 20; chunk += 1) {
    call.enter(chunk % 2 === 0 ? 'provider' : 'client');
    clock.pass(119);
    live.tick();
  }
  expect(call.abort.aborted).toBe(false);
});

test('no call lasts longer than the total, however lively it is', () => {
  const { call, clock, live } = watch();
  for (let ms = 0; ms < 5000; ms += 100) {
    call.enter('provider');
    clock.pass(100);
    live.tick();
  }
  expect(call.abort.aborted).toBe(false);
  clock.pass(1);
  live.tick();
  expect(call.abort.aborted).toBe(true);
});

test('a wall clock that jumps ends no call', () => {
  const { call, clock, live } = watch();
  clock.nowWallMs += 86_400_000;
  live.tick();
  clock.nowWallMs -= 172_800_000;
  live.tick();
  expect(call.abort.aborted).toBe(false);
});

test('each tick renews the hold and gives the relay its turn', () => {
  const rig = watch();
  let turns = 0;
  rig.call.onTick = () => (turns += 1);
  for (let tick = 0; tick < 3; tick += 1) rig.live.tick();
  expect([turns, rig.renewed]).toEqual([3, 3]);
  rig.remove();
  rig.live.tick();
  expect([turns, rig.renewed, rig.live.count]).toEqual([3, 3, 0]);
});

test('a revoked token cuts its own calls and no others', () => {
  const clock = new ManualClock();
  const live = new LiveCalls(clock, TIMES);
  const rigs = ['a', 'b', 'a'].map((tokenId) => openCall({ clock, tokenId }));
  for (const { call } of rigs) {
    const remove = live.add(call);
    // As in a real call: whatever aborts it takes it out of the set, while the set is being walked.
    call.abort.onAbort(remove);
  }
  live.cut('a');
  expect(rigs.map(({ call }) => call.abort.aborted)).toEqual([true, false, true]);
  expect(rigs[0]!.call.abort.reason).toMatchObject({ code: 'token.invalid', retryable: false });
  live.cutAll();
  expect(rigs[1]!.call.abort.reason).toMatchObject({ code: 'gateway.stopping', retryable: true });
  expect(live.count).toBe(0);
});

test('started twice it ticks once a period, and stopped not at all', async () => {
  const rig = watch();
  rig.live.start();
  rig.live.start();
  await Bun.sleep(TICK_MS * 1.5);
  rig.live.stop();
  expect(rig.renewed).toBe(1);
  await Bun.sleep(TICK_MS);
  expect(rig.renewed).toBe(1);
});
