import { expect, test } from 'bun:test';
import { UndoStack } from './once.ts';

test('steps run once, last first', () => {
  const undo = new UndoStack();
  const ran: number[] = [];
  for (const step of [1, 2, 3]) undo.defer(() => ran.push(step));
  undo.unwind();
  undo.unwind();
  expect(ran).toEqual([3, 2, 1]);
});

test('a step that throws keeps no other from running, and its error is thrown at the end', () => {
  const undo = new UndoStack();
  const ran: number[] = [];
  undo.defer(() => ran.push(1));
  undo.defer(() => {
    throw new Error('second');
  });
  undo.defer(() => {
    throw new Error('first');
  });
  expect(() => undo.unwind()).toThrow('first');
  expect(ran).toEqual([1]);
});

test('a step that is added while unwinding belongs to the next time', () => {
  const undo = new UndoStack();
  const ran: string[] = [];
  undo.defer(() => undo.defer(() => ran.push('late')));
  undo.unwind();
  expect(ran).toEqual([]);
  undo.unwind();
  expect(ran).toEqual(['late']);
});
