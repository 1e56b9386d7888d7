/**
 * Which journal entries are worth telling people, and in which words. Pure: the same entry gives the same alert with the same id, live, in
 * replay and after a restore. What is said are fields of the entry, never prompts, answers, secrets, addresses or end users.
 */
import { createHash } from 'node:crypto';
import type {
  BudgetEvent,
  ClockEvent,
  ControlChange,
  DiskEvent,
  Entry,
  KeyAged,
  PlacedEntry,
} from '../audit/entry.ts';
import { formatUsd } from '../core/money.ts';
import type { ALERT_TYPES } from './terms.ts';

export type Severity = 'info' | 'warning' | 'critical';

export interface Alert {
  readonly id: string;
  /** An alert type, or `test`. */
  readonly type: string;
  readonly severity: Severity;
  /** ISO 8601 in UTC: when the event was recorded. */
  readonly timestamp: string;
  readonly instance: string;
  /** One sentence or two, for people. */
  readonly summary: string;
  readonly data: Readonly<Record<string, string | number | null>>;
}

/** Whom an alert is about, and what it is folded with. */
export interface Derived {
  readonly alert: Alert;
  readonly team: string | null;
  /** Alerts with the same `key` are sent to a destination once in `quietMs`. */
  readonly fold: { readonly key: string; readonly quietMs: number } | null;
}

/** What entries name without saying whose it is. */
export interface Owners {
  /** Subject and team of a budget. */
  budget(id: string): { readonly subject: string | null; readonly team: string | null };
  /** Team of a key slot. */
  keyTeam(slot: string): string | null;
}

interface Told {
  /** Of the alert; left out: the entry's action. */
  readonly type?: (typeof ALERT_TYPES)[number];
  readonly severity: Severity;
  readonly summary: string;
  readonly data: Alert['data'];
  readonly team?: string | null;
  readonly fold?: Derived['fold'];
  /** What makes the event the same event; left out: the entry itself. */
  readonly same?: string;
}

/** Every call with a dead key says the same; once in this time is enough. */
const REJECTED_QUIET_MS = 6 * 3_600_000;
const MEBIBYTE = 1024 * 1024;

export function alertOf({ entry, position }: PlacedEntry, instance: string, owners: Owners): Derived | null {
  const told = tell(entry, owners);
  if (!told) return null;
  const { stream, seq, hash } = position;
  // Not stream and number alone: after a restore without the newer journal these are given out again.
  const id = alertId(instance, told.same ?? `entry ${hash.toString('base64url')}`);
  return {
    alert: {
      id,
      type: told.type ?? entry.action,
      severity: told.severity,
      timestamp: entry.at,
      instance,
      summary: told.summary,
      data: { ...told.data, entry: `${stream}#${seq}` },
    },
    team: told.team ?? null,
    fold: told.fold ?? null,
  };
}

/** Without a dot, as Standard Webhooks wants it, and in hex: in base64 one in some thousand would look like a key, and be taken out. */
function alertId(instance: string, event: string): string {
  const digest = createHash('sha256').update(`sallyport.alert.v1\n${instance}\n${event}`).digest('hex');
  return `alr_${digest.slice(0, 32)}`;
}

/** True when one of `patterns` names the type, or its group as `budget.*`. */
export function wants(patterns: readonly string[], type: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type,
  );
}

function tell(entry: Entry, owners: Owners): Told | null {
  switch (entry.action) {
    case 'budget.alert':
    case 'budget.exhausted':
    case 'budget.paused':
    case 'budget.overrun':
      return tellBudget(entry, owners);
    case 'key.rejected': {
      const { keyId, provider, status } = entry;
      return {
        severity: 'critical',
        summary: `The provider ${provider} refuses the key ${keyId} or its account (status ${status}). See: sallyport key verify ${slotOf(keyId)}`,
        data: { key: keyId, provider, status, errorCode: codeOf(entry.errorCode) },
        team: owners.keyTeam(slotOf(keyId)),
        fold: { key: `key.rejected ${keyId}`, quietMs: REJECTED_QUIET_MS },
      };
    }
    case 'key.age':
      return tellKeyAge(entry, owners);
    case 'auth.burst': {
      const { count, windowSeconds, addresses, threshold } = entry;
      const from = `${addresses} ${addresses === 1 ? 'address' : 'addresses'}`;
      return {
        severity: 'warning',
        summary: `${count} credentials were refused within ${windowSeconds} seconds, from ${from}. See: sallyport audit query --action auth.refused`,
        data: { count, windowSeconds, addresses, threshold },
      };
    }
    case 'clock.jumped':
    case 'clock.resumed':
      return tellClock(entry);
    case 'disk.low':
    case 'disk.recovered':
      return tellDisk(entry);
    case 'control.key.expose':
      return tellExposedKey(entry, owners);
    case 'control.token.expose':
      return tellExposedToken(entry);
    default:
      return null;
  }
}

function tellBudget(event: BudgetEvent, owners: Owners): Told {
  const { action, budget, period, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd } = event;
  const { subject, team } = owners.budget(budget);
  const [spent, held, limit] = [spentPicoUsd, heldPicoUsd, limitPicoUsd].map(usd);
  const used = `${spent} spent and ${held} held of ${limit} in ${period}`;
  const data = { budget, subject, period, percent, spentPicoUsd, heldPicoUsd, limitPicoUsd };
  switch (action) {
    case 'budget.paused':
      return {
        severity: 'critical',
        summary: `The budget ${budget} is used up and paused: ${used}. Its calls are refused until somebody runs: sallyport budget resume ${budget}`,
        data,
        team,
      };
    case 'budget.exhausted':
      return {
        severity: 'critical',
        summary: `The budget ${budget} is used up: ${used}. Calls that do not fit are refused until the period ends.`,
        data,
        team,
      };
    case 'budget.overrun': {
      const overrunPicoUsd = event.overrunPicoUsd ?? '0';
      return {
        severity: 'warning',
        summary: `A call cost ${usd(overrunPicoUsd)} more than was held for it, charged to the budget ${budget}: ${used}. See: sallyport audit query --overrun`,
        data: { ...data, overrunPicoUsd },
        team,
        same: `${action} ${budget} ${period}`,
      };
    }
    default:
      return {
        severity: percent < 80 ? 'info' : 'warning',
        summary: `The budget ${budget} has reached ${percent} %: ${used}.`,
        data,
        team,
        same: `${action} ${budget} ${period} ${percent}`,
      };
  }
}

const AGE_SEVERITY = { soon: 'info', due: 'warning', overdue: 'critical' } as const;

function tellKeyAge(entry: KeyAged, owners: Owners): Told {
  const { keyId, provider, environment, stage, ageDays, cadenceDays } = entry;
  const when =
    stage === 'soon'
      ? `is to be replaced at ${cadenceDays} days`
      : `should be ${cadenceDays} days old at most`;
  return {
    severity: AGE_SEVERITY[stage],
    summary: `The provider key ${keyId} is ${ageDays} days old and ${when}. With the new one: sallyport key add ${slotOf(keyId)} --replace`,
    data: { key: keyId, provider, environment, stage, ageDays, cadenceDays },
    team: owners.keyTeam(slotOf(keyId)),
    same: `key.age ${keyId} ${stage}`,
  };
}

/** Bodies of records are whatever their part has put there. */
type Fields = Readonly<Record<string, unknown>>;

function tellExposedKey({ principal, records }: ControlChange, owners: Owners): Told | null {
  const [record] = records;
  const { slot, version, state, exposed } = (record?.body ?? {}) as Fields;
  if (typeof slot !== 'string' || typeof version !== 'number') return null;
  const { place, reason } = (exposed ?? {}) as Fields;
  const rotate =
    state === 'active'
      ? ` Calls go on with it. Make a new key at the provider, then: sallyport key add ${slot} --replace`
      : '';
  return {
    type: 'key.exposed',
    severity: 'critical',
    summary: `The provider key ${slot}@${version} was found outside${at(place)}. Revoke it at the provider.${rotate}`,
    data: {
      key: `${slot}@${version}`,
      state: textOf(state),
      place: textOf(place),
      reason: textOf(reason),
      principal,
    },
    team: owners.keyTeam(slot),
  };
}

function tellExposedToken({ principal, records }: ControlChange): Told | null {
  const [record] = records;
  const { id, team, revokedReason } = (record?.body ?? {}) as Fields;
  if (typeof id !== 'string') return null;
  return {
    type: 'token.exposed',
    severity: 'critical',
    summary: `The access token ${id} was found outside and has been revoked. Whoever used it needs another: sallyport token issue`,
    data: { token: id, reason: textOf(revokedReason), principal },
    team: textOf(team),
  };
}

function at(place: unknown): string {
  return typeof place === 'string' ? `, at ${place}` : '';
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function tellClock({ action, jumpMs, stoppedAt }: ClockEvent): Told {
  const by = `${Math.abs(Math.round(jumpMs / 1000))} seconds ${jumpMs < 0 ? 'back' : 'ahead'}`;
  return {
    severity: action === 'clock.jumped' ? 'warning' : 'info',
    summary:
      action === 'clock.jumped'
        ? `The wall clock was set ${by}. Budget periods stand still at ${stoppedAt} until it has agreed with itself for ten minutes, or: sallyport budget clock-ok`
        : `Budget periods go on; the wall clock had been set ${by}.`,
    data: { jumpMs, stoppedAt },
  };
}

function tellDisk({ action, freeBytes, totalBytes, thresholdBytes }: DiskEvent): Told {
  const free = `${Math.floor(freeBytes / MEBIBYTE)} MB free`;
  return {
    severity: action === 'disk.low' ? 'critical' : 'info',
    summary:
      action === 'disk.low'
        ? `The disk of the data folder runs full: ${free}. Without room for the journal, calls are refused.`
        : `The disk of the data folder has room again: ${free}.`,
    data: { freeBytes, totalBytes, thresholdBytes },
  };
}

function usd(picoUsd: string): string {
  return `$${formatUsd(BigInt(picoUsd))}`;
}

function slotOf(keyId: string): string {
  return keyId.slice(0, keyId.lastIndexOf('@'));
}

/** A provider's own code, if it is one; it could have written anything there. */
function codeOf(text: string | null): string | null {
  return text !== null && /^[a-z0-9_.-]{1,64}$/i.test(text) ? text : null;
}
