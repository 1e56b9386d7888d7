/** Headers for the receiver, which may be credentials: checked when they are read, and lent for one request at a time. */
import { SallyportError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const VALUE = /^[\x20-\x7e]{1,4096}$/;
/** Ours, or the connection's. */
const TAKEN: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'transfer-encoding',
  'user-agent',
]);

export class OtlpHeaders {
  readonly #variable: string;
  readonly #secret: Secret;

  private constructor(variable: string, secret: Secret) {
    this.#variable = variable;
    this.#secret = secret;
  }

  /**
   * Reads `name=value,name=value`, values percent-encoded where they must be, as OTEL_EXPORTER_OTLP_HEADERS has it. `variable` is where
   * the text is from. Throws `config.invalid`; its message names headers, never their values.
   */
  static parse(variable: string, text: string): OtlpHeaders {
    readPairs(variable, text);
    return new OtlpHeaders(variable, Secret.fromText(text));
  }

  reveal<T>(use: (headers: Readonly<Record<string, string>>) => T): T {
    return this.#secret.revealText((text) => use(readPairs(this.#variable, text)));
  }
}

function readPairs(variable: string, text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, pair] of text.split(',').entries()) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim().toLowerCase();
    const value = decoded(pair.slice(equals + 1).trim());
    if (equals < 1 || !NAME.test(name) || value === null || !VALUE.test(value)) {
      throw invalid(
        variable,
        `entry ${index + 1} is not name=value`,
        'Write name=value,name=value; percent-encode commas.',
      );
    }
    if (TAKEN.has(name)) throw invalid(variable, `the header ${name} is not yours to set`, 'Leave it out.');
    if (name in headers)
      throw invalid(variable, `the header ${name} is there twice`, 'Give each header once.');
    headers[name] = value;
  }
  return headers;
}

function decoded(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}

function invalid(variable: string, why: string, fix: string): SallyportError {
  return new SallyportError('config.invalid', `${variable}: ${why}.`, { fix });
}
