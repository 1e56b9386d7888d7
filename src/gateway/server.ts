/**
 * The data plane's listener. Nothing here decides: it hands requests to the pipeline, keeps the one-second housekeeping, and stops so
 * that running streams can finish.
 */
import { clientAddressBehind } from '../access/forwarded.ts';
import type { CallEnd } from '../audit/entry.ts';
import { describe } from '../core/errors.ts';
import { listening } from '../core/listen.ts';
import type { Reservation } from '../ledger/budgets.ts';
import type { Certificate, CertificateFiles } from './certificate.ts';
import type { Connection, Gate } from './gate.ts';
import { Listener } from './listener.ts';
import { handle } from './pipeline.ts';

export interface GatewayConfig {
  readonly hostname: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** How long a request may take to arrive, and an idle connection is kept. */
  readonly requestSeconds: number;
  readonly tls: CertificateFiles | null;
  /** Ranges whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[];
}

export interface GatewayServer {
  readonly url: string;
  /** Reads the certificate again now; it is also done when its files change. */
  reloadCertificate(): void;
  /** Takes no further connection; resolves when running calls are over, cutting them after `drainMs`. */
  stop(drainMs: number): Promise<void>;
}

const HOUSEKEEPING_MS = 1000;
/** Time for cut streams to tell their clients. */
const CUT_GRACE_MS = 500;
/** The runtime would answer an oversized body with an empty 413; ours says what the limit is. */
const BODY_MARGIN = 1024 * 1024;

export function serveGateway(gate: Gate, config: GatewayConfig): GatewayServer {
  const fetch = answering(gate, config);
  const listener = new Listener(
    {
      tls: config.tls,
      port: config.port,
      open: (port, certificate) =>
        listening('gateway', '--port', port, () =>
          Bun.serve({
            ...common(gate, config.requestSeconds),
            ...encryption(certificate),
            hostname: config.hostname,
            port,
            fetch,
          }),
        ),
    },
    gate.log,
  );
  gate.live.start();
  const housekeeping = setInterval(() => {
    listener.check();
    keepHouse(gate);
  }, HOUSEKEEPING_MS);
  return {
    url: `${config.tls ? 'https' : 'http'}://${reachableHost(config.hostname)}:${listener.port}`,
    reloadCertificate: () => listener.reload(),
    stop: async (drainMs) => {
      const cut = setTimeout(() => gate.live.cutAll(), drainMs);
      // A client that takes no bytes would hold its connection, and so the end, for as long as it likes.
      const close = setTimeout(() => listener.cut(), drainMs + CUT_GRACE_MS);
      await listener.stop();
      while (gate.live.count > 0) await Bun.sleep(10);
      clearTimeout(cut);
      clearTimeout(close);
      gate.live.stop();
      clearInterval(housekeeping);
      keepHouse(gate);
    },
  };
}

function common(gate: Gate, requestSeconds: number) {
  return {
    // The runtime shares a port by default: a second process would start, and the kernel split the connections.
    reusePort: false,
    development: false,
    idleTimeout: requestSeconds,
    maxRequestBodySize: gate.maxBodyBytes + BODY_MARGIN,
    error: (error: Error): Response => {
      gate.log.error('A request could not be answered.', { detail: describe(error) });
      return new Response(
        '{"error":{"message":"internal error","type":"api_error","param":null,"code":"internal_error"}}',
        {
          status: 500,
          headers: { 'content-type': 'application/json', 'x-should-retry': 'false' },
        },
      );
    },
  } as const;
}

/** TLS 1.2 and 1.3: the runtime offers nothing older. */
function encryption(certificate: Certificate | null) {
  return certificate && { tls: { cert: certificate.cert, key: certificate.key } };
}

function answering(gate: Gate, { trustedProxies, requestSeconds }: GatewayConfig) {
  const clientAddress = clientAddressBehind(trustedProxies);
  return (request: Request, server: Bun.Server<undefined>): Promise<Response> => {
    const peer = server.requestIP(request)?.address ?? '';
    const connection: Connection = {
      address: clientAddress(peer, request.headers.get('x-forwarded-for')),
      suspendTimeout: () => server.timeout(request, 0),
      restoreTimeout: () => server.timeout(request, requestSeconds),
    };
    return handle(gate, request, connection);
  };
}

/** Where a program on this machine reaches a listener. */
function reachableHost(hostname: string): string {
  if (hostname === '0.0.0.0') return '127.0.0.1';
  if (hostname === '::') return '[::1]';
  return hostname.includes(':') ? `[${hostname}]` : hostname;
}

function keepHouse(gate: Gate): void {
  gate.late.retry();
  // While nothing can be written they are counted on, in a bounded table: nobody must fill the memory instead of the disk.
  if (gate.late.waiting === 0 && !gate.indexer.full) {
    const refused = gate.strangers.take();
    for (const entry of [...refused, ...gate.holders.take()]) gate.late.record(entry);
    gate.seeRefusals(refused);
  }
  for (const lost of gate.ledger.sweep()) {
    gate.log.error('A hold outlived its call; it is charged whole.', { call: lost.holdId });
    lost.settle(lost.amountPicoUsd);
    gate.late.record(lostCallEnd(lost));
    gate.observer.lost();
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
