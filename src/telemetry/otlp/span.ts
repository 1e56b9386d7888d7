/**
 * A call as one span, made when it has ended. Its attributes are the ones listed here. Of texts that a caller or a provider makes up, only
 * those pass that the price table knows: a model's name.
 */
import type { CallEnd } from '../../audit/entry.ts';
import { PICO_PER_USD } from '../../core/money.ts';
import type { CallContext } from '../../gateway/call-context.ts';
import * as convention from './conventions.ts';
import { double, integer, nanoseconds, text } from './json.ts';
import { newSpanId, newTraceId, type TraceParent } from './trace-context.ts';

const KIND_CLIENT = 3;
const STATUS_ERROR = 2;
/** Flags: sampled; whether the parent is remote is known; it is. */
const SAMPLED = 0x001;
const REMOTE_KNOWN = 0x100;
const REMOTE = 0x200;
const USD = Number(PICO_PER_USD);

export interface SpanFacts {
  readonly context: CallContext;
  readonly parent: TraceParent | null;
  readonly startWallMs: number;
  readonly endWallMs: number;
  readonly errorCode: string | null;
  /** Null for a request that was refused. */
  readonly end: CallEnd | null;
  /** Names that the price table knows, or null. */
  readonly requestModel: string | null;
  readonly responseModel: string | null;
}

/** The span as OTLP/JSON. */
export function spanJson(facts: SpanFacts): string {
  const { context, parent, errorCode, requestModel } = facts;
  const operation = convention.operationOf(context.endpoint);
  const ids = parent
    ? `"traceId":"${parent.traceId}","spanId":"${newSpanId()}","parentSpanId":"${parent.spanId}","flags":${SAMPLED | REMOTE_KNOWN | REMOTE}`
    : `"traceId":"${newTraceId()}","spanId":"${newSpanId()}","flags":${SAMPLED | REMOTE_KNOWN}`;
  const name = JSON.stringify(requestModel === null ? operation : `${operation} ${requestModel}`);
  const times = `"startTimeUnixNano":${nanoseconds(facts.startWallMs)},"endTimeUnixNano":${nanoseconds(facts.endWallMs)}`;
  const status = errorCode === null ? '' : `,"status":{"code":${STATUS_ERROR}}`;
  return `{${ids},"name":${name},"kind":${KIND_CLIENT},${times},"attributes":[${attributesOf(operation, facts)}]${status}}`;
}

function attributesOf(operation: string, facts: SpanFacts): string {
  const { context, end } = facts;
  const { token } = context;
  let list = `${text(convention.OPERATION_NAME, operation)},${text(convention.PROVIDER_NAME, context.provider)},${text('sallyport.call.id', context.id)}`;
  const add = (key: string, value: string | null | undefined): void => {
    if (value !== null && value !== undefined) list += `,${text(key, value)}`;
  };
  add(convention.REQUEST_MODEL, facts.requestModel);
  add(convention.RESPONSE_MODEL, facts.responseModel);
  add(convention.ERROR_TYPE, facts.errorCode);
  add('sallyport.token.id', token?.id);
  add('sallyport.team', token?.team);
  add('sallyport.project', token?.project);
  add('sallyport.environment', token?.environment);
  if (end) list += costOf(end);
  const firstByteMs = context.call?.firstByteAfterMs ?? null;
  if (firstByteMs !== null) list += `,${double('sallyport.first_byte.seconds', firstByteMs / 1000)}`;
  if (context.waitedMs !== null) list += `,${double('sallyport.waited.seconds', context.waitedMs / 1000)}`;
  return list;
}

function costOf(end: CallEnd): string {
  const tokens = isCounted(end)
    ? `,${integer(convention.INPUT_TOKENS, end.promptTokens)},${integer(convention.CACHED_INPUT_TOKENS, end.cachedTokens)},${integer(convention.OUTPUT_TOKENS, end.completionTokens)}`
    : '';
  return `${tokens},${text('sallyport.cost.basis', end.basis)},${double('sallyport.cost.usd', Number(end.costPicoUsd) / USD)}`;
}

/** Tokens are known: stated by the provider, or counted by us. */
export function isCounted({ basis }: CallEnd): boolean {
  return basis === 'usage' || basis === 'delivered';
}
