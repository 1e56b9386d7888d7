/**
 * Whose request it is when a proxy stands in front. Only X-Forwarded-For is read (every proxy writes it; two headers could contradict
 * each other), and only as far as proxies that are known have written it.
 */
import { isIP } from 'node:net';
import { addressRanges, normaliseAddress } from './address.ts';

export type ClientAddress = (peer: string, forwardedFor: string | null) => string;

/**
 * The rightmost address that is not one of `trusted`, beginning with the connection's own. What is left of it was written by somebody
 * unknown. An entry that is no address ends the walk at the proxy that reported it.
 */
export function clientAddressBehind(trusted: readonly string[]): ClientAddress {
  if (trusted.length === 0) return (peer) => normaliseAddress(peer);
  const isTrusted = addressRanges(trusted);
  return (peer, forwardedFor) => {
    let address = normaliseAddress(peer);
    let rest = forwardedFor;
    while (rest !== null && isTrusted(address)) {
      const comma = rest.lastIndexOf(',');
      const entry = rest.slice(comma + 1).trim();
      if (isIP(entry) === 0) break;
      address = normaliseAddress(entry);
      rest = comma < 0 ? null : rest.slice(0, comma);
    }
    return address;
  };
}
