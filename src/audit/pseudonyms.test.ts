import { expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { Pseudonyms } from './pseudonyms.ts';

test('a value has one commitment, which says nothing of it without its salt', () => {
  const people = new Pseudonyms();
  const first = people.commit('user', 'ann@example.com');
  expect(people.commit('user', 'ann@example.com')).toBe(first);
  expect(first).toMatch(/^u_[A-Za-z0-9_-]{22}$/);
  expect(people.commit('address', '10.0.0.1')).toMatch(/^a_[A-Za-z0-9_-]{22}$/);
  // Another process has other salts: commitments cannot be compared with a list of guesses made elsewhere.
  expect(new Pseudonyms().commit('user', 'ann@example.com')).not.toBe(first);
});

test('who has the row can check the commitment', () => {
  const people = new Pseudonyms();
  const commitment = people.commit('user', 'ann');
  const [row] = people.take();
  expect(row).toMatchObject({ commitment, kind: 'user', value: 'ann' });
  const digest = createHash('sha256').update(row!.salt).update('user:ann').digest('base64url');
  expect(commitment).toBe(`u_${digest.slice(0, 22)}`);
});

test('an address and a user of the same text are different people', () => {
  const people = new Pseudonyms();
  people.commit('user', 'x');
  people.commit('address', 'x');
  const [a, b] = people.take();
  expect(a!.commitment.slice(2)).not.toBe(b!.commitment.slice(2));
});

test('a row is handed out once, and again only if storing failed', () => {
  const people = new Pseudonyms();
  people.commit('user', 'a');
  const rows = people.take();
  expect(rows).toHaveLength(1);
  expect(people.take()).toEqual([]);
  people.commit('user', 'a');
  people.commit('user', 'b');
  people.restore(rows);
  expect(people.take().map(({ value }) => value)).toEqual(['a', 'b']);
});

test('memory is bounded: the value seen longest ago gets a new commitment', () => {
  const people = new Pseudonyms();
  const first = people.commit('user', '0');
  for (let n = 1; n < 20_000; n += 1) people.commit('user', String(n));
  expect(people.commit('user', '0')).toBe(first);
  people.commit('user', 'one more');
  expect(people.commit('user', '1')).not.toBe(first);
  expect(people.commit('user', '0')).not.toBe(first);
});
