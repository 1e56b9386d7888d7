/**
 * A call's whole life, top to bottom. Every route, and every way a call can end, goes through here: there is no second path.
 *
 *   bound, authenticate -> decide (decide-call) -> limit (take-turn) -> reserve, record (begin-call) -> lease, send (send-call)
 *   -> relay, settle (answer)
 */
import type { Token } from '../access/tokens.ts';
import { asSallyportError, SallyportError } from '../core/errors.ts';
import { splice } from '../core/splice.ts';
import { asItCame, type GuardPolicy, type ShapedRequest, shapeRequest } from '../guard/guard.ts';
import { findProvider, type Provider, providerIds } from '../providers/catalog.ts';
import { type ChatRequest, readChatRequest } from '../providers/openai-request.ts';
import { answerTo } from './answer.ts';
import { beginCall, onDisk } from './begin-call.ts';
import { CallContext } from './call-context.ts';
import { decideCall } from './decide-call.ts';
import type { Connection, Gate } from './gate.ts';
import { FREE_BODY_BYTES } from './intake.ts';
import { listModels } from './models.ts';
import { ownRecords } from './own-records.ts';
import type { CallPlan } from './plan.ts';
import { rateHeaders } from './rate-headers.ts';
import { errorReply, jsonReply } from './reply.ts';
import { announcedBytes, comesFromBrowser, readCredential } from './request.ts';
import { type CallRoute, matchRoute, type Route } from './routes.ts';
import { sendCall } from './send-call.ts';
import { enterNow, waitForTurn } from './take-turn.ts';
import { watchClient } from './watch-client.ts';

/** Answers every request to the data plane. Never rejects. */
export async function handle(gate: Gate, request: Request, connection: Connection): Promise<Response> {
  const context = new CallContext(gate.clock.monotonicMs(), connection.address);
  if (gate.observer.traces) context.traceparent = request.headers.get('traceparent');
  try {
    const route = chooseRoute(gate, context, request);
    if (route.kind === 'healthz') return jsonReply(200, { ok: true }, context.headers);
    if (route.kind === 'readyz')
      return jsonReply(gate.open() ? 200 : 503, { ready: gate.open() }, context.headers);
    const token = authenticate(gate, context, request.headers);
    if (route.kind === 'health') return health(gate, token, context);
    if (route.kind === 'usage' || route.kind === 'audit')
      return await ownRecords(gate, context, token, route.kind);
    context.endpoint = route.endpoint;
    const provider = chooseProvider(route, token);
    context.provider = provider.id;
    if (!gate.open()) throw stopping();
    gate.intake.enter(context.undo);
    if (route.endpoint === 'chat/completions')
      return await chat(gate, context, token, provider, request, connection);
    return await listModels(gate, context, token, provider, route.modelId, request, connection);
  } catch (error) {
    return refuse(gate, context, asSallyportError(error));
  }
}

async function chat(
  gate: Gate,
  context: CallContext,
  token: Token,
  provider: Provider,
  request: Request,
  connection: Connection,
): Promise<Response> {
  refuseEarly(gate, context, token, request);
  const arrived = await gate.intake.read(request, token.id, context.undo);
  if (!gate.open()) throw stopping();
  const arrivedAsked = readChatRequest(arrived.body);
  context.model = arrivedAsked.model;
  context.user = arrivedAsked.user;
  const template = gate.templates.of(token);
  const shape =
    token.bounds === null && template === null
      ? asItCame(arrived.body, arrivedAsked)
      : await shaped(gate, context, { bounds: token.bounds, template }, arrived.body, arrivedAsked);
  const { body, asked } = shape;
  let decided = decideCall(gate, context, token, provider, shape);
  if (!enterNow(gate, context, token, decided.load)) {
    decided = await waitForTurn(gate, context, request, connection, token, decided, (now) => {
      if (gate.templates.of(now) !== template) throw templateChanged();
      return decideCall(gate, context, now, provider, shape);
    });
  }
  const { plan, slot, edits, dropUsageChunk } = decided;
  const begun = beginCall(gate, context, connection, {
    token,
    slot,
    plan,
    metadata: metadataOf(context, token, shape, plan, request.headers),
  });
  if (gate.strict) await onDisk(begun);
  // Of a stream nothing came yet; of a whole answer, which a provider finishes for nobody as well, nothing is known.
  const stopWatching = watchClient(
    request,
    begun.call,
    asked.stream ? { kind: 'dropped', completionTokens: 0 } : { kind: 'unknown' },
  );
  const reply = await sendCall(gate, context, begun.call, slot, {
    provider,
    method: 'POST',
    endpoint: 'chat/completions',
    headers: request.headers,
    body: splice(body, edits),
  });
  const answer = await answerTo(gate, context, begun, slot, reply, {
    stream: asked.stream,
    dropUsageChunk,
  });
  stopWatching();
  arrived.letGo();
  return answer;
}

/** The request as its token's bounds and template make it. Rejects with what they refuse. */
async function shaped(
  gate: Gate,
  context: CallContext,
  policy: GuardPolicy,
  body: Buffer,
  asked: ChatRequest,
): Promise<ShapedRequest> {
  const request = await shapeRequest(policy, body, asked);
  if (!gate.open()) throw stopping();
  context.model = request.asked.model;
  if (request.trimmed.length > 0) context.headers['x-sallyport-trimmed'] = request.trimmed.join(', ');
  return request;
}

/** The request that waited holds the instructions of before. */
function templateChanged(): SallyportError {
  return new SallyportError('limit.queue', 'The instructions of this token changed while the call waited.', {
    fix: 'Send it again.',
    retryable: true,
    retryAfterSeconds: 1,
  });
}

/** Throws what `matchRoute` throws; a refusal names the token then as well, if there is a good one. */
function chooseRoute(gate: Gate, context: CallContext, request: Request): Route {
  try {
    return matchRoute(request.method, request.url, request.headers.get('host'));
  } catch (refused) {
    try {
      authenticate(gate, context, request.headers);
    } catch {
      // A stranger: counted as one.
    }
    throw refused;
  }
}

/** Shape and checksum, then the record, then where the call comes from. Throws `token.invalid` or `token.not_here`. */
function authenticate(gate: Gate, context: CallContext, headers: Headers): Token {
  const token = gate.tokens.identify(readCredential(headers));
  context.holderId = token.id;
  gate.tokens.stillValid(token.id);
  if (token.type === 'admin' || token.team === null) {
    throw new SallyportError('token.invalid', 'An admin token makes no calls.', {
      fix: 'Issue a token for a team: sallyport token issue',
    });
  }
  context.token = token;
  if (!token.allowsAddress(context.address)) {
    throw new SallyportError('token.not_here', 'This token may not be used from this address.', {
      detail: `token ${token.id} from ${context.address}`,
      fix: 'Call from a network that the token is bound to.',
    });
  }
  if (!token.browserSafe && comesFromBrowser(headers)) {
    throw new SallyportError(
      'token.not_here',
      'This token may not be used from a web page, where everybody can read it.',
      {
        fix: 'Call from your server, or issue a token with --browser-safe.',
      },
    );
  }
  return token;
}

function chooseProvider(route: CallRoute, token: Token): Provider {
  const provider =
    route.provider ?? (token.defaultProvider === null ? undefined : findProvider(token.defaultProvider));
  if (provider) return provider;
  const prefixes = providerIds().map((id) => `/p/${id}`);
  throw new SallyportError(
    'request.ambiguous_provider',
    'The path does not say which provider is meant, and the token has no default one.',
    {
      fix: `Put one of ${prefixes.join(', ')} before the path, or issue the token with --default-provider.`,
    },
  );
}

/** A large body is not even read for a call that its token's limits refuse already; they are asked again, for the whole call, later. */
function refuseEarly(gate: Gate, context: CallContext, token: Token, request: Request): void {
  if (announcedBytes(request.headers) <= FREE_BODY_BYTES) return;
  if (gate.turns.mayWait(token.id, token.team ?? '')) return;
  const refused = gate.ledger.limits.refusal(context.path.limits, 0);
  if (refused) throw refused;
}

function metadataOf(
  { waitedMs }: CallContext,
  token: Token,
  { asked, trimmed, template, findings }: ShapedRequest,
  plan: CallPlan,
  headers: Headers,
): Record<string, string | number | boolean> {
  const retries = Number(headers.get('x-stainless-retry-count') ?? 0);
  return {
    stream: asked.stream,
    ...(token.preset === null ? {} : { preset: token.preset }),
    ...(trimmed.length === 0 ? {} : { trimmed: trimmed.join() }),
    ...(template === null ? {} : { template }),
    ...(findings.length === 0 ? {} : { injection: findings.join() }),
    ...(plan.injectCap === null ? {} : { injectedCap: plan.injectCap }),
    ...(waitedMs === null ? {} : { waitedMs }),
    ...(Number.isInteger(retries) && retries > 0 ? { retry: retries } : {}),
  };
}

function health(gate: Gate, token: Token, context: CallContext): Response {
  const expiresAt = new Date(token.expiresAtMs).toISOString();
  const body = {
    ok: true,
    token: token.id,
    team: token.team,
    environment: token.environment,
    expiresAt,
    ready: gate.open(),
  };
  return jsonReply(200, body, context.headers);
}

function stopping(): SallyportError {
  return new SallyportError('gateway.stopping', 'Sallyport is not taking calls right now.', {
    retryable: true,
    retryAfterSeconds: 1,
  });
}

/** The error as a reply, with everything that the call had taken given back, and the refusal on record. */
function refuse(gate: Gate, context: CallContext, error: SallyportError): Response {
  const { call, token } = context;
  if (call) {
    // Whoever sent it has settled it already; else nothing was sent.
    call.end({ kind: 'free' }, error.code);
  } else {
    context.undo.unwind();
    const alone = recordRefusal(gate, context, token, error);
    gate.observer.refused(context, error.code, alone);
  }
  const level = error.code === 'gateway.internal' || error.code === 'vault.tampered' ? 'error' : 'debug';
  gate.log[level](error.message, { call: context.id, code: error.code, detail: error.detail });
  const rates = error.code.startsWith('limit.')
    ? rateHeaders(gate.ledger.limits.states(context.path.limits))
    : {};
  return errorReply(error, { ...context.headers, ...rates });
}

/** True when the refusal has an entry of its own. */
function recordRefusal(
  gate: Gate,
  context: CallContext,
  token: Token | null,
  error: SallyportError,
): boolean {
  if (!token) {
    gate.strangers.add(context.address, error.code, context.holderId);
    return false;
  }
  try {
    gate.indexer.checkCapacity();
    const { id } = context;
    const entry = gate.holders.add(token.id, error.code, () => {
      const subject = context.subject(token, gate.pseudonyms);
      return { action: 'call.refused', id, ...subject, errorCode: error.code };
    });
    if (entry) context.setReceipt(gate.journal.append(entry));
    return entry !== null;
  } catch (lost) {
    // Nothing takes it: the caller is refused all the same. A line of the log for each would fill the disk from its other end.
    gate.late.loseRefusal(lost);
    return false;
  }
}
