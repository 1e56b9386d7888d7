import { expect, test } from 'bun:test';
import { eventually } from '../../../test/support/calls.ts';
import type { Sent } from './sender.ts';
import { SpanQueue } from './span-queue.ts';

const ACCEPTED: Sent = { kind: 'accepted', rejected: 0 };
const LATER: Sent = { kind: 'later', afterMs: 1 };

/** A queue whose receiver answers as scripted, and afterwards accepts. */
function scripted(answers: readonly (Sent | Promise<Sent>)[]): { queue: SpanQueue; sent: string[][] } {
  const sent: string[][] = [];
  const queue = new SpanQueue({
    wrap: (spans) => spans,
    sender: {
      send: (body) => {
        sent.push(body.split(','));
        return Promise.resolve(answers[sent.length - 1] ?? ACCEPTED);
      },
    },
  });
  return { queue, sent };
}

function fill(queue: SpanQueue, spans: number): void {
  for (let span = 0; span < spans; span += 1) queue.add(`s${span}`);
}

test('a full batch is sent at once, each span once and in order; the rest when it ends', async () => {
  const { queue, sent } = scripted([]);
  fill(queue, 1030);
  await eventually(() => queue.exported === 1024);
  await queue.stop(1000);
  expect(sent.map((batch) => batch.length)).toEqual([512, 512, 6]);
  expect(sent.flat()).toEqual(Array.from({ length: 1030 }, (_, span) => `s${span}`));
  expect([queue.exported, queue.dropped]).toEqual([1030, 0]);
});

test('what the receiver may take later is sent again, the same spans first', async () => {
  const { queue, sent } = scripted([LATER, LATER]);
  fill(queue, 600);
  await eventually(() => queue.exported === 512);
  expect(sent.map(([first, ...rest]) => [first, rest.length])).toEqual([
    ['s0', 511],
    ['s0', 511],
    ['s0', 511],
  ]);
  await queue.stop(1000);
  expect([queue.exported, queue.dropped]).toEqual([600, 0]);
});

test('after five attempts a batch is dropped, and the next one has its chance', async () => {
  const { queue, sent } = scripted([LATER, LATER, LATER, LATER, LATER]);
  fill(queue, 1024);
  await eventually(() => queue.exported === 512);
  expect(sent).toHaveLength(6);
  expect([queue.exported, queue.dropped]).toEqual([512, 512]);
  await queue.stop(1000);
});

test('what is refused is dropped without a second attempt, what is rejected is counted', async () => {
  const { queue, sent } = scripted([{ kind: 'refused' }, { kind: 'accepted', rejected: 12 }]);
  fill(queue, 1024);
  await eventually(() => queue.exported + queue.dropped === 1024);
  expect(sent).toHaveLength(2);
  expect([queue.exported, queue.dropped]).toEqual([500, 524]);
  await queue.stop(1000);
});

test('a receiver that does not answer leaves a bounded number of spans, and the end does not wait for it', async () => {
  const queue = new SpanQueue({
    wrap: (spans) => spans,
    sender: { send: () => new Promise(() => undefined) },
  });
  fill(queue, 100_000);
  expect(queue.dropped).toBe(100_000 - 4096);
  await queue.stop(20);
  expect([queue.exported, queue.dropped]).toEqual([0, 100_000]);
  queue.add('late');
  expect(queue.dropped).toBe(100_001);
});

test('an end while a batch is under way waits for it, and sends what came meanwhile', async () => {
  const answer = Promise.withResolvers<Sent>();
  const { queue, sent } = scripted([answer.promise]);
  fill(queue, 520);
  await eventually(() => sent.length === 1);
  const stopped = queue.stop(5000);
  answer.resolve(ACCEPTED);
  await stopped;
  expect(sent.map((batch) => batch.length)).toEqual([512, 8]);
  expect([queue.exported, queue.dropped]).toEqual([520, 0]);
});
