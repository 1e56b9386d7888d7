/**
 * What kind of place an IP address is, from the special-purpose registries (RFC 6890 and its successors).
 * Pure; anything that cannot be read counts as `reserved`, which nobody may send a key to.
 */

export type AddressClass =
  | 'public'
  | 'loopback'
  /** RFC 1918, CGNAT (100.64/10), ULA, benchmarking (198.18/15, what fake-ip resolvers answer). */
  | 'private'
  | 'link-local'
  /** Hands credentials to whoever asks: never an upstream. */
  | 'metadata'
  /** Unspecified, multicast, documentation, future use. */
  | 'reserved';

/** AWS, GCP, Azure and most others; ECS; EKS; Alibaba; Azure's wire server; Oracle. */
const METADATA_V4: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
]);
/** AWS, EKS, GCP. */
const METADATA_V6: ReadonlySet<string> = new Set(['[fd00:ec2::254]', '[fd00:ec2::23]', '[fd20:ce::254]']);

/** First network that holds the address wins. */
const NETWORKS_V4: readonly (readonly [string, number, AddressClass])[] = [
  ['0.0.0.0', 8, 'reserved'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'reserved'],
  ['240.0.0.0', 4, 'reserved'],
];

/** Classifies a textual IPv4 or IPv6 address, with or without brackets or a zone. */
export function classifyAddress(text: string): AddressClass {
  const plain = text.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  return plain.includes(':') ? classifyV6(plain) : classifyV4(plain);
}

/** True for text that is an IP address as a URL's hostname spells one. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(hostname);
}

function classifyV4(text: string): AddressClass {
  const number = parseV4(text);
  if (number === undefined) return 'reserved';
  if (METADATA_V4.has(text)) return 'metadata';
  for (const [network, bits, kind] of NETWORKS_V4) {
    const size = 2 ** (32 - bits);
    if (Math.floor(number / size) === Math.floor((parseV4(network) ?? 0) / size)) return kind;
  }
  return 'public';
}

function parseV4(text: string): number | undefined {
  if (!/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text)) return undefined;
  const parts = text.split('.').map(Number);
  return parts.every((part) => part <= 255) ? parts.reduce((sum, part) => sum * 256 + part, 0) : undefined;
}

function classifyV6(text: string): AddressClass {
  const url = URL.parse(`http://[${text}]/`);
  if (!url) return 'reserved';
  if (METADATA_V6.has(url.hostname)) return 'metadata';
  const groups = expandV6(url.hostname.slice(1, -1));
  const [a = 0, b = 0] = groups;
  const embedded = embeddedV4(groups);
  if (embedded !== undefined) return classifyV4(embedded);
  if (groups.slice(0, 7).every((group) => group === 0)) return groups[7] === 1 ? 'loopback' : 'reserved';
  if ((a & 0xffc0) === 0xfe80) return 'link-local';
  if ((a & 0xffc0) === 0xfec0 || (a & 0xfe00) === 0xfc00) return 'private';
  if (a === 0x64 && b === 0xff9b) return 'private';
  // Teredo (2001::/32) tunnels to an address we cannot see; 2001:db8::/32 and 3fff::/20 are documentation.
  if (a === 0x2001 && (b === 0 || b === 0xdb8)) return 'reserved';
  if (a === 0x3fff && b < 0x1000) return 'reserved';
  return (a & 0xe000) === 0x2000 ? 'public' : 'reserved';
}

/** Eight numbers of an address in the compressed form that URL gives. */
function expandV6(text: string): number[] {
  const [left = '', right] = text.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const zeros: string[] = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

/** The IPv4 address inside a mapped (::ffff/96), compatible (::/96), NAT64 (64:ff9b::/96) or 6to4 (2002::/16) one. */
function embeddedV4(groups: readonly number[]): string | undefined {
  const dotted = (high = 0, low = 0): string => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  const zero = (from: number, to: number): boolean => groups.slice(from, to).every((group) => group === 0);
  const mapped = zero(0, 5) && groups[5] === 0xffff;
  const compatible = zero(0, 6) && groups[6] !== 0;
  const nat64 = groups[0] === 0x64 && groups[1] === 0xff9b && zero(2, 6);
  if (mapped || compatible || nat64) return dotted(groups[6], groups[7]);
  return groups[0] === 0x2002 ? dotted(groups[1], groups[2]) : undefined;
}
