/** What is no key, though it may look like one from afar: each writes a piece of a file in which nothing may be found. */
import { ALNUM, BASE64, DIGITS, HEX, LOWER, type Random, UNRESERVED, UPPER } from './random.ts';
import { SHAPED } from './shapes.ts';

export interface Negative {
  readonly name: string;
  readonly write: (random: Random) => string;
}

const VENDORS = [
  'openai',
  'mistral',
  'cohere',
  'deepgram',
  'wandb',
  'azure',
  'together',
  'assemblyai',
  'groq',
];
const WORDS =
  'client request stream model chat message content token usage response handler options default config'.split(
    ' ',
  );
const camelName = (random: Random, words: number): string =>
  Array.from({ length: words }, (_, index) => {
    const word = random.pick(WORDS);
    return index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1);
  }).join('');
const prefixOf = (random: Random): string =>
  /^.{0,8}?[_-]/.exec(random.pick(SHAPED).make(random))?.[0] ?? 'sk-';
const PLACEHOLDERS = [
  (prefix: string) => `${prefix}${'x'.repeat(48)}`,
  (prefix: string) => `${prefix}your-api-key-here`,
  (prefix: string) => `${prefix}YOUR_API_KEY_GOES_HERE_PLEASE_REPLACE_IT_WITH_YOURS`,
  (prefix: string) => `${prefix}${'0'.repeat(64)}`,
  (prefix: string) => `${prefix}${'abcdefghij'.repeat(6)}`,
  (prefix: string) => `${prefix}1234567890abcdefghijklmnopqrstuvwxyz1234567890abcd`,
  (prefix: string) => `${prefix}...`,
  (prefix: string) => `${prefix}<insert your key>`,
  (prefix: string) => `${prefix}\${API_KEY}`,
  (prefix: string) => `${prefix}****************************************abcd`,
];
const base64 = (random: Random, bytes: number): string => random.bytes(bytes).toString('base64');

export const NEGATIVES: readonly Negative[] = [
  {
    name: 'placeholders',
    write: (r) => `API_KEY=${r.pick(PLACEHOLDERS)(prefixOf(r)).replace('gsk_', 'sk-')}\n`,
  },
  // One character less, or one of another alphabet in the middle.
  { name: 'too short', write: (r) => `key: ${cut(r, 12)}\n` },
  { name: 'broken in the middle', write: (r) => `key: "${broken(r)}"\n` },
  { name: 'SHA-256', write: (r) => `${r.text(HEX, 64)}  ${r.pick(VENDORS)}-1.2.3.tar.gz\n` },
  {
    name: 'commit beside a provider',
    write: (r) => `"${r.pick(VENDORS)}": "github:x/y#${r.text(HEX, 40)}"\n`,
  },
  { name: 'MD5 beside a provider', write: (r) => `${r.pick(VENDORS)} md5: ${r.text(HEX, 32)}\n` },
  { name: 'etag', write: (r) => `etag: "${r.text(HEX, 32)}"\nx-host: api.${r.pick(VENDORS)}.com\n` },
  { name: 'UUID', write: (r) => `{"id":"${r.uuid()}","provider":"${r.pick(VENDORS)}"}\n` },
  { name: 'id of a trace', write: (r) => `traceparent: 00-${r.text(HEX, 32)}-${r.text(HEX, 16)}-01\n` },
  {
    name: 'lock file',
    write: (r) =>
      `    "node_modules/@${r.pick(VENDORS)}/sdk": {\n      "version": "1.${r.below(99)}.0",\n      "resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz",\n      "integrity": "sha512-${base64(r, 64)}",\n`,
  },
  { name: 'yarn lock', write: (r) => `${r.pick(VENDORS)}@^1.0.0:\n  checksum: 10c0/${r.text(HEX, 128)}\n` },
  {
    name: 'pip hashes',
    write: (r) => `${r.pick(VENDORS)}==1.0 \\\n    --hash=sha256:${r.text(HEX, 64)} \\\n`,
  },
  { name: 'go.sum', write: (r) => `github.com/${r.pick(VENDORS)}/go v1.0.0 h1:${base64(r, 32)}\n` },
  {
    name: 'subresource integrity',
    write: (r) => `<script src="a.js" integrity="sha384-${base64(r, 48)}"></script>\n`,
  },
  { name: 'data URI', write: (r) => `url(data:image/png;base64,iVBORw0KGgo${base64(r, 120)})\n` },
  {
    name: 'certificate',
    write: (r) => `-----BEGIN CERTIFICATE-----\n${lines(base64(r, 300))}\n-----END CERTIFICATE-----\n`,
  },
  { name: 'public key', write: (r) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${base64(r, 32)} me@host\n` },
  { name: 'Git LFS', write: (r) => `oid sha256:${r.text(HEX, 64)}\nsize ${r.below(99999)}\n` },
  { name: 'source map', write: (r) => `{"version":3,"mappings":"${r.text(`${ALNUM}+/,;`, 600)}"}` },
  {
    name: 'minified',
    write: (r) => `var ${r.text(LOWER, 2)}=function(e){return ${camelName(r, 5)}(e,"${camelName(r, 6)}")};`,
  },
  {
    name: 'names of a program',
    write: (r) => `${r.pick(VENDORS)}.${camelName(r, 6)} = ${r.pick(VENDORS)}_${camelName(r, 5)};\n`,
  },
  { name: 'hf_ names', write: (r) => `hf_${camelName(r, 6)}("hf_${WORDS.join('_')}")\n` },
  {
    name: 'names with prefixes',
    write: (r) =>
      `${prefixOf(r)}${WORDS.slice(0, 7).join('-')} ${prefixOf(r)}${WORDS.slice(4, 11).join('_')}\n`,
  },
  {
    name: 'test ids',
    write: (r) => `<div class="sk-${camelName(r, 5)} css-${r.text(LOWER + DIGITS, 8)}">\n`,
  },
  {
    name: 'address of a blob',
    write: (r) => `https://x.example/${r.pick(VENDORS)}/${r.text(HEX, 40)}/file.bin\n`,
  },
  { name: 'numbers', write: (r) => `[${Array.from({ length: 200 }, () => r.below(256)).join(', ')}]\n` },
  {
    name: 'bytes in hexadecimal',
    write: (r) =>
      `${r.text(HEX, 4)} ${[...r.bytes(96)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}\n`,
  },
  { name: 'public keys of services', write: (r) => `pk_live_${r.text(ALNUM, 24)} pk-lf-${r.uuid()}\n` },
  { name: 'base64 of bytes', write: (r) => `blob: ${base64(r, 400)}\n` },
  { name: 'base64url of bytes', write: (r) => `state=${r.text(UNRESERVED, 300)}\n` },
  { name: 'random base64', write: (r) => `${r.text(BASE64, 500)}\n` },
  { name: 'capitals', write: (r) => `${r.text(UPPER, 20)} ${r.text(`${UPPER}${DIGITS}`, 24)}\n` },
];

function lines(text: string): string {
  return text.replaceAll(/.{64}/g, '$&\n');
}

/** A key that lost more than half of its body. */
function cut(random: Random, left: number): string {
  const key = random.pick(SHAPED).make(random);
  return key.slice(0, Math.min(left, key.length - 8));
}

/** A key with a space in its first ten characters behind the prefix. */
function broken(random: Random): string {
  const key = random
    .pick(SHAPED.filter(({ name }) => !/Bedrock|Azure|Devin personal/.test(name)))
    .make(random);
  return [key.slice(0, 14), key.slice(14, 24), key.slice(24, 34)].join(' ');
}
