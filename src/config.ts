/**
 * Settings from flags and SALLYPORT_* variables, and the secrets (the root key, or where it is, above all) apart from them. Contradictions, unknown
 * names and values out of range refuse to start: a mistyped limit must not mean no limit.
 */
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { SallyportError } from './core/errors.ts';
import type { LogLevel } from './core/log.ts';
import { suggest } from './core/nearest.ts';
import type { CallTimes } from './gateway/live-calls.ts';
import { LISTEN_VARIABLES, type ListenFlags, type ListenSettings, readListening } from './listen-config.ts';
import { rootKeySource } from './root-key-config.ts';
import { readOtlpHeaders, readTelemetry, TELEMETRY_VARIABLES } from './telemetry-config.ts';
import type { OtlpHeaders } from './telemetry/otlp/headers.ts';
import type { TelemetrySettings } from './telemetry/telemetry.ts';
import type { RootKeySource } from './vault/kek/source.ts';
import { readWatching, WATCH_VARIABLES, type WatchSettings } from './watch-config.ts';

export interface Settings extends ListenSettings, WatchSettings {
  /** Absolute path. */
  readonly data: string;
  /** 0: any free port. */
  readonly port: number;
  readonly adminPort: number;
  readonly logLevel: LogLevel;
  readonly maxBodyBytes: number;
  /** Of all large bodies together. */
  readonly maxBodiesBytes: number;
  /** Calls at once; fewer if the start shows that so many do not go. */
  readonly maxCalls: number;
  /** A call is on disk before it is sent, not only before its answer leaves. */
  readonly strict: boolean;
  /** How long a request may take to arrive, and an idle connection is kept. */
  readonly requestSeconds: number;
  /** The operator's own prices, or null. Absolute path. */
  readonly pricesFile: string | null;
  readonly times: CallTimes;
  readonly telemetry: TelemetrySettings;
  /** How long running calls may take to finish when Sallyport stops. */
  readonly drainMs: number;
}

export interface SecretSettings {
  readonly rootKey: RootKeySource;
  /** For the receiver of OpenTelemetry data. */
  readonly otlpHeaders: OtlpHeaders | null;
}

export interface Config {
  readonly settings: Settings;
  readonly secrets: SecretSettings;
}

export interface Flags extends ListenFlags {
  readonly data?: string | undefined;
  readonly port?: string | undefined;
  readonly adminPort?: string | undefined;
  /** The root key is made from a passphrase that is asked for. */
  readonly passphrase?: boolean;
  readonly auditStdout?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export const DEFAULT_PORT = 4141;
export const DEFAULT_ADMIN_PORT = 4142;
const DEFAULT_MAX_CALLS = 2000;
/** A token may take half of the room for bodies: a body of the largest size has to fit in there. */
const LEAST_BODIES = 2;

/** Every variable that is read, and what it means: `sallyport up --help` prints this. */
export const VARIABLES = {
  SALLYPORT_DATA: 'data folder (default ~/.sallyport)',
  ...LISTEN_VARIABLES,
  SALLYPORT_PORT: `port of the gateway (default ${DEFAULT_PORT}, 0 takes a free one)`,
  SALLYPORT_ADMIN_PORT: `port of the admin listener (default ${DEFAULT_ADMIN_PORT})`,
  SALLYPORT_ROOT_KEY_FILE: 'file of the root key (default root.key in the data folder)',
  SALLYPORT_ROOT_KEY: 'the root key itself, instead of a file; removed from the environment when read',
  SALLYPORT_PASSPHRASE_FILE:
    'file (mode 0600) with the passphrase that the root key is made from, instead of a file',
  SALLYPORT_PRICES: 'JSON file with price rows of your own, which go before the bundled ones',
  SALLYPORT_LOG_LEVEL: 'debug, info, warn or error (default info)',
  ...TELEMETRY_VARIABLES,
  SALLYPORT_MAX_BODY_BYTES: 'largest request body (default 10485760)',
  SALLYPORT_MAX_BODIES_BYTES: 'all large request bodies together (default 268435456)',
  SALLYPORT_MAX_CALLS: `calls at once (default ${DEFAULT_MAX_CALLS}, or what open files allow)`,
  SALLYPORT_DURABILITY:
    'when a call has to be on disk: "answer", before its answer leaves (default), or "strict", before it is sent',
  SALLYPORT_REQUEST_SECONDS: 'how long a request may take to arrive (default 30)',
  SALLYPORT_FIRST_BYTE_SECONDS: 'wait for the first byte of an answer (default 600)',
  SALLYPORT_IDLE_SECONDS: 'wait between two chunks of an answer (default 300)',
  SALLYPORT_STALL_SECONDS: 'how long a client may leave an answer unread (default 120)',
  SALLYPORT_TOTAL_SECONDS: 'longest a call may take (default 3600)',
  SALLYPORT_DRAIN_SECONDS: 'how long running calls may take to finish at the end (default 30)',
  ...WATCH_VARIABLES,
} as const;

/** Read elsewhere: the CLI's own token, and the test hooks of core/failpoint.ts. */
const OTHER_VARIABLES = [
  'SALLYPORT_ADMIN_TOKEN',
  'SALLYPORT_FAILPOINT',
  'SALLYPORT_FAILPOINT_MARKER',
  // Of applications that call through a gateway, which may run beside it.
  'SALLYPORT_TOKEN',
  'SALLYPORT_URL',
];
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const DURABILITIES = ['answer', 'strict'] as const;

/** Throws `config.invalid`. Flags win over variables. */
export function readConfig(flags: Flags, environment: Environment): Config {
  checkNames(environment);
  checkEmpty(flags, environment);
  const data = resolve(flags.data ?? defaultDataFolder(environment));
  const seconds = (name: keyof typeof VARIABLES, fallback: number): number =>
    1000 * integer(name, environment[name], 1, 86_400, fallback);
  const port = integer('--port', flags.port ?? environment['SALLYPORT_PORT'], 0, 65_535, DEFAULT_PORT);
  const adminPort = integer(
    '--admin-port',
    flags.adminPort ?? environment['SALLYPORT_ADMIN_PORT'],
    0,
    65_535,
    DEFAULT_ADMIN_PORT,
  );
  if (port === adminPort && port !== 0)
    throw invalid(`--port and --admin-port are both ${port}.`, { fix: 'Choose two ports.' });
  return {
    settings: {
      data,
      ...readListening(flags, environment),
      ...readWatching(flags.auditStdout, environment),
      port,
      adminPort,
      logLevel: oneOf('SALLYPORT_LOG_LEVEL', environment, LEVELS) ?? 'info',
      strict: oneOf('SALLYPORT_DURABILITY', environment, DURABILITIES) === 'strict',
      ...readBounds(environment),
      // The runtime counts in one byte.
      requestSeconds: integer(
        'SALLYPORT_REQUEST_SECONDS',
        environment['SALLYPORT_REQUEST_SECONDS'],
        4,
        255,
        30,
      ),
      pricesFile: pathOf(environment['SALLYPORT_PRICES']),
      times: {
        firstByteMs: seconds('SALLYPORT_FIRST_BYTE_SECONDS', 600),
        idleMs: seconds('SALLYPORT_IDLE_SECONDS', 300),
        stallMs: seconds('SALLYPORT_STALL_SECONDS', 120),
        totalMs: seconds('SALLYPORT_TOTAL_SECONDS', 3600),
      },
      telemetry: readTelemetry(environment),
      drainMs: seconds('SALLYPORT_DRAIN_SECONDS', 30),
    },
    secrets: {
      rootKey: rootKeySource(environment, data, flags.passphrase === true),
      otlpHeaders: readOtlpHeaders(environment),
    },
  };
}

function readBounds(
  environment: Environment,
): Pick<Settings, 'maxBodyBytes' | 'maxBodiesBytes' | 'maxCalls'> {
  const bound = (name: keyof typeof VARIABLES, least: number, most: number, fallback: number): number =>
    integer(name, environment[name], least, most, fallback);
  const maxBodyBytes = bound('SALLYPORT_MAX_BODY_BYTES', 1024, 1024 ** 3, 10 * 1024 ** 2);
  const least = LEAST_BODIES * maxBodyBytes;
  const maxBodiesBytes = bound(
    'SALLYPORT_MAX_BODIES_BYTES',
    least,
    1024 ** 4,
    Math.max(256 * 1024 ** 2, least),
  );
  return {
    maxBodyBytes,
    maxBodiesBytes,
    maxCalls: bound('SALLYPORT_MAX_CALLS', 1, 60_000, DEFAULT_MAX_CALLS),
  };
}

/** What `--data` defaults to, for every command. */
export function defaultDataFolder(environment: Environment): string {
  const home = environment['HOME'];
  return (
    environment['SALLYPORT_DATA'] ??
    join(home === undefined || home === '' ? userInfo().homedir : home, '.sallyport')
  );
}

function pathOf(text: string | undefined): string | null {
  return text === undefined ? null : resolve(text);
}

function checkNames(environment: Environment): void {
  const known = [...Object.keys(VARIABLES), ...OTHER_VARIABLES];
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('SALLYPORT_') || known.includes(name)) continue;
    throw invalid(`The variable ${name.slice(0, 80)} means nothing to Sallyport.`, {
      fix: suggest(name, known, 'Unset it; sallyport up --help lists the variables there are.'),
    });
  }
}

/** An empty path would be the folder that Sallyport happens to be started in. */
function checkEmpty(flags: Flags, environment: Environment): void {
  const empty =
    flags.data === '' ? '--data' : Object.keys(VARIABLES).find((variable) => environment[variable] === '');
  if (empty !== undefined) throw invalid(`${empty} is empty.`, { fix: 'Give it a value, or leave it out.' });
}

function oneOf<T extends string>(
  name: keyof typeof VARIABLES,
  environment: Environment,
  values: readonly T[],
): T | undefined {
  const text = environment[name];
  if (text === undefined) return undefined;
  const value = values.find((candidate) => candidate === text);
  if (value !== undefined) return value;
  throw invalid(`${name} is "${text.slice(0, 20)}".`, { fix: `Use one of ${values.join(', ')}.` });
}

function integer(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
  fallback: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d{1,13}$/.test(text) && value >= least && value <= most) return value;
  throw invalid(`${name} is "${text.slice(0, 20)}".`, {
    fix: `Use a whole number from ${least} to ${most}.`,
  });
}

function invalid(message: string, options: { readonly fix: string }): SallyportError {
  return new SallyportError('config.invalid', message, options);
}
