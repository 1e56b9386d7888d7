/** Which container bytes are, by how they begin; names say it only where a format has no mark of its own. */
import { standsAt } from '../detect/bytes.ts';

export type OpenedKind = 'gzip' | 'zip' | 'tar' | 'zstd' | 'ar' | 'cpio';
/** Containers that are told and not opened. */
export type ClosedKind = 'xz' | 'bzip2' | '7z' | 'rar' | 'lz4' | 'rpm' | 'cab';

export interface ContainerKind {
  readonly kind: OpenedKind | ClosedKind;
  readonly opened: boolean;
}

const STARTS: readonly (readonly [start: string, kind: OpenedKind | ClosedKind, opened: boolean])[] = [
  ['\u001f\u008b\u0008', 'gzip', true],
  ['PK\u0003\u0004', 'zip', true],
  ['PK\u0005\u0006', 'zip', true],
  ['\u0028\u00b5\u002f\u00fd', 'zstd', true],
  ['!<arch>\n', 'ar', true],
  ['070701', 'cpio', true],
  ['070702', 'cpio', true],
  ['\u00fd7zXZ\u0000', 'xz', false],
  ['7z\u00bc\u00af\u0027\u001c', '7z', false],
  ['Rar!\u001a\u0007', 'rar', false],
  ['\u0004\u0022\u004d\u0018', 'lz4', false],
  ['\u00ed\u00ab\u00ee\u00db', 'rpm', false],
  ['MSCF\u0000\u0000\u0000\u0000', 'cab', false],
];
const BY_FIRST = new Map<number, (typeof STARTS)[number][]>();
for (const one of STARTS) {
  const first = one[0].charCodeAt(0);
  BY_FIRST.set(first, [...(BY_FIRST.get(first) ?? []), one]);
}
const TAR_AT = 257;

/** Null for what is none. 262 bytes are enough to tell. */
export function containerKind(bytes: Uint8Array): ContainerKind | null {
  for (const [start, kind, opened] of BY_FIRST.get(bytes[0] ?? -1) ?? [])
    if (standsAt(bytes, 0, start) && hasTail(kind, bytes)) return { kind, opened };
  if (standsAt(bytes, 0, 'BZh') && standsAt(bytes, 4, '1AY&SY')) return { kind: 'bzip2', opened: false };
  return standsAt(bytes, TAR_AT, 'ustar') ? { kind: 'tar', opened: true } : null;
}

/** Digits alone are no mark: those of a head follow them. */
function hasTail(kind: OpenedKind | ClosedKind, bytes: Uint8Array): boolean {
  if (kind !== 'cpio') return true;
  const head = Buffer.from(bytes.subarray(6, 110)).toString('latin1');
  return /^[0-9A-Fa-f]{104}$/.test(head);
}

/** Whether bytes begin as a container does. 262 bytes are enough to tell. */
export function isContainer(bytes: Uint8Array): boolean {
  return containerKind(bytes) !== null;
}

/** Whether a name is that of a container, whose changed lines mean nothing. */
export function hasContainerName(path: string): boolean {
  return /\.(?:zip|docx|xlsx|pptx|odt|ods|odp|jar|war|ear|aar|apk|ipa|whl|nupkg|vsix|xpi|crx|epub|gz|tgz|tar|zst|tzst|xz|txz|bz2|tbz2?|7z|rar|deb|rpm|lz4)$/i.test(
    path,
  );
}
