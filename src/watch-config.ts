/** What is watched and reported: the audit stream on standard output, entries of applications, and when an alert is raised. */
import { SallyportError } from './core/errors.ts';

export interface WatchSettings {
  /** Every journal entry is also a line on standard output. */
  readonly auditStdout: boolean;
  /** Entries that one admin token may put on record a minute. */
  readonly auditWritesPerMinute: number;
  /** Refused credentials within a minute that are an alert; 0 for never. */
  readonly authFailures: number;
  /** Days that a provider key may get old, by environment; `*` for all others. */
  readonly keyAgeDays: ReadonlyMap<string, number>;
  /** Free bytes of the data folder below which an alert is raised; null: a tenth of the disk, at most 1 GiB. */
  readonly diskFreeBytes: number | null;
}

export const WATCH_VARIABLES = {
  SALLYPORT_AUDIT_STDOUT: '1: every journal entry is also a JSON line on standard output',
  SALLYPORT_AUDIT_WRITES_PER_MINUTE: 'entries that one admin token may put on record a minute (default 60)',
  SALLYPORT_ALERT_AUTH_FAILURES:
    'refused credentials within a minute that raise an alert (default 30, 0: never)',
  SALLYPORT_ALERT_KEY_AGE_DAYS:
    'days that a provider key may get old, by environment (default prod=90,staging=180,dev=365,test=365,*=90)',
  SALLYPORT_ALERT_DISK_FREE_MB: 'free space that raises an alert (default a tenth of the disk, at most 1024)',
} as const;

/** What is not named may be production. */
const DEFAULT_KEY_AGE_DAYS = { prod: 90, staging: 180, dev: 365, test: 365, '*': 90 } as const;
const MEBIBYTE = 1024 * 1024;

type Variables = Readonly<Record<string, string | undefined>>;

/** Throws `config.invalid`. */
export function readWatching(auditStdout: boolean | undefined, environment: Variables): WatchSettings {
  const number = (name: keyof typeof WATCH_VARIABLES, least: number, most: number): number | null => {
    const text = environment[name];
    return text === undefined ? null : wholeNumber(name, text, least, most);
  };
  const diskFreeMb = number('SALLYPORT_ALERT_DISK_FREE_MB', 1, 1_000_000_000);
  return {
    auditStdout: auditStdout === true || readSwitch('SALLYPORT_AUDIT_STDOUT', environment),
    auditWritesPerMinute: number('SALLYPORT_AUDIT_WRITES_PER_MINUTE', 1, 6000) ?? 60,
    authFailures: number('SALLYPORT_ALERT_AUTH_FAILURES', 0, 1_000_000) ?? 30,
    keyAgeDays: readKeyAges(environment['SALLYPORT_ALERT_KEY_AGE_DAYS']),
    diskFreeBytes: diskFreeMb === null ? null : diskFreeMb * MEBIBYTE,
  };
}

function readSwitch(name: string, environment: Variables): boolean {
  const text = environment[name] ?? '0';
  if (text === '0' || text === '1') return text === '1';
  throw invalid(`${name} is "${text.slice(0, 20)}".`, 'Set it to 1, or leave it out.');
}

function readKeyAges(text: string | undefined): Map<string, number> {
  const ages = new Map<string, number>();
  for (const part of text?.split(',') ?? []) {
    const [, environment = '', days = ''] =
      /^\s*(\*|[A-Za-z0-9][A-Za-z0-9._-]{0,62})\s*=\s*(\d{1,4})\s*$/.exec(part) ?? [];
    if (environment === '' || ages.has(environment) || Number(days) < 1) {
      throw invalid(
        'SALLYPORT_ALERT_KEY_AGE_DAYS is not a list of environments and days.',
        'Write each environment once, with a number of days above zero: prod=60,staging=90,*=180',
      );
    }
    ages.set(environment, Number(days));
  }
  // Who says what holds for all others has no defaults in mind that hold for some.
  return ages.has('*') ? ages : new Map([...Object.entries(DEFAULT_KEY_AGE_DAYS), ...ages]);
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d{1,12}$/.test(text) && value >= least && value <= most) return value;
  throw invalid(`${name} is "${text.slice(0, 20)}".`, `Use a whole number from ${least} to ${most}.`);
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('config.invalid', message, { fix });
}
