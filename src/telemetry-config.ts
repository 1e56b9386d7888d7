/** What the gateway tells those who watch it, beyond the metrics that are always there: off unless a variable says so. */
import { SallyportError } from './core/errors.ts';
import type { CallLogTarget, TelemetrySettings } from './telemetry/telemetry.ts';

export const TELEMETRY_VARIABLES = {
  SALLYPORT_CALL_LOG: 'off, stdout or stderr: one line of JSON a call (default off)',
} as const;

type Variables = Readonly<Record<string, string | undefined>>;

const TARGETS: readonly CallLogTarget[] = ['off', 'stdout', 'stderr'];

/** Throws `config.invalid`. */
export function readTelemetry(environment: Variables): TelemetrySettings {
  return { callLog: readTarget(environment['SALLYPORT_CALL_LOG'] ?? 'off') };
}

function readTarget(text: string): CallLogTarget {
  const target = TARGETS.find((candidate) => candidate === text);
  if (target) return target;
  throw new SallyportError('config.invalid', `SALLYPORT_CALL_LOG is "${text.slice(0, 20)}".`, {
    fix: `Use one of ${TARGETS.join(', ')}.`,
  });
}
