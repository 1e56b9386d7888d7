/**
 * One line of JSON a call, and one for each refusal that has an entry of its own in the journal. The fields are those listed here: texts that
 * a caller makes up (models that there are not, users, addresses) have no field to be in, nor have prompts, answers and secrets.
 */
import type { CallEnd } from '../audit/entry.ts';
import type { Clock } from '../core/clock.ts';
import type { LineSink } from '../core/line-sink.ts';
import { PICO_PER_USD } from '../core/money.ts';
import type { CallContext } from '../gateway/call-context.ts';
import { OTHER } from './labels.ts';

export interface CallLogDeps {
  readonly clock: Clock;
  readonly sink: LineSink;
}

/** Lines are written together: so many bytes, or what came within so many milliseconds. */
const BATCH_BYTES = 32 * 1024;
const BATCH_MS = 50;

export class CallLog {
  readonly #deps: CallLogDeps;
  #text = '';
  #lines = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(deps: CallLogDeps) {
    this.#deps = deps;
  }

  get dropped(): number {
    return this.#deps.sink.dropped;
  }

  ended(context: CallContext, end: CallEnd, model: string | null): void {
    const firstByteMs = context.call?.firstByteAfterMs ?? null;
    this.#add({
      at: this.#now(),
      event: 'call',
      ...subjectOf(context),
      // A model that has a price, perhaps with a date behind its name.
      model: model === null ? null : context.model,
      result: end.result,
      errorCode: end.errorCode,
      promptTokens: end.promptTokens,
      completionTokens: end.completionTokens,
      cachedTokens: end.cachedTokens,
      costUsd: Number(end.costPicoUsd) / Number(PICO_PER_USD),
      basis: end.basis,
      waitedMs: context.waitedMs,
      firstByteMs: firstByteMs === null ? null : Math.round(firstByteMs),
      latencyMs: end.latencyMs,
    });
  }

  /** `model`: as the price table names what was asked for; null when it has no such model. */
  refused(context: CallContext, code: string, model: string | null): void {
    this.#add({
      at: this.#now(),
      event: 'refused',
      ...subjectOf(context),
      model: model ?? (context.model === null ? null : OTHER),
      result: 'error',
      errorCode: code,
      latencyMs: Math.round(this.#deps.clock.monotonicMs() - context.arrivedMs),
    });
  }

  /** Writes what is collected. Resolves when it was taken, or after `waitMs`. */
  async stop(waitMs: number): Promise<void> {
    this.#flush();
    this.#deps.sink.tellDropped();
    const untilMs = performance.now() + waitMs;
    while (!this.#deps.sink.drained && performance.now() < untilMs) await Bun.sleep(5);
  }

  #add(fields: Readonly<Record<string, string | number | null>>): void {
    this.#text += `${JSON.stringify(fields)}\n`;
    this.#lines += 1;
    if (this.#text.length >= BATCH_BYTES) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines === 0) return;
    const [text, lines] = [this.#text, this.#lines];
    this.#text = '';
    this.#lines = 0;
    this.#deps.sink.write(text, lines);
  }

  #now(): string {
    return new Date(this.#deps.clock.wallMs()).toISOString();
  }
}

function subjectOf({ id, token, provider, endpoint }: CallContext): Record<string, string | null> {
  return {
    call: id,
    token: token?.id ?? null,
    team: token?.team ?? null,
    project: token?.project ?? null,
    environment: token?.environment ?? null,
    provider: provider === '' ? null : provider,
    endpoint: endpoint === '' ? null : endpoint,
  };
}
