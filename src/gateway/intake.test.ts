import { expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { UndoStack } from '../core/once.ts';
import { FREE_BODY_BYTES, Intake } from './intake.ts';

const KB = 1024;
const NONE = { calls: 0, bytes: 0, tokens: 0 };
const CONFIG = { maxCalls: 8, maxBodyBytes: 400 * KB, maxBodiesBytes: 800 * KB };

/** A request whose body comes when it is let go. */
function upload(
  bytes: number,
  announced = true,
): {
  readonly request: Request;
  readonly come: () => void;
  readonly breakOff: () => void;
  readonly asked: () => boolean;
} {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined);
  let asked = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        asked = true;
        await promise;
        controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const headers: Record<string, string> = announced ? { 'content-length': String(bytes) } : {};
  const request = new Request('http://gate/', { method: 'POST', body, headers });
  return { request, come: resolve, breakOff: () => reject(new Error('gone')), asked: () => asked };
}

test('a call beyond the bound is told to come again at once, and the place of a call that is over is free', () => {
  const intake = new Intake({ ...CONFIG, maxCalls: 2 });
  const [first, second, third] = [new UndoStack(), new UndoStack(), new UndoStack()];
  intake.enter(first);
  intake.enter(second);
  const refused = refusalOf(() => intake.enter(third));
  expect(refused).toMatchObject({ code: 'gateway.overloaded', retryable: true, retryAfterSeconds: 1 });
  third.unwind();
  first.unwind();
  first.unwind();
  expect(intake.taken.calls).toBe(1);
  intake.enter(third);
  expect(refusalOf(() => intake.enter(first)).code).toBe('gateway.overloaded');
});

test('what is announced is reserved before anything is read, and kept until it is let go of or the call is over', async () => {
  const intake = new Intake(CONFIG);
  const undo = new UndoStack();
  const { request, come, asked } = upload(300 * KB);
  const reading = intake.read(request, 'a', undo);
  expect(intake.taken).toMatchObject({ bytes: 300 * KB - FREE_BODY_BYTES, tokens: 1 });
  come();
  const { body, letGo } = await reading;
  expect(body.length).toBe(300 * KB);
  expect(intake.taken.bytes).toBe(300 * KB - FREE_BODY_BYTES);
  letGo();
  expect(intake.taken).toEqual(NONE);
  letGo();
  undo.unwind();
  undo.unwind();
  expect(intake.taken).toEqual(NONE);
  expect(asked()).toBe(true);
});

test('one token has half of the room, another one still finds its own, and who finds none is refused unread', async () => {
  const intake = new Intake(CONFIG);
  const undo = new UndoStack();
  const open = [upload(400 * KB), upload(400 * KB)];
  const reading = [intake.read(open[0]!.request, 'a', undo), intake.read(open[1]!.request, 'b', undo)];
  const again = upload(200 * KB);
  expect(await rejectionOf(intake.read(again.request, 'a', undo))).toMatchObject({
    code: 'limit.bodies',
    retryable: true,
    retryAfterSeconds: 1,
  });
  const third = upload(300 * KB);
  expect(await rejectionOf(intake.read(third.request, 'c', undo))).toMatchObject({
    code: 'gateway.overloaded',
  });
  expect([again.asked(), third.asked()]).toEqual([false, false]);
  // What is small needs no room.
  const small = upload(FREE_BODY_BYTES);
  small.come();
  expect((await intake.read(small.request, 'c', undo)).body.length).toBe(FREE_BODY_BYTES);
  for (const { come } of open) come();
  await Promise.all(reading);
  undo.unwind();
  expect(intake.taken).toEqual(NONE);
});

test('a body of unknown length is counted as it comes, and let go of as soon as there is no room', async () => {
  const intake = new Intake({ ...CONFIG, maxBodiesBytes: 300 * KB });
  const undo = new UndoStack();
  const parts = Array.from({ length: 40 }, () => new Uint8Array(10 * KB));
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    { pull: (controller) => controller.enqueue(parts[taken++]) },
    { highWaterMark: 0 },
  );
  const request = new Request('http://gate/', { method: 'POST', body });
  expect((await rejectionOf(intake.read(request, 'a', undo))).code).toBe('limit.bodies');
  expect(taken).toBeWithin(20, 25);
  expect(intake.taken.bytes).toBeLessThanOrEqual(150 * KB);
  undo.unwind();
  expect(intake.taken).toEqual(NONE);
});

test('bodies that are still coming leave half of the places to other tokens, however small they are', async () => {
  const intake = new Intake(CONFIG);
  const undo = new UndoStack();
  const slow = Array.from({ length: 4 }, () => upload(10));
  const reading = slow.map(({ request }) => intake.read(request, 'a', undo));
  expect((await rejectionOf(intake.read(upload(10).request, 'a', undo))).code).toBe('limit.bodies');
  const other = upload(10);
  other.come();
  await intake.read(other.request, 'b', undo);
  slow[0]!.breakOff();
  expect((await rejectionOf(reading[0]!)).code).toBe('request.invalid');
  const next = upload(10);
  next.come();
  await intake.read(next.request, 'a', undo);
  for (const { come } of slow.slice(1)) come();
  await Promise.all(reading.slice(1));
  undo.unwind();
  expect(intake.taken).toEqual(NONE);
});

test('whatever comes, breaks off, is refused or ends in any order, never is more taken than there is, and all of it is given back', async () => {
  const step = fc.record({
    token: fc.constantFrom('a', 'b', 'c'),
    bytes: fc.integer({ min: 1, max: 390 * KB }),
    announced: fc.boolean(),
    fate: fc.constantFrom('comes', 'breaks off'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.infiniteStream(fc.nat()), async (steps, order) => {
      const intake = new Intake(CONFIG);
      const most = (): void => {
        expect(intake.taken.bytes).toBeLessThanOrEqual(CONFIG.maxBodiesBytes);
        expect(intake.taken.calls).toBeLessThanOrEqual(CONFIG.maxCalls);
      };
      const open = steps.map(({ token, bytes, announced, fate }) => {
        const undo = new UndoStack();
        const { request, come, breakOff } = upload(bytes, announced);
        const read = async (): Promise<void> => {
          intake.enter(undo);
          const { letGo } = await intake.read(request, token, undo);
          if (bytes % 3 === 0) letGo();
        };
        const over = read().then(most, () => undo.unwind());
        most();
        return { over, undo, go: fate === 'comes' ? come : breakOff };
      });
      const shuffled = open.map((call) => ({ call, at: order.next().value })).toSorted((x, y) => x.at - y.at);
      for (const { call } of shuffled) {
        call.go();
        await call.over;
        most();
        if (order.next().value % 2 === 0) call.undo.unwind();
      }
      for (const { undo } of open) undo.unwind();
      expect(intake.taken).toEqual(NONE);
    }),
    { numRuns: 60 },
  );
});
