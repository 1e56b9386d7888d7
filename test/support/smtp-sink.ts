/** A small SMTP server (RFC 5321) that keeps what it gets: STARTTLS (RFC 3207) or TLS from the first byte, and AUTH PLAIN (RFC 4954). */
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';

export interface SmtpMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and text, as they came. */
  readonly data: string;
  readonly encrypted: boolean;
  readonly user: string | null;
}

export interface SmtpSink extends AsyncDisposable {
  readonly port: number;
  readonly mails: SmtpMail[];
  /** Commands that came before TLS, other than EHLO, STARTTLS and QUIT. */
  readonly inClear: string[];
}

export interface SmtpOptions {
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly certificate?: { readonly pem: string; readonly keyPem: string };
  /** `user:password`; left out: nobody has to log in. */
  readonly login?: string;
  /** Recipients that are refused. */
  readonly refuse?: readonly string[];
}

export async function startSmtpSink(options: SmtpOptions): Promise<SmtpSink> {
  const mails: SmtpMail[] = [];
  const inClear: string[] = [];
  const context = options.certificate && { key: options.certificate.keyPem, cert: options.certificate.pem };
  const sockets = new Set<Socket>();
  const greet = (socket: Socket, encrypted: boolean): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.write('220 sink ESMTP\r\n');
    converse(socket, encrypted, { options, mails, inClear, context });
  };
  const server: Server =
    options.tls === 'implicit' && context
      ? createTlsServer(context, (socket) => greet(socket, true))
      : createServer((socket) => greet(socket, false));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    mails,
    inClear,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Sink {
  readonly options: SmtpOptions;
  readonly mails: SmtpMail[];
  readonly inClear: string[];
  readonly context: { readonly key: string; readonly cert: string } | undefined;
}

interface Session {
  user: string | null;
  from: string;
  to: string[];
}

function converse(socket: Socket, encrypted: boolean, sink: Sink): void {
  const session: Session = { user: null, from: '', to: [] };
  let text = '';
  let inData = false;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    for (;;) {
      const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const piece = text.slice(0, end);
      text = text.slice(end + (inData ? 5 : 2));
      if (inData) {
        inData = false;
        sink.mails.push({ ...session, to: [...session.to], data: piece, encrypted });
        say('250 kept');
      } else if (/^STARTTLS$/i.test(piece) && sink.context && !encrypted) {
        say('220 go ahead');
        socket.removeAllListeners('data');
        const secureContext = createSecureContext(sink.context);
        converse(new TLSSocket(socket, { isServer: true, secureContext }), true, sink);
        return;
      } else {
        inData = command(piece, encrypted, session, sink, say);
        if (/^QUIT$/i.test(piece)) socket.end();
      }
    }
  });
}

/** Answers a command. True when a message follows. */
function command(
  line: string,
  encrypted: boolean,
  session: Session,
  { options, inClear }: Sink,
  say: (line: string) => void,
): boolean {
  const [verb = ''] = line.toUpperCase().split(' ');
  const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
  if (!encrypted && !['EHLO', 'QUIT'].includes(verb)) inClear.push(line);
  switch (verb) {
    case 'EHLO':
      say('250-sink');
      if (options.tls === 'starttls' && !encrypted) say('250-STARTTLS');
      say('250 AUTH PLAIN');
      return false;
    case 'AUTH': {
      const [, user = '', password = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
        .toString()
        .split('\0');
      const right = `${user}:${password}` === options.login;
      if (right) session.user = user;
      say(right ? '235 welcome' : '535 wrong password');
      return false;
    }
    case 'MAIL':
      session.from = address;
      session.to = [];
      say(options.login !== undefined && session.user === null ? '530 log in first' : '250 ok');
      return false;
    case 'RCPT':
      if (options.refuse?.includes(address)) {
        say('550 nobody here by that name');
        return false;
      }
      session.to.push(address);
      say('250 ok');
      return false;
    case 'DATA':
      say('354 go ahead');
      return true;
    case 'QUIT':
      say('221 bye');
      return false;
    default:
      say('502 unknown');
      return false;
  }
}
