/**
 * The envelope format once more, written from docs/spec/envelope.md on WebCrypto and sharing no code with src/: it makes the vectors in
 * envelope.json with fixed keys and nonces, and checks what src/ seals. So production code needs no way to fix a nonce.
 * Rewrite the file: `bun test/vectors/envelope-vectors.ts`, then format it.
 */
import { writeFileSync } from 'node:fs';

export interface VectorOwner {
  readonly owner: string;
  readonly recordKind: 'key_version' | 'provider_key' | 'token';
  readonly recordId: string;
  readonly version: number;
  readonly provider: string;
  readonly upstreamOrigin: string;
}

export interface ValidVector {
  readonly name: string;
  readonly term: number;
  readonly owner: VectorOwner;
  readonly plaintextHex: string;
  readonly envelopeHex: string;
}

export interface RefusedVector {
  readonly class: string;
  readonly name: string;
  readonly owner: VectorOwner;
  readonly envelopeHex: string;
}

export interface MacVector {
  readonly purpose: 'row-mac' | 'token-pepper' | 'field-mac' | 'journal-mac';
  readonly term: number;
  readonly fields: readonly string[];
  readonly tagHex: string;
}

export interface EnvelopeVectors {
  readonly provenance: string;
  readonly rootKeyHex: string;
  readonly rootFingerprint: string;
  readonly rootCheckHex: string;
  readonly instance: string;
  readonly terms: readonly { readonly term: number; readonly keyHex: string; readonly wrappedHex: string }[];
  readonly macs: readonly MacVector[];
  readonly valid: readonly ValidVector[];
  readonly refused: readonly RefusedVector[];
}

type Bytes = Uint8Array<ArrayBuffer>;
const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** `length` bytes that count up from `first`: nothing that could pass for a real key. */
const counting = (first: number, length: number): Bytes =>
  Uint8Array.from({ length }, (_, index) => (first + index) % 256);

function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

const tuple = (fields: readonly string[]): Bytes =>
  join(...fields.map((field) => join(uint32(utf8(field).length), utf8(field))));

async function hkdf(key: Bytes, info: string, length: number): Promise<Bytes> {
  const base = await crypto.subtle.importKey('raw', key, 'HKDF', false, ['deriveBits']);
  const parameters = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, base, length * 8));
}

async function gcm(
  direction: 'encrypt' | 'decrypt',
  key: Bytes,
  iv: Bytes,
  additionalData: Bytes,
  data: Bytes,
): Promise<Bytes> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, [direction]);
  const parameters = { name: 'AES-GCM', iv, additionalData, tagLength: 128 };
  return new Uint8Array(await crypto.subtle[direction](parameters, imported, data));
}

async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const imported = await crypto.subtle.importKey('raw', key, algorithm, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, message));
}

function aad(layer: 'wrap' | 'data', instance: string, owner: VectorOwner): Bytes {
  return tuple([
    `sallyport/envelope/1/${layer}`,
    '1',
    instance,
    owner.owner,
    owner.recordKind,
    owner.recordId,
    String(owner.version),
    owner.provider,
    owner.upstreamOrigin,
  ]);
}

interface FixedParts {
  readonly term: number;
  readonly termKey: Bytes;
  readonly instance: string;
  readonly dek: Bytes;
  readonly wrapNonce: Bytes;
  readonly nonce: Bytes;
}

async function sealFixed(plaintext: Bytes, owner: VectorOwner, parts: FixedParts): Promise<Bytes> {
  const wrapKey = await hkdf(parts.termKey, 'sallyport/term/1/wrap', 32);
  const wrapAad = aad('wrap', parts.instance, owner);
  const dataAad = aad('data', parts.instance, owner);
  const wrapped = await gcm('encrypt', wrapKey, parts.wrapNonce, wrapAad, parts.dek);
  const data = await gcm('encrypt', parts.dek, parts.nonce, dataAad, plaintext);
  return join(Uint8Array.of(1), uint32(parts.term), parts.wrapNonce, wrapped, parts.nonce, data);
}

/** Opens an envelope with the bare term key. Rejects when anything does not fit. */
export async function openIndependently(
  envelope: Uint8Array,
  owner: VectorOwner,
  instance: string,
  termKey: Bytes,
): Promise<Uint8Array> {
  const bytes = join(envelope);
  const wrapKey = await hkdf(termKey, 'sallyport/term/1/wrap', 32);
  const wrapAad = aad('wrap', instance, owner);
  const dek = await gcm('decrypt', wrapKey, bytes.slice(5, 17), wrapAad, bytes.slice(17, 65));
  return gcm('decrypt', dek, bytes.slice(65, 77), aad('data', instance, owner), bytes.slice(77));
}

const OWNER: VectorOwner = {
  owner: 'chatbot/prod',
  recordKind: 'key_version',
  recordId: 'chatbot-prod-main@1',
  version: 1,
  provider: 'groq',
  upstreamOrigin: 'https://api.groq.com',
};
const INSTANCE = 'Vector0Instance1';
const TERM_KEYS = new Map([
  [1, counting(0x20, 32)],
  [7, counting(0x60, 32)],
]);
const PLAINTEXT = utf8('not a key: plaintext of the envelope vectors');

const partsFor = (term: number, seed: number): FixedParts => ({
  term,
  termKey: TERM_KEYS.get(term) ?? new Uint8Array(32),
  instance: INSTANCE,
  dek: counting(seed, 32),
  wrapNonce: counting(seed + 0x40, 12),
  nonce: counting(seed + 0x50, 12),
});

const FIELDS: readonly (readonly [string, number])[] = [
  ['fmt', 0],
  ['term', 4],
  ['wrap_nonce', 5],
  ['wrapped_dek', 17],
  ['wrapped_dek tag', 49],
  ['nonce', 65],
  ['ct', 77],
];

/** Everything in envelope.json. */
export async function makeVectors(): Promise<EnvelopeVectors> {
  const root = counting(0x00, 32);
  const wrapKey = await hkdf(root, 'sallyport/root/1/wrap', 32);
  const terms = [];
  for (const [term, key] of TERM_KEYS) {
    const nonce = counting(0xa0 + term, 12);
    const additional = tuple(['sallyport/keyring/1', 'term', INSTANCE, String(term)]);
    const wrapped = join(nonce, await gcm('encrypt', wrapKey, nonce, additional, key));
    terms.push({ term, keyHex: hex(key), wrappedHex: hex(wrapped) });
  }
  const check = await hmac(await hkdf(root, 'sallyport/root/1/kcv', 32), utf8(INSTANCE));
  return {
    provenance:
      'Made by test/vectors/envelope-vectors.ts, an implementation of docs/spec/envelope.md on WebCrypto that shares no code with src/. Keys and nonces count upwards; no value here was ever in use.',
    rootKeyHex: hex(root),
    rootFingerprint: `rk_${hex(await hkdf(root, 'sallyport/root/1/fingerprint', 8))}`,
    rootCheckHex: hex(check.slice(0, 8)),
    instance: INSTANCE,
    terms,
    macs: await makeMacs(),
    valid: await makeValid(),
    refused: await makeRefused(),
  };
}

async function makeMacs(): Promise<MacVector[]> {
  const fields = ['vector.v1', 'ab', '', 'c'];
  const macs: MacVector[] = [];
  for (const purpose of ['row-mac', 'token-pepper', 'field-mac', 'journal-mac'] as const) {
    for (const [term, termKey] of TERM_KEYS) {
      const key = await hkdf(termKey, `sallyport/term/1/${purpose}`, 32);
      const tag = join(uint32(term), await hmac(key, tuple(fields)));
      macs.push({ purpose, term, fields, tagHex: hex(tag) });
    }
  }
  return macs;
}

async function makeValid(): Promise<ValidVector[]> {
  const shared = { ...OWNER, owner: '*/*', recordId: 'shared@12', version: 12 };
  const cases: readonly (readonly [string, number, VectorOwner, Bytes])[] = [
    ['sealed under the current term', 7, OWNER, PLAINTEXT],
    ['sealed under an older term', 1, OWNER, PLAINTEXT],
    ['shared owner, higher version', 7, shared, PLAINTEXT],
    ['one byte', 7, OWNER, utf8('x')],
    ['bytes that are not text', 7, OWNER, counting(0xf0, 32)],
  ];
  const vectors: ValidVector[] = [];
  for (const [name, term, owner, plaintext] of cases) {
    const envelope = await sealFixed(plaintext, owner, partsFor(term, 0x10));
    vectors.push({ name, term, owner, plaintextHex: hex(plaintext), envelopeHex: hex(envelope) });
  }
  return vectors;
}

async function makeRefused(): Promise<RefusedVector[]> {
  const good = await sealFixed(PLAINTEXT, OWNER, partsFor(7, 0x10));
  const refused: RefusedVector[] = [];
  const add = (group: string, name: string, envelope: Uint8Array, owner: VectorOwner = OWNER): void => {
    refused.push({ class: group, name, owner, envelopeHex: hex(envelope) });
  };
  const edited = (at: number, value: (byte: number) => number): Bytes =>
    good.map((byte, index) => (index === at ? value(byte) : byte));

  for (const [field, at] of [...FIELDS, ['tag', good.length - 1] as const]) {
    add(
      'bit-flip',
      field,
      edited(at, (byte) => byte ^ 1),
    );
  }
  for (const length of [0, 1, 5, 17, 65, 77, 78, 93, good.length - 16, good.length - 1]) {
    add('truncated', `to ${length} bytes`, good.slice(0, length));
  }
  add('trailing-byte', 'one zero byte behind the tag', join(good, Uint8Array.of(0)));
  add('trailing-byte', 'the tag twice', join(good, good.slice(-16)));
  add(
    'wrong-format',
    'fmt 0',
    edited(0, () => 0),
  );
  add(
    'wrong-format',
    'fmt 2',
    edited(0, () => 2),
  );
  add(
    'unknown-term',
    'term 2',
    edited(4, () => 2),
  );
  add('unknown-term', 'term 2^32-1', join(good.slice(0, 1), counting(0, 4).fill(255), good.slice(5)));
  add(
    'wrong-term',
    'known, but not the one that sealed',
    edited(4, () => 1),
  );

  const owners: readonly (readonly [string, string, Partial<VectorOwner>])[] = [
    ['wrong-owner', 'another team', { owner: 'billing/prod' }],
    ['wrong-owner', 'another environment', { owner: 'chatbot/dev' }],
    ['wrong-owner', 'shared', { owner: '*/*' }],
    ['wrong-kind', 'provider_key', { recordKind: 'provider_key' }],
    ['wrong-record', 'another slot', { recordId: 'chatbot-prod-other@1' }],
    ['wrong-version', 'version 2', { version: 2 }],
    ['wrong-provider', 'openai', { provider: 'openai' }],
    ['wrong-origin', 'another host', { upstreamOrigin: 'https://api.groq.com.example.net' }],
    ['wrong-origin', 'plain http', { upstreamOrigin: 'http://api.groq.com' }],
    [
      'shifted-fields',
      'same text, other border',
      { provider: 'groqh', upstreamOrigin: 'ttps://api.groq.com' },
    ],
  ];
  for (const [group, name, change] of owners) add(group, name, good, { ...OWNER, ...change });

  const elsewhere = { ...partsFor(7, 0x10), instance: 'Vector0Instance2' };
  add('wrong-instance', 'sealed by another instance', await sealFixed(PLAINTEXT, OWNER, elsewhere));
  const second = await sealFixed(PLAINTEXT, OWNER, partsFor(7, 0x18));
  add('spliced', 'wrapped key of one, data of another', join(good.slice(0, 65), second.slice(65)));
  add('empty', 'well-formed, without content', await sealFixed(new Uint8Array(0), OWNER, partsFor(7, 0x10)));
  return refused;
}

if (import.meta.main) {
  writeFileSync(
    new URL('envelope.json', import.meta.url),
    `${JSON.stringify(await makeVectors(), null, 2)}\n`,
  );
}
