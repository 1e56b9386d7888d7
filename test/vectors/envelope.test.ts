/** The vectors of docs/spec/envelope.md: what src/vault opens and refuses, and that another implementation agrees. */
import { expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/core/clock.ts';
import { SallyportError } from '../../src/core/errors.ts';
import { open, seal } from '../../src/vault/envelope.ts';
import { Keyring, MAC_PURPOSES } from '../../src/vault/keyring.ts';
import { RootKey } from '../../src/vault/kek/root-key.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { makeVectors, openIndependently, type EnvelopeVectors } from './envelope-vectors.ts';

const text = readFileSync(new URL('envelope.json', import.meta.url), 'utf8');
const vectors = JSON.parse(text) as EnvelopeVectors;
const bytes = (hex: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(hex, 'hex'));

async function vectorKeyring(): Promise<Keyring> {
  const store = new MemoryStore();
  const { instance, rootFingerprint, rootCheckHex } = vectors;
  store.instance = {
    instance,
    rootFingerprint,
    rootCheck: bytes(rootCheckHex),
    rootKdf: null,
    createdAtMs: 0,
  };
  store.terms = vectors.terms.map(({ term, wrappedHex }) => ({
    term,
    wrapped: bytes(wrappedHex),
    createdAtMs: 0,
  }));
  return Keyring.open(RootKey.take(bytes(vectors.rootKeyHex), 'vectors'), store);
}

const keyring = await vectorKeyring();

test('the vector file is what its generator makes', async () => {
  expect(await makeVectors()).toEqual(vectors);
});

test.each(vectors.valid.map((one) => [one.name, one] as const))('opens: %s', async (_, vector) => {
  using secret = open(bytes(vector.envelopeHex), vector.owner, keyring);
  expect(secret.reveal((plain) => Buffer.from(plain).toString('hex'))).toBe(vector.plaintextHex);
  const term = vectors.terms.find((one) => one.term === vector.term)!;
  const independent = openIndependently(
    bytes(vector.envelopeHex),
    vector.owner,
    vectors.instance,
    bytes(term.keyHex),
  );
  expect(Buffer.from(await independent).toString('hex')).toBe(vector.plaintextHex);
});

test.each(vectors.macs.map((one) => [one.purpose, one.term, one] as const))(
  'a %s tag of term %i verifies for its own purpose, and the current term makes the same',
  (purpose, term, { fields, tagHex }) => {
    for (const other of MAC_PURPOSES) {
      expect(keyring.authenticator(other).verify(fields, bytes(tagHex))).toBe(other === purpose);
    }
    const current = Math.max(...vectors.terms.map((one) => one.term));
    const made = keyring.authenticator(purpose).tag(fields).toString('hex');
    expect(made === tagHex).toBe(term === current);
  },
);

const messages = new Set<string>();
test.each(vectors.refused.map((one) => [one.class, one.name, one] as const))(
  'refuses: %s, %s',
  (_, __, vector) => {
    let thrown: unknown;
    try {
      open(bytes(vector.envelopeHex), vector.owner, keyring);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SallyportError);
    const { code, message, fix, detail } = thrown as SallyportError;
    expect(code).toBe('vault.tampered');
    messages.add(JSON.stringify([message, fix, detail]));
    expect(messages.size).toBe(1);
  },
);

test('every failure class of the specification has a vector', () => {
  expect([...new Set(vectors.refused.map((one) => one.class))].sort()).toEqual([
    'bit-flip',
    'empty',
    'shifted-fields',
    'spliced',
    'trailing-byte',
    'truncated',
    'unknown-term',
    'wrong-format',
    'wrong-instance',
    'wrong-kind',
    'wrong-origin',
    'wrong-owner',
    'wrong-provider',
    'wrong-record',
    'wrong-term',
    'wrong-version',
  ]);
});

test('what this code seals, the independent implementation opens', async () => {
  const { owner } = vectors.valid[0]!;
  const plaintext = new TextEncoder().encode(`sealed at ${systemClock.wallMs()}`);
  const envelope = seal(plaintext, owner, keyring);
  const current = vectors.terms.find((one) => one.term === envelope.readUInt32BE(1))!;
  const opened = await openIndependently(envelope, owner, vectors.instance, bytes(current.keyHex));
  expect(Buffer.from(opened).equals(plaintext)).toBe(true);
});
