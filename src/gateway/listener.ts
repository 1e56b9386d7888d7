/**
 * The gateway's socket, and its certificate while that is renewed. The runtime cannot change the certificate of a listener, so a new
 * listener takes over the port: new handshakes get the new certificate, and what runs on the old listener runs on until it ends.
 */
import { describe } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Certificate, type CertificateFiles, fileState, readCertificate } from './certificate.ts';

type Server = Bun.Server<undefined>;

export interface ListenerConfig {
  readonly tls: CertificateFiles | null;
  /** 0 takes a free port; a renewed certificate keeps the one that was taken. */
  readonly port: number;
  readonly open: (port: number, certificate: Certificate | null) => Server;
}

export class Listener {
  readonly port: number;
  readonly #config: ListenerConfig;
  readonly #log: Log;
  readonly #draining = new Map<Server, Promise<void>>();
  #server: Server | null;
  #certificate: Certificate | null;
  /** Of the files when they were last read, whatever came of it. */
  #state: string;
  #stopped = false;

  /** Listens. Throws `config.invalid` for a port that is taken and for a certificate that cannot be used. */
  constructor(config: ListenerConfig, log: Log) {
    const { tls } = config;
    this.#config = config;
    this.#log = log;
    this.#state = tls ? fileState(tls) : '';
    this.#certificate = tls && readCertificate(tls);
    this.#server = config.open(config.port, this.#certificate);
    this.port = this.#server.port ?? config.port;
    this.#warnOfExpiry();
  }

  /** Reads the files when they have changed, and opens the port again should that have failed. For once a second. */
  check(): void {
    const { tls } = this.#config;
    if (this.#stopped) return;
    if (tls) {
      const state = fileState(tls);
      // A missing file is one that is being replaced.
      if (state !== '' && state !== this.#state) this.reload();
    }
    if (!this.#server) this.#open();
  }

  /** Reads the files now. A pair that cannot be used is reported, and the certificate in force stays. */
  reload(): void {
    const { tls } = this.#config;
    if (!tls || this.#stopped) return;
    this.#state = fileState(tls);
    let certificate: Certificate;
    try {
      certificate = readCertificate(tls);
    } catch (error) {
      this.#log.error('The certificate could not be renewed; the one in force stays.', {
        detail: describe(error),
      });
      return;
    }
    const { cert, key } = this.#certificate ?? {};
    if (cert === certificate.cert && key === certificate.key) return;
    this.#certificate = certificate;
    this.#retire();
    if (this.#open()) {
      this.#log.info('The certificate was renewed.', { fingerprint: certificate.fingerprint });
    }
    this.#warnOfExpiry();
  }

  /** Takes no further connection. Resolves when all that was taken is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#retire();
    await Promise.all(this.#draining.values());
  }

  /** After `stop`: closes every connection there still is. */
  cut(): void {
    for (const server of this.#draining.keys()) void server.stop(true);
  }

  #retire(): void {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const over = server.stop().finally(() => this.#draining.delete(server));
    this.#draining.set(server, over);
  }

  #open(): boolean {
    try {
      this.#server = this.#config.open(this.port, this.#certificate);
      return true;
    } catch (error) {
      this.#log.error('The gateway could not listen again; this is tried every second.', {
        detail: describe(error),
      });
      return false;
    }
  }

  #warnOfExpiry(): void {
    const { expiresAtMs } = this.#certificate ?? {};
    if (expiresAtMs === undefined || expiresAtMs > Date.now()) return;
    this.#log.warn('The certificate has expired; clients will refuse it.', {
      expiredAt: new Date(expiresAtMs).toISOString(),
    });
  }
}
