/**
 * The provider's public API under `/openai/v1` and `/v1`: logs the call, checks the key, answers.
 */
import { answerChat, type Exchange, type StreamReply } from './chat.ts';
import { errorReply, unknownUrl, type ErrorRow, type Reply } from './errors.ts';
import { requestId } from './ids.ts';
import { bearerKey, keyFingerprint, safeHeaders, scrub } from './keys.ts';
import type { KeyState, Knobs } from './knobs.ts';
import type { OpenRecord } from './log.ts';
import { MODELS, modelItem } from './rates.ts';
import { parseBody } from './request.ts';
import { sleep } from './wire.ts';
import type { World } from './world.ts';

const ROUTE = /^\/(?:openai\/)?v1\/(chat\/completions|models)(?:\/([^/]+))?$/;
const NO_BODY = new Uint8Array();

/** Key states that refuse every call, whatever the endpoint. */
const REFUSED_KEYS: Readonly<Partial<Record<KeyState, ErrorRow>>> = {
  dead: '401',
  restricted_org: '400_org_restricted',
  wrong_network: '403_network',
};

/** Answers one provider call. `elsewhere` is where the `redirect` error points. */
export async function answerProvider(
  req: Request,
  path: string,
  world: World,
  elsewhere: string,
): Promise<Response> {
  const { knobs } = world;
  const key = bearerKey(req.headers.get('authorization'));
  const bytes = await readBody(req);
  const record = logCall(req, path, world, key, bytes ?? NO_BODY);
  if (bytes === null) {
    record.aborted = true;
    return new Response(null, { status: 499 });
  }

  const body = parseBody(bytes);
  const model = typeof body?.['model'] === 'string' ? scrub(body['model'], key) : null;
  record.model = model;
  const echo = knobs.errorEchoesKey && key !== null ? ` (received key: ${key})` : '';
  const call: Exchange = {
    world,
    knobs,
    record,
    keyFingerprint: key === null ? '' : keyFingerprint(key),
    requestId: requestId(),
    facts: { model: model ?? '', echo, elsewhere },
    body,
    gone: req.signal,
    gzip: wantsGzip(knobs, req),
  };
  const reply = await route(call, req.method, path, key !== null);
  record.status = reply.status;
  return respond(reply, call, echo === '' ? null : key);
}

async function route(
  call: Exchange,
  method: string,
  path: string,
  hasKey: boolean,
): Promise<Reply | StreamReply> {
  const [, endpoint, id] = ROUTE.exec(path) ?? [];
  const chat = endpoint === 'chat/completions' && id === undefined && method === 'POST';
  const models = endpoint === 'models' && method === 'GET';
  if (!chat && !models) return unknownUrl(method, call.record.path, call.facts.echo);

  const state = call.knobs.keys[call.keyFingerprint] ?? 'valid';
  const refused = hasKey ? REFUSED_KEYS[state] : '401';
  if (refused !== undefined) return errorReply(refused, call.facts);
  // The live knob, not the one at arrival: calls that arrived together must share one `errorCount`.
  const error = call.world.knobs.error;
  if (error !== null && (chat || call.knobs.errorOn === 'all')) {
    call.world.countError();
    await sleep(call.knobs.ttftMs, call.gone);
    return errorReply(error, call.facts);
  }
  return chat ? await answerChat(call) : listModels(call, id);
}

function listModels({ knobs, facts }: Exchange, id: string | undefined): Reply {
  const ok = (value: unknown): Reply => ({
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify(value),
  });
  if (id === undefined) {
    return ok({
      object: 'list',
      data: [...MODELS.values()].map((model) => modelItem(model, knobs.modelsShape)),
    });
  }
  const wanted = decodeId(id);
  const model = MODELS.get(wanted);
  return model === undefined
    ? errorReply('404_model', { ...facts, model: wanted })
    : ok(modelItem(model, knobs.modelsShape));
}

function decodeId(id: string): string {
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

function logCall(req: Request, path: string, world: World, key: string | null, body: Uint8Array): OpenRecord {
  const sentId = req.headers.get('x-request-id');
  return world.log.open({
    method: req.method,
    path: scrub(path, key),
    key: key === null ? null : keyFingerprint(key),
    requestId: sentId === null ? null : scrub(sentId, key),
    headers: safeHeaders(req.headers, key),
    bodyBytes: body.length,
    bodySha256: new Bun.CryptoHasher('sha256').update(body).digest('hex'),
  });
}

/** The body, or null when the client left while sending it. */
async function readBody(req: Request): Promise<Uint8Array | null> {
  if (req.body === null) return NO_BODY;
  try {
    return await req.bytes();
  } catch {
    return null;
  }
}

function wantsGzip(knobs: Knobs, req: Request): boolean {
  if (knobs.gzip !== 'if-accepted') return knobs.gzip === 'always';
  return /\bgzip\b/.test(req.headers.get('accept-encoding') ?? '');
}

function respond(reply: Reply | StreamReply, call: Exchange, echoedKey: string | null): Response {
  const headers: Record<string, string> = { 'content-type': reply.contentType, ...reply.headers };
  headers['cache-control'] = 'private, max-age=0, no-store, no-cache, must-revalidate';
  if (reply.edge === true) {
    headers['server'] = 'cloudflare';
  } else {
    headers['x-request-id'] = call.requestId;
    headers['x-groq-region'] = 'us-west-1';
  }
  if (echoedKey !== null) headers['x-debug-key'] = echoedKey;
  if (!call.gzip) return new Response(reply.body, { status: reply.status, headers });
  headers['content-encoding'] = 'gzip';
  const body =
    typeof reply.body === 'string' ? Bun.gzipSync(new TextEncoder().encode(reply.body)) : reply.body;
  return new Response(body, { status: reply.status, headers });
}
