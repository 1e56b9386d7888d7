/**
 * Structured log lines on stderr, one JSON object each. Every text passes `redact` at the sink, so that a provider key or a token
 * that reached an error message does not reach a log collector. Writing never waits: see line-sink.ts.
 */
import { LineSink } from './line-sink.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogConfig {
  readonly level: LogLevel;
  readonly redact: (text: string) => string;
  readonly sink?: Pick<LineSink, 'write'>;
}

export function createLog(config: LogConfig): Log {
  const sink = config.sink ?? openLogSink();
  const emit = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (ORDER.indexOf(level) < ORDER.indexOf(config.level)) return;
    const safe: Record<string, unknown> = {
      at: new Date().toISOString(),
      level,
      message: config.redact(message),
    };
    for (const [name, value] of Object.entries(fields)) {
      if (value !== undefined) safe[name] = typeof value === 'string' ? config.redact(value) : value;
    }
    sink.write(`${JSON.stringify(safe)}\n`);
  };
  return {
    debug: (message, fields) => emit('debug', message, fields),
    info: (message, fields) => emit('info', message, fields),
    warn: (message, fields) => emit('warn', message, fields),
    error: (message, fields) => emit('error', message, fields),
  };
}

/** Where the log of this process goes, unless it is told otherwise. */
export function openLogSink(): LineSink {
  const at = (): string => new Date().toISOString();
  return new LineSink({
    // Opened with the first line: most commands log none, and opening it takes longer than some of them.
    get stream() {
      return process.stderr;
    },
    notice: (lines) =>
      `${JSON.stringify({ at: at(), level: 'warn', message: 'Lines of this log were lost: its reader is too slow, or its disk full.', lines })}\n`,
  });
}

export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
