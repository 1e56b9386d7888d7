/** What a check of the doctor is: a row of the table in checks.ts. A check that could not look says so; it is never "ok" for that. */
import type { RouteName, RouteReply } from '../admin/contract.ts';

export interface Check {
  /** Stable: options and reports name it. */
  readonly id: string;
  /** `local`: looks at this folder and this machine, also while no gateway runs. */
  readonly about: 'local' | 'gateway';
  readonly title: string;
  /** What may happen where it finds something. */
  readonly why: string;
  readonly run: (context: CheckContext) => Promise<Outcome>;
}

export interface CheckContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly nowMs: number;
  /** The journal of the data folder on this machine, or null where the gateway is elsewhere. */
  readonly journal: string | null;
  /** Alerts may be sent on trial. */
  readonly sendsAlerts: boolean;
  readonly gateway: GatewayQuestions;
}

/** Questions that change nothing, each asked once whatever the number of checks. Reject as the client does. */
export interface GatewayQuestions {
  ask<N extends Question>(name: N): Promise<RouteReply<N>>;
  askAudit(action: string): Promise<RouteReply<'audit.query'>['entries']>;
  askDelivered(): Promise<RouteReply<'alert.outbox'>['alerts']>;
  /** Sends a message on trial. */
  testAlert(name: string): Promise<RouteReply<'alert.test'>>;
}

export type Question = Extract<
  RouteName,
  'status.show' | 'key.hygiene' | 'token.list' | 'budget.list' | 'alert.list'
>;

/** Something that should be changed, and how. */
export interface Point {
  readonly what: string;
  readonly fix: string;
}

export interface Outcome {
  /** What was looked at, in a few words, for who reads that all is well. */
  readonly said: string;
  readonly findings: readonly Point[];
  /** What could not be looked at. */
  readonly unchecked: readonly Point[];
}

export type Verdict = 'ok' | 'finding' | 'unchecked';

export function verdictOf({ findings, unchecked }: Outcome): Verdict {
  if (findings.length > 0) return 'finding';
  return unchecked.length > 0 ? 'unchecked' : 'ok';
}

export function outcome(
  said: string,
  findings: readonly Point[] = [],
  unchecked: readonly Point[] = [],
): Outcome {
  return { said, findings, unchecked };
}

export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : many}`;
}
