/** What is known about a request while it goes through the pipeline; a refusal is recorded with as much of it as there is. */
import type { Token } from '../access/tokens.ts';
import type { CallSubject, Position } from '../audit/entry.ts';
import type { Pseudonyms } from '../audit/pseudonyms.ts';
import { newCallId } from '../core/ids.ts';
import { UndoStack } from '../core/once.ts';
import { redactCredentials } from '../detect/redact.ts';
import type { Admission } from '../ledger/limits.ts';
import { type CallPath, pathOf } from '../ledger/subjects.ts';
import type { OpenCall } from './open-call.ts';

const NO_PATH: CallPath = { limits: [], budgets: [] };

export class CallContext {
  readonly id = newCallId();
  readonly undo = new UndoStack();
  readonly arrivedMs: number;
  readonly address: string;
  /** Of every reply: the call's id and, once there is an entry, its receipt. */
  readonly headers: Record<string, string>;
  token: Token | null = null;
  /** Id of the token whose secret was shown, whether or not it may be used. */
  holderId: string | null = null;
  /** `<provider>/<endpoint>`, as far as known. */
  provider = '';
  endpoint = '';
  model: string | null = null;
  user: string | null = null;
  /** Its place under the limits, once it has one. */
  admission: Admission | null = null;
  /** How long it waited for that place; null when it had not to. */
  waitedMs: number | null = null;
  /** The header of that name, while spans are made. */
  traceparent: string | null = null;
  /** Gives the model that the provider says has answered; set while spans are made. */
  answeredModel: (() => string | null) | null = null;
  /** Set once the call is on record. */
  call: OpenCall | null = null;

  constructor(arrivedMs: number, address: string) {
    this.arrivedMs = arrivedMs;
    this.address = address;
    this.headers = { 'x-request-id': this.id };
  }

  setReceipt(position: Position): void {
    this.headers['x-sallyport-receipt'] =
      `${position.stream}/${position.seq}/${position.hash.toString('base64url')}`;
  }

  /** The limits and budgets that the call counts against. */
  get path(): CallPath {
    return this.token ? pathOf(this.token) : NO_PATH;
  }

  /** Who calls what, for the journal. */
  subject(token: Token, pseudonyms: Pseudonyms): CallSubject {
    return {
      principal: `token:${token.id}`,
      userId: this.user === null ? null : pseudonyms.commit('user', redactCredentials(this.user)),
      team: token.team ?? '',
      project: token.project,
      environment: token.environment,
      tokenId: token.id,
      resource: `${this.provider}/${this.endpoint}`,
      provider: this.provider,
      model: this.model === null ? null : redactCredentials(this.model),
      address: pseudonyms.commit('address', this.address),
    };
  }
}
