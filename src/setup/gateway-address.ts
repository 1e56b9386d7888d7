/** Where clients reach the gateway, as it goes into their configuration: an origin, without a path, that a token may be sent to. */
import { SallyportError } from '../core/errors.ts';

export interface GatewayAddress {
  /** Such as `https://llm.example.com`. */
  readonly origin: string;
  /** Only programs on the same machine reach it. */
  readonly loopback: boolean;
}

/** Nothing that a configuration file or a program would have to escape. */
const PLAIN_HOST = /^(?:[A-Za-z0-9.-]+|\[[0-9a-f:.]+\])$/;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Throws `config.invalid` for what is no such origin, and for plain http beyond this machine. `from` names it in messages. */
export function gatewayAddress(text: string, from: string): GatewayAddress {
  const url = URL.parse(text);
  if (
    !url ||
    !/^https?:$/.test(url.protocol) ||
    !PLAIN_HOST.test(url.hostname) ||
    url.origin !== text.replace(/\/$/, '')
  ) {
    throw new SallyportError('config.invalid', `${from} is not the address of a gateway.`, {
      fix: 'Write it like https://llm.example.com or http://127.0.0.1:4141, without a path.',
    });
  }
  const loopback = LOOPBACK.test(url.hostname);
  if (url.protocol === 'http:' && !loopback) {
    throw new SallyportError('config.invalid', `${from} would send tokens over the network in clear.`, {
      fix: 'Use https: the gateway has TLS of its own, or stands behind a proxy that has (docs/guide/deploy.md).',
    });
  }
  return { origin: url.origin, loopback };
}

/**
 * The address that a running gateway states of itself. Throws `config.invalid` for one with a certificate: that is for a public name,
 * which only the operator knows.
 */
export function ownAddress(stated: string): GatewayAddress {
  const address = gatewayAddress(stated, 'The address that the gateway states');
  if (!address.origin.startsWith('https:')) return address;
  throw new SallyportError('config.invalid', 'The gateway has a certificate; clients need the name in it.', {
    fix: 'Name it: --gateway https://llm.example.com',
  });
}
