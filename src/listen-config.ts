/**
 * Where the gateway listens, and what makes that safe. Beyond loopback it needs TLS: its own certificate, or a proxy in front whose
 * addresses are known. The admin listener has no setting for this: it is loopback only.
 */
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { checkCidr } from './access/address.ts';
import { SallyportError } from './core/errors.ts';
import type { CertificateFiles } from './gateway/certificate.ts';

export interface ListenSettings {
  /** An IP address. */
  readonly host: string;
  /** A loopback address. */
  readonly adminHost: string;
  readonly tls: CertificateFiles | null;
  /** Ranges whose X-Forwarded-For is believed; empty when there is no proxy in front. */
  readonly trustedProxies: readonly string[];
}

export interface ListenFlags {
  readonly host?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly behindTlsProxy?: boolean | undefined;
}

export const LISTEN_VARIABLES = {
  SALLYPORT_HOST: 'address to listen on (default 127.0.0.1); beyond loopback TLS is needed',
  SALLYPORT_TLS_CERT: 'file with the certificate chain in PEM, read again when it changes',
  SALLYPORT_TLS_KEY: 'file with its private key in PEM, readable by nobody else',
  SALLYPORT_BEHIND_TLS_PROXY: '1: a proxy in front ends TLS',
  SALLYPORT_TRUSTED_PROXIES: 'address ranges of that proxy, with commas: its X-Forwarded-For is believed',
} as const;

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1']);

type Variables = Readonly<Record<string, string | undefined>>;

/** Throws `config.invalid`. Flags win over variables. */
export function readListening(flags: ListenFlags, environment: Variables): ListenSettings {
  const given = flags.host ?? environment['SALLYPORT_HOST'] ?? '127.0.0.1';
  const host = given === 'localhost' ? '127.0.0.1' : given;
  if (isIP(host) === 0) {
    throw invalid(`SALLYPORT_HOST is "${host.slice(0, 60)}", which is no IP address.`, {
      fix: 'Use 127.0.0.1, or 0.0.0.0 for every IPv4 address of this machine.',
    });
  }
  const tls = readTls(flags, environment);
  const trustedProxies = readProxies(flags, environment);
  if (!LOOPBACK.has(host) && !tls && trustedProxies.length === 0) {
    throw invalid(
      `SALLYPORT_HOST is "${host}", which others can reach, and access tokens would cross the network in clear.`,
      {
        fix: 'Set SALLYPORT_TLS_CERT and SALLYPORT_TLS_KEY, or put a proxy with TLS in front and set --behind-tls-proxy with SALLYPORT_TRUSTED_PROXIES.',
      },
    );
  }
  return { host, adminHost: host === '::1' ? host : '127.0.0.1', tls, trustedProxies };
}

function readTls(flags: ListenFlags, environment: Variables): CertificateFiles | null {
  const certFile = flags.tlsCert ?? environment['SALLYPORT_TLS_CERT'];
  const keyFile = flags.tlsKey ?? environment['SALLYPORT_TLS_KEY'];
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile === undefined || keyFile === undefined) {
    const [there, missing] = certFile === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    throw invalid(`SALLYPORT_TLS_${there} is set, but SALLYPORT_TLS_${missing} is not.`, {
      fix: 'Set both, or neither.',
    });
  }
  return { certFile: resolve(certFile), keyFile: resolve(keyFile) };
}

function readProxies(flags: ListenFlags, environment: Variables): string[] {
  const behind = flags.behindTlsProxy === true || isOn('SALLYPORT_BEHIND_TLS_PROXY', environment);
  const text = environment['SALLYPORT_TRUSTED_PROXIES'];
  if (!behind && text !== undefined) {
    throw invalid('SALLYPORT_TRUSTED_PROXIES is set, but Sallyport is not told that it is behind a proxy.', {
      fix: 'Add --behind-tls-proxy (or SALLYPORT_BEHIND_TLS_PROXY=1), or unset it.',
    });
  }
  if (behind && text === undefined) {
    throw invalid('--behind-tls-proxy needs the addresses of the proxy.', {
      fix: 'Set SALLYPORT_TRUSTED_PROXIES to them, for example 127.0.0.1 or 10.0.3.0/24.',
    });
  }
  return text === undefined ? [] : text.split(',').map((part) => checkProxy(part.trim()));
}

function checkProxy(cidr: string): string {
  if (/\/0+$/.test(cidr)) {
    throw invalid(
      `SALLYPORT_TRUSTED_PROXIES has "${cidr.slice(0, 60)}": everybody could choose an address.`,
      {
        fix: 'List the addresses of the proxy only.',
      },
    );
  }
  try {
    return checkCidr(cidr);
  } catch {
    throw invalid(`SALLYPORT_TRUSTED_PROXIES has "${cidr.slice(0, 60)}", which is no address range.`, {
      fix: 'Write addresses or ranges with commas between them, for example 127.0.0.1,10.0.3.0/24.',
    });
  }
}

function isOn(name: string, environment: Variables): boolean {
  const text = environment[name];
  if (text === undefined || text === '0' || text === 'false') return false;
  if (text === '1' || text === 'true') return true;
  throw invalid(`${name} is "${text.slice(0, 20)}".`, { fix: 'Use 1 or 0.' });
}

function invalid(message: string, options: { readonly fix: string }): SallyportError {
  return new SallyportError('config.invalid', message, options);
}
