/** Whose a value is, as the gateway says, and what was done about it. Plain data: how the gateway is asked is not this file's. */
import type { Finding } from './finding.ts';

export interface KeyOwner {
  readonly kind: 'key';
  readonly name: string;
  readonly provider: string;
  readonly team: string | null;
  readonly environment: string | null;
  readonly purpose: string | null;
  readonly version: number;
  /** What it is called in the provider's console. */
  readonly label: string;
  readonly state: 'pending' | 'active' | 'retired';
  readonly slotState: 'active' | 'disabled';
  readonly createdAt: string;
  readonly retiredAt: string | null;
  readonly lastUse: {
    readonly at: string;
    readonly token: string | null;
    readonly team: string | null;
  } | null;
  /** Since when it is known to be outside, and whether this scan was the first to say so. */
  readonly exposed: { readonly at: string; readonly by: string; readonly place: string | null } | null;
  readonly marked: boolean;
}

export interface TokenOwner {
  readonly kind: 'token';
  readonly id: string;
  readonly proof: 'right' | 'wrong' | 'unknown';
  readonly details: {
    readonly name: string | null;
    readonly type: string;
    readonly team: string | null;
    readonly environment: string;
    readonly state: 'active' | 'expired' | 'revoked';
    readonly createdAt: string;
    readonly expiresAt: string;
    readonly revokedAt: string | null;
    readonly revokedReason: string | null;
    readonly lastUsedAt: string | null;
  } | null;
  /** By this scan. */
  readonly revoked: boolean;
}

export type Owner = KeyOwner | TokenOwner;

export function ownerName(owner: Owner): string {
  return owner.kind === 'key' ? `${owner.name}@${owner.version}` : owner.id;
}

/** One sentence for each, and for what was done. Names are the gateway's own: nothing of a value is in them. */
export function describeOwners({ owners }: Pick<Finding, 'owners'>, nowMs: number): string[] {
  if (owners?.length === 0) return ['the gateway does not know it'];
  return (owners ?? []).flatMap((owner) =>
    owner.kind === 'key' ? describeKey(owner, nowMs) : describeToken(owner, nowMs),
  );
}

function describeKey(owner: KeyOwner, nowMs: number): string[] {
  const { name, version, state, slotState, retiredAt, lastUse, exposed, marked } = owner;
  const since = retiredAt === null ? '' : ` ${ago(retiredAt, nowMs)}`;
  const what = {
    active: slotState === 'active' ? 'active' : 'disabled here',
    retired: `replaced${since}: it is dead here; was it revoked at the provider?`,
    pending: 'sealed, and never used',
  }[state];
  const team = lastUse?.team ?? null;
  const whom = team === null ? '' : ` by team ${team}`;
  const use =
    lastUse === null ? 'never used through the gateway' : `last used ${ago(lastUse.at, nowMs)}${whom}`;
  const lines = [
    `this is ${name}, version ${version}, ${what}${state === 'retired' ? ' It was' : ','} ${use}`,
  ];
  if (exposed !== null) {
    lines.push(
      marked
        ? `${name}@${version} is marked as exposed now, which is an alert${state === 'active' ? '; calls go on with it' : ''}`
        : `${name}@${version} is marked as exposed since ${exposed.at}, by ${exposed.by}`,
    );
  }
  return lines;
}

function describeToken({ id, proof, details, revoked }: TokenOwner, nowMs: number): string[] {
  if (details === null) {
    return [
      proof === 'wrong'
        ? `the token ${id} is one of this gateway, but this is not its secret`
        : `the token ${id} may be one of this gateway; it was issued by an older version, which kept nothing to tell by; if it is: sallyport token revoke ${id}`,
    ];
  }
  const { name, team, environment, state, lastUsedAt, revokedAt, expiresAt } = details;
  const called = name === null ? '' : ` (${name})`;
  const whose = team === null ? 'an admin token' : `team ${team}, ${environment}`;
  const ended = {
    active: `active until ${expiresAt}`,
    expired: `expired ${ago(expiresAt, nowMs)}`,
    revoked: `revoked ${ago(revokedAt ?? expiresAt, nowMs)}`,
  }[state];
  const use = lastUsedAt === null ? 'not used of late' : `last used ${ago(lastUsedAt, nowMs)}`;
  return [
    `this is the token ${id}${called}, ${whose}, ${ended}, ${use}`,
    ...(revoked ? [`the token ${id} is revoked by this scan: calls with it are refused from now on`] : []),
  ];
}

const UNITS = [
  ['day', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** `2 min ago`. */
function ago(time: string, nowMs: number): string {
  const ms = Math.max(0, nowMs - Date.parse(time));
  for (const [unit, size] of UNITS) {
    const count = Math.floor(ms / size);
    if (count >= 1) return `${count} ${unit}${unit === 'day' && count > 1 ? 's' : ''} ago`;
  }
  return 'just now';
}
