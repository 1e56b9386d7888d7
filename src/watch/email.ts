/**
 * An alert as a plain-text mail by SMTP. TLS from the first byte or by STARTTLS, which is then required; without TLS only where the
 * destination's address allows it. nodemailer is loaded with the first mail.
 */
import type { Alert } from './alert.ts';
import type { Destination, DestinationSecrets } from './destinations.ts';
import type { Outcome } from './sender.ts';

const CONNECT_MS = 10_000;
const SOCKET_MS = 15_000;
const TOTAL_MS = 30_000;

type MailSecrets = Extract<DestinationSecrets, { type: 'email' }>;

export interface Mail {
  readonly alert: Alert;
  readonly destination: Destination;
  readonly secrets: MailSecrets;
  readonly signal: AbortSignal;
}

/** Host and port in an origin such as `smtp://mail.example.org:587`. */
export function smtpAddress(origin: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(origin);
  return { host: hostname, port: Number(port) };
}

/**
 * Never rejects. A mail is delivered when the server took it for anybody: sent again for those whom it refused, the others would get it
 * again. Who was refused is the error of such a delivery.
 */
export async function sendMail({ alert, destination, secrets, signal }: Mail): Promise<Outcome> {
  const { createTransport } = await import('nodemailer');
  const { host, port } = smtpAddress(destination.origin);
  const bare = host.replace(/^\[|\]$/g, '');
  const transport = createTransport({
    host: bare,
    port,
    secure: destination.tls === 'implicit',
    requireTLS: destination.tls === 'starttls',
    ignoreTLS: destination.tls === 'none',
    ...(secrets.user === null ? {} : { auth: { user: secrets.user, pass: secrets.password ?? '' } }),
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' },
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  try {
    const domain = secrets.from.slice(secrets.from.lastIndexOf('@') + 1);
    const { rejected } = await transport.sendMail({
      from: secrets.from,
      to: secrets.to,
      subject: subjectOf(alert),
      text: textOf(alert),
      // The same for every try, so that a mailbox can tell a repetition.
      messageId: `<${alert.id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Sallyport-Alert': alert.id },
      signal: AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]),
    });
    const refused = `the server refused ${rejected.length} of ${secrets.to.length} recipients`;
    return { delivered: true, error: rejected.length === 0 ? null : refused, retryAfterMs: null };
  } catch (error) {
    return { delivered: false, error: failureOf(error), retryAfterMs: null };
  } finally {
    transport.close();
  }
}

export function subjectOf({ severity, type, data }: Alert): string {
  const about = data['budget'] ?? data['key'];
  return `[Sallyport] ${severity}: ${type}${about === undefined || about === null ? '' : ` (${about})`}`;
}

export function textOf({ summary, data, id, timestamp, instance }: Alert): string {
  const lines = Object.entries({ ...data, time: timestamp, instance, alert: id }).filter(
    ([, value]) => value !== null,
  );
  return `${summary}\n\n${lines.map(([name, value]) => `${name}: ${value}`).join('\n')}\n`;
}

/** The kind of failure and the server's status: its text could repeat what it was sent. */
function failureOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown };
  const kind = typeof code === 'string' && /^[A-Za-z_]{3,60}$/.test(code) ? code : 'no connection';
  return typeof responseCode === 'number'
    ? `mail refused (${kind}, status ${responseCode})`
    : `no mail (${kind})`;
}
