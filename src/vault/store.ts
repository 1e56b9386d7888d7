/** The port behind the keyring: the wrapped terms and what identifies the root key that opens them. */

export interface InstanceRow {
  /** Random name of this installation; part of every AAD. */
  readonly instance: string;
  /** Names the root key without revealing it, such as `rk_4f9a…`. */
  readonly rootFingerprint: string;
  /** Key check value, 8 bytes. */
  readonly rootCheck: Uint8Array;
  /** How a passphrase becomes the root key (see kek/passphrase.ts); null when the root key is random. */
  readonly rootKdf: string | null;
  readonly createdAtMs: number;
}

export interface TermRow {
  readonly term: number;
  /** Nonce, wrapped key and tag; format in docs/spec/envelope.md. */
  readonly wrapped: Uint8Array;
  readonly createdAtMs: number;
}

export interface KeyringStore {
  loadInstance(): Promise<InstanceRow | null>;
  loadTerms(): Promise<TermRow[]>;
  /** Writes the instance row and its first term in one transaction. Fails when an instance exists. */
  createInstance(instance: InstanceRow, term: TermRow): Promise<void>;
}
