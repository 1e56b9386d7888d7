/** Client addresses and CIDR ranges. IPv4 inside IPv6 is written as IPv4, so that a range means the same on a dual-stack listener. */
import { BlockList, isIP } from 'node:net';
import { SallyportError } from '../core/errors.ts';

/** `::ffff:127.0.0.1`, in any spelling, becomes `127.0.0.1`; other addresses stay as they are, without a zone such as `%eth0`. */
export function normaliseAddress(address: string): string {
  const [plain = ''] = address.split('%');
  if (isIP(plain) !== 6) return address;
  const mapped = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(
    URL.parse(`http://[${plain}]`)?.hostname ?? '',
  );
  if (!mapped) return plain;
  const [, high = '', low = ''] = mapped;
  const bytes = Buffer.from(high.padStart(4, '0') + low.padStart(4, '0'), 'hex');
  return bytes.join('.');
}

/** Throws `input.invalid` for anything but an address or a range such as `10.0.0.0/8` or `2001:db8::/32`. */
export function checkCidr(text: string): string {
  const [address = '', bits, rest] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  const plain = normaliseAddress(address) === address;
  const valid =
    version !== 0 &&
    plain &&
    rest === undefined &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most));
  if (!valid) {
    throw new SallyportError('input.invalid', `"${text.slice(0, 60)}" is not an address range.`, {
      fix: 'Write an address or a CIDR range, for example 10.0.0.0/8 or 2001:db8::/32.',
    });
  }
  return text;
}

/** A compiled list of ranges. */
export function addressRanges(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [text = '', bits] = cidr.split('/');
    const address = normaliseAddress(text);
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  };
}
