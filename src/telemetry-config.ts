/** What the gateway tells those who watch it, beyond the metrics that are always there: off unless a variable says so. */
import { resolve } from 'node:path';
import { SallyportError } from './core/errors.ts';
import { readPrivateFile } from './core/private-file.ts';
import { OtlpHeaders } from './telemetry/otlp/headers.ts';
import type { OtlpSettings } from './telemetry/otlp/otlp.ts';
import type { CallLogTarget, TelemetrySettings } from './telemetry/telemetry.ts';

const ENDPOINT = 'SALLYPORT_OTLP_ENDPOINT';
const HEADERS = 'SALLYPORT_OTLP_HEADERS';
const HEADERS_FILE = 'SALLYPORT_OTLP_HEADERS_FILE';
const SIGNALS = 'SALLYPORT_OTLP_SIGNALS';
const RATIO = 'SALLYPORT_OTLP_SAMPLE_RATIO';
const SECONDS = 'SALLYPORT_OTLP_METRICS_SECONDS';
const INSECURE = 'SALLYPORT_OTLP_INSECURE';

export const TELEMETRY_VARIABLES = {
  SALLYPORT_CALL_LOG: 'off, stdout or stderr: one line of JSON a call (default off)',
  [ENDPOINT]: 'receiver of OpenTelemetry data by OTLP/HTTP, such as https://host:4318 (default none)',
  [HEADERS]: 'headers for it, name=value,name=value; removed from the environment when read',
  [HEADERS_FILE]: 'file (mode 0600) with these headers instead',
  [SIGNALS]: 'what it gets: traces, metrics or traces,metrics (default traces,metrics)',
  [RATIO]: 'share of the calls without a trace of their own that get one, from 0 to 1 (default 1)',
  [SECONDS]: 'how often it gets metrics (default 60)',
  [INSECURE]: '1: it may be reached by plain http beyond this machine',
} as const;

/** Variables with a secret in them: whoever reads the configuration removes these from the environment. */
export const TELEMETRY_SECRET_VARIABLES = [HEADERS] as const;

type Variables = Readonly<Record<string, string | undefined>>;

const TARGETS: readonly CallLogTarget[] = ['off', 'stdout', 'stderr'];
const MAX_HEADERS_BYTES = 8192;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Throws `config.invalid`. */
export function readTelemetry(environment: Variables): TelemetrySettings {
  return { callLog: readTarget(environment['SALLYPORT_CALL_LOG'] ?? 'off'), otlp: readOtlp(environment) };
}

/** Throws `config.invalid`, also for a file that others can read. */
export function readOtlpHeaders(environment: Variables): OtlpHeaders | null {
  const { [HEADERS]: text, [HEADERS_FILE]: file } = environment;
  if (text !== undefined && file !== undefined) {
    throw invalid(`${HEADERS} and ${HEADERS_FILE} are both set.`, 'Leave one of them.');
  }
  if (text !== undefined) return OtlpHeaders.parse(HEADERS, text);
  if (file === undefined) return null;
  const bytes = readPrivateFile(resolve(file), 'the file of headers', MAX_HEADERS_BYTES);
  const read = bytes.toString('utf8').replace(/\r?\n$/, '');
  bytes.fill(0);
  return OtlpHeaders.parse(HEADERS_FILE, read);
}

function readTarget(text: string): CallLogTarget {
  const target = TARGETS.find((candidate) => candidate === text);
  if (target) return target;
  throw invalid(`SALLYPORT_CALL_LOG is "${text.slice(0, 20)}".`, `Use one of ${TARGETS.join(', ')}.`);
}

function readOtlp(environment: Variables): OtlpSettings | null {
  const endpoint = environment[ENDPOINT];
  if (endpoint === undefined) {
    const alone = [HEADERS, HEADERS_FILE, SIGNALS, RATIO, SECONDS, INSECURE].find(
      (name) => environment[name] !== undefined,
    );
    if (alone === undefined) return null;
    throw invalid(`${alone} is set, but ${ENDPOINT} is not.`, 'Set both, or neither.');
  }
  const signals = readSignals(environment[SIGNALS]);
  const pointless = signals.traces ? [] : [RATIO];
  if (!signals.metrics) pointless.push(SECONDS);
  const unused = pointless.find((name) => environment[name] !== undefined);
  if (unused !== undefined) {
    throw invalid(`${unused} is set, but ${SIGNALS} leaves out what it is about.`, 'Set both, or neither.');
  }
  return {
    endpoint: readEndpoint(endpoint, environment[INSECURE]),
    ...signals,
    sampleRatio: readNumber(RATIO, environment[RATIO], /^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/, 1, '0 to 1'),
    metricsEveryMs: 1000 * readNumber(SECONDS, environment[SECONDS], /^[1-9]\d{0,3}$/, 60, '1 to 9999'),
  };
}

function readEndpoint(text: string, insecure: string | undefined): string {
  const url = URL.parse(text);
  const bare = url?.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!url || !bare || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalid(
      `${ENDPOINT} is not the address of a receiver.`,
      `Write it like https://host:4318, without a user, a query or a signal's path; credentials go into ${HEADERS_FILE}.`,
    );
  }
  if (/\/v1\/(?:traces|metrics)\/?$/.test(url.pathname)) {
    throw invalid(`${ENDPOINT} ends with the path of a signal.`, 'Leave /v1/traces or /v1/metrics out.');
  }
  const allowed = isOn(INSECURE, insecure);
  if (url.protocol === 'https:' && allowed) {
    throw invalid(`${INSECURE} is set, but ${ENDPOINT} is https.`, `Unset ${INSECURE}.`);
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname) && !allowed) {
    throw invalid(
      `${ENDPOINT} is plain http beyond this machine: everybody on the way could read it.`,
      `Use https, or a collector on this machine; or set ${INSECURE}=1.`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function readSignals(text = 'traces,metrics'): { readonly traces: boolean; readonly metrics: boolean } {
  const names = text.split(',').map((name) => name.trim());
  const known = names.every((name) => name === 'traces' || name === 'metrics');
  if (!known || new Set(names).size !== names.length) {
    throw invalid(`${SIGNALS} is "${text.slice(0, 40)}".`, 'Use traces, metrics or traces,metrics.');
  }
  return { traces: names.includes('traces'), metrics: names.includes('metrics') };
}

function readNumber(
  name: string,
  text: string | undefined,
  shape: RegExp,
  fallback: number,
  range: string,
): number {
  if (text === undefined) return fallback;
  if (shape.test(text)) return Number(text);
  throw invalid(`${name} is "${text.slice(0, 20)}".`, `Use a number from ${range}.`);
}

function isOn(name: string, text: string | undefined): boolean {
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true') return true;
  throw invalid(`${name} is "${text.slice(0, 20)}".`, 'Use 1 or 0.');
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('config.invalid', message, { fix });
}
