import { beforeAll, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { MemoryStore } from '../../test/support/memory-store.ts';
import { systemClock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { Secret } from '../core/secret.ts';
import { MAX_PLAINTEXT_BYTES, open, seal, type OwnerRef } from './envelope.ts';
import { Keyring } from './keyring.ts';
import { RootKey } from './kek/root-key.ts';

const OWNER: OwnerRef = {
  owner: 'chatbot/prod',
  recordKind: 'key_version',
  recordId: 'chatbot-prod-main@1',
  version: 1,
  provider: 'groq',
  upstreamOrigin: 'https://api.groq.com',
};
const VALUE = 'not a key, but sealed like one';
/** fmt, term, wrap_nonce, wrapped_dek with its tag, nonce, and the data's tag. */
const OVERHEAD = 1 + 4 + 12 + 48 + 12 + 16;

let keyring: Keyring;
let other: Keyring;
beforeAll(async () => {
  const fresh = (): Promise<Keyring> =>
    Keyring.create(
      RootKey.take(crypto.getRandomValues(new Uint8Array(32)), 'test'),
      new MemoryStore(),
      systemClock,
    );
  keyring = await fresh();
  other = await fresh();
});

const textOf = (secret: Secret): string => secret.revealText((text) => text);

/** What a stranger could see of a refusal; undefined when the record opened. */
function refusal(envelope: Uint8Array, owner = OWNER, ring = keyring): string | undefined {
  try {
    open(envelope, owner, ring)[Symbol.dispose]();
    return undefined;
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return JSON.stringify([error.code, error.message, error.fix, error.detail, error.cause]);
  }
}

let standard: string;
beforeAll(() => {
  standard = refusal(new Uint8Array(0)) ?? '';
  expect(standard).toContain('vault.tampered');
});

test('a record opens to the value that was sealed, for the same owner', () => {
  using value = Secret.fromText(VALUE);
  const envelope = seal(value, OWNER, keyring);
  expect(envelope.length).toBe(OVERHEAD + VALUE.length);
  using opened = open(envelope, { ...OWNER }, keyring);
  expect(textOf(opened)).toBe(VALUE);
});

test('any value from 1 byte to 16 KiB survives sealing byte for byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2048 }), (value) => {
      using opened = open(seal(value, OWNER, keyring), OWNER, keyring);
      return opened.reveal((bytes) => Buffer.from(bytes).equals(value));
    }),
    { numRuns: 200 },
  );
  const largest = new Uint8Array(MAX_PLAINTEXT_BYTES).fill(7);
  using opened = open(seal(largest, OWNER, keyring), OWNER, keyring);
  expect(opened.length).toBe(MAX_PLAINTEXT_BYTES);
});

test('an empty or oversized value is not sealed', () => {
  for (const length of [0, MAX_PLAINTEXT_BYTES + 1]) {
    expect(() => seal(new Uint8Array(length), OWNER, keyring)).toThrow('between 1 and 16,384 bytes');
  }
});

test('two records of one value share no data key, nonce or ciphertext', () => {
  const value = Buffer.from(VALUE);
  const [a, b] = [seal(value, OWNER, keyring), seal(value, OWNER, keyring)];
  const fields = [
    [5, 17],
    [17, 65],
    [65, 77],
    [77, a.length],
  ] as const;
  for (const [from, to] of fields) expect(a.subarray(from, to).equals(b.subarray(from, to))).toBe(false);
});

test('every single flipped bit is refused, all alike', () => {
  const envelope = seal(Buffer.from(VALUE), OWNER, keyring);
  const seen = new Set<string | undefined>();
  for (let bit = 0; bit < envelope.length * 8; bit += 1) {
    const edited = Buffer.from(envelope);
    edited[bit >> 3] = (edited[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    seen.add(refusal(edited));
  }
  expect([...seen]).toEqual([standard]);
});

test('every truncation, from either end, and every appended byte is refused, all alike', () => {
  const envelope = seal(Buffer.from(VALUE), OWNER, keyring);
  const seen = new Set<string | undefined>();
  for (let length = 0; length < envelope.length; length += 1) {
    seen.add(refusal(envelope.subarray(0, length)));
    seen.add(refusal(envelope.subarray(envelope.length - length)));
  }
  for (let byte = 0; byte < 256; byte += 1) seen.add(refusal(Buffer.concat([envelope, Buffer.from([byte])])));
  seen.add(refusal(Buffer.concat([envelope, Buffer.alloc(MAX_PLAINTEXT_BYTES)])));
  expect([...seen]).toEqual([standard]);
});

test('a record opens for no other owner, kind, record, version, provider, origin or instance', () => {
  const envelope = seal(Buffer.from(VALUE), OWNER, keyring);
  const owners: OwnerRef[] = [
    { ...OWNER, owner: 'billing/prod' },
    { ...OWNER, owner: 'chatbot/dev' },
    { ...OWNER, owner: '*/*' },
    { ...OWNER, recordKind: 'provider_key' },
    { ...OWNER, recordId: 'chatbot-prod-main@2' },
    { ...OWNER, version: 2 },
    { ...OWNER, provider: 'openai' },
    { ...OWNER, upstreamOrigin: 'https://attacker.example' },
    { ...OWNER, upstreamOrigin: 'http://api.groq.com' },
    { ...OWNER, owner: 'chatbot/prodkey', recordKind: 'key_version' },
  ];
  for (const owner of owners) expect(refusal(envelope, owner)).toBe(standard);
  expect(refusal(envelope, OWNER, other)).toBe(standard);
  expect(refusal(envelope)).toBeUndefined();
});

test('moving a border between two fields of the owner changes what is authenticated', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string({ minLength: 1 }), (a, b, moved) => {
      const sealed = seal(Buffer.from(VALUE), { ...OWNER, provider: a + moved, upstreamOrigin: b }, keyring);
      return refusal(sealed, { ...OWNER, provider: a, upstreamOrigin: moved + b }) === standard;
    }),
    { numRuns: 100 },
  );
});

test('the parts of two good records do not make a third', () => {
  const a = seal(Buffer.from(VALUE), OWNER, keyring);
  const b = seal(Buffer.from(VALUE), OWNER, keyring);
  for (const border of [17, 65, 77]) {
    expect(refusal(Buffer.concat([a.subarray(0, border), b.subarray(border)]))).toBe(standard);
  }
});

test('a disposed value is wiped in place, and its memory was never shared', () => {
  const envelope = seal(Buffer.from(VALUE), OWNER, keyring);
  const opened = open(envelope, OWNER, keyring);
  const memory = opened.reveal((bytes) => bytes);
  // The shared pool has 8 KiB; what is behind the value here is its own block's rest.
  expect(memory.buffer.byteLength).toBeLessThan(VALUE.length + 16);
  opened[Symbol.dispose]();
  expect(memory.every((byte) => byte === 0)).toBe(true);
});

test('sealing leaves the plaintext as it is: the caller owns it', () => {
  using value = Secret.fromText(VALUE);
  seal(value, OWNER, keyring);
  expect(textOf(value)).toBe(VALUE);
});
