/** Where applications reach the gateway: said by the option, or asked of the server. */
import { SallyportError } from '../core/errors.ts';
import { gatewayAddress, type GatewayAddress, ownAddress } from '../setup/gateway-address.ts';
import { AdminClient, type ServerValues } from './client.ts';
import type { Io } from './io.ts';

export const GATEWAY_OPTION = {
  type: 'string',
  value: 'URL',
  help: 'where clients reach the gateway, such as https://llm.example.com; then no server is asked',
} as const;

export interface WhereTo {
  readonly gateway: GatewayAddress;
  /** Providers that the gateway has a key for in use; empty when no server was asked. */
  readonly withKey: readonly string[];
}

/** Throws `config.invalid` for an address that clients cannot use, `admin.unreachable` when nobody says one. */
export async function whereTo(
  values: ServerValues & { readonly gateway?: string | undefined },
  io: Io,
): Promise<WhereTo> {
  if (values.gateway !== undefined) {
    return { gateway: gatewayAddress(values.gateway, '--gateway'), withKey: [] };
  }
  try {
    const { gatewayUrl, keys } = await AdminClient.open(values, io).call('status.show');
    const active = keys.filter(({ state }) => state === 'active');
    const gateway = ownAddress(gatewayUrl);
    if (gateway.loopback && values.url?.startsWith('https:') === true) throw elsewhere();
    return { gateway, withKey: active.map(({ provider }) => provider) };
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'admin.unreachable') throw error;
    throw new SallyportError(error.code, error.message, {
      fix: `${error.fix ?? ''}; or say where the gateway is: --gateway URL`,
    });
  }
}

/** The server is on another machine, and states where it is reached there. */
function elsewhere(): SallyportError {
  return new SallyportError(
    'config.invalid',
    'the server says only where its own machine reaches the gateway',
    {
      fix: 'name the address that clients use: --gateway https://llm.example.com',
    },
  );
}
