/** What a mail destination is made of, checked before any of it is sealed. Messages repeat no address and no password. */
import { SallyportError } from '../core/errors.ts';
import type { Destination } from './destinations.ts';

export interface MailInput {
  readonly host: string;
  /** Left out: 587, or 465 with implicit TLS. */
  readonly port?: number;
  /** Left out: STARTTLS, or implicit TLS at port 465. */
  readonly tls?: NonNullable<Destination['tls']>;
  readonly from: string;
  readonly to: readonly string[];
  readonly user?: string;
  readonly password?: string;
}

export interface CheckedMail {
  readonly origin: string;
  readonly hostname: string;
  readonly tls: NonNullable<Destination['tls']>;
  readonly from: string;
  readonly to: string[];
  readonly user: string | null;
  readonly password: string | null;
}

const IMPLICIT_PORT = 465;
const SUBMISSION_PORT = 587;
const MAX_RECIPIENTS = 20;
/** A plain address: what could be taken for a second one, a header or a display name has no place in it. */
const ADDRESS = /^[^\s<>()[\],;:\\"@\p{Cc}]{1,64}@[^\s<>()[\],;:\\"@\p{Cc}]{1,190}$/u;

/** Throws `input.invalid`. */
export function checkMail(input: MailInput): CheckedMail {
  const tls = input.tls ?? (input.port === IMPLICIT_PORT ? 'implicit' : 'starttls');
  const port = input.port ?? (tls === 'implicit' ? IMPLICIT_PORT : SUBMISSION_PORT);
  // Unlike that of https, the host of such a URL is taken as it is written.
  const host = input.host.toLowerCase();
  const url = URL.parse(`smtp://${host}:${port}`);
  if (!url || url.host !== `${host}:${port}` || url.pathname !== '' || host === '' || host.endsWith('.'))
    throw invalid(
      'The mail server is not a host name.',
      'Write it like smtp.example.org, and the port by itself.',
    );
  for (const address of [input.from, ...input.to]) {
    if (!ADDRESS.test(address))
      throw invalid('A mail address is not one.', 'Write plain addresses such as ops@example.org.');
  }
  if (input.to.length === 0 || input.to.length > MAX_RECIPIENTS)
    throw invalid('A mail destination has 1 to 20 recipients.', 'Use a list address for more.');
  const { user = null, password = null } = input;
  if ((user === null) !== (password === null))
    throw invalid('User and password go together.', 'Give both, or neither for a server that asks for none.');
  if (user !== null && tls === 'none')
    throw invalid('A password is not sent without TLS.', 'Use STARTTLS or implicit TLS.');
  return {
    origin: url.href,
    hostname: url.hostname,
    tls,
    from: input.from,
    to: [...input.to],
    user,
    password,
  };
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
