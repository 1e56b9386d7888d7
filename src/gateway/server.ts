/**
 * The data plane's listener. Nothing here decides: it hands requests to the pipeline, keeps the one-second housekeeping, and stops so
 * that running streams can finish.
 */
import { normaliseAddress } from '../access/address.ts';
import type { CallEnd } from '../audit/entry.ts';
import { describe } from '../core/errors.ts';
import { listening } from '../core/listen.ts';
import type { Reservation } from '../ledger/budgets.ts';
import type { Connection, Gate } from './gate.ts';
import { handle } from './pipeline.ts';

export interface GatewayConfig {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** How long a request may take to arrive, and an idle connection is kept. */
  readonly requestSeconds: number;
}

export interface GatewayServer {
  readonly url: string;
  /** Takes no further connection; resolves when running calls are over, cutting them after `drainMs`. */
  stop(drainMs: number): Promise<void>;
}

const HOUSEKEEPING_MS = 1000;
/** Time for cut streams to tell their clients. */
const CUT_GRACE_MS = 500;
/** The runtime would answer an oversized body with an empty 413; ours says what the limit is. */
const BODY_MARGIN = 1024 * 1024;

export function serveGateway(gate: Gate, config: GatewayConfig): GatewayServer {
  const server = listening('gateway', '--port', config.port, () =>
    Bun.serve({
      hostname: config.hostname,
      port: config.port,
      // The runtime shares a port by default: a second process would start, and the kernel split the connections.
      reusePort: false,
      development: false,
      idleTimeout: config.requestSeconds,
      maxRequestBodySize: gate.maxBodyBytes + BODY_MARGIN,
      fetch: (request, self) => {
        const connection: Connection = {
          address: normaliseAddress(self.requestIP(request)?.address ?? ''),
          suspendTimeout: () => self.timeout(request, 0),
          restoreTimeout: () => self.timeout(request, config.requestSeconds),
        };
        return handle(gate, request, connection);
      },
      error: (error) => {
        gate.log.error('A request could not be answered.', { detail: describe(error) });
        return new Response(
          '{"error":{"message":"internal error","type":"api_error","param":null,"code":"internal_error"}}',
          {
            status: 500,
            headers: { 'content-type': 'application/json', 'x-should-retry': 'false' },
          },
        );
      },
    }),
  );
  gate.live.start();
  const housekeeping = setInterval(() => keepHouse(gate), HOUSEKEEPING_MS);
  return {
    url: `http://${config.hostname.includes(':') ? `[${config.hostname}]` : config.hostname}:${server.port}`,
    stop: async (drainMs) => {
      const cut = setTimeout(() => gate.live.cutAll(), drainMs);
      // A client that takes no bytes would hold its connection, and so the end, for as long as it likes.
      const close = setTimeout(() => void server.stop(true), drainMs + CUT_GRACE_MS);
      await server.stop();
      while (gate.live.count > 0) await Bun.sleep(10);
      clearTimeout(cut);
      clearTimeout(close);
      gate.live.stop();
      clearInterval(housekeeping);
      keepHouse(gate);
    },
  };
}

function keepHouse(gate: Gate): void {
  gate.late.retry();
  // While nothing can be written they are counted on, in a bounded table: strangers must not fill the memory instead of the disk.
  if (gate.late.waiting === 0 && !gate.indexer.full)
    for (const refused of gate.strangers.take()) gate.late.record(refused);
  for (const lost of gate.ledger.sweep()) {
    gate.log.error('A hold outlived its call; it is charged whole.', { call: lost.holdId });
    lost.settle(lost.amountPicoUsd);
    gate.late.record(lostCallEnd(lost));
  }
}

function lostCallEnd(lost: Reservation): CallEnd {
  return {
    action: 'call.end',
    id: lost.holdId,
    result: 'error',
    errorCode: 'gateway.lost',
    promptTokens: 0,
    completionTokens: 0,
    cachedTokens: 0,
    costPicoUsd: lost.amountPicoUsd.toString(),
    basis: 'hold',
    overrunPicoUsd: '0',
    charges: lost.charges,
    latencyMs: 0,
    recovered: false,
  };
}
