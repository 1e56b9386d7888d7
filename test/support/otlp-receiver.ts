/**
 * A receiver of OTLP/HTTP that decodes what it gets as strictly as the specification allows: JSON in the mapping of the protocol's messages, no
 * field that they do not have, ids in hex, 64-bit integers as texts. Written from the specification; knows nothing of the sender.
 */

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly error: boolean;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly count: number;
  readonly sum: number;
  readonly bucketCounts: readonly number[];
  readonly bounds: readonly number[];
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Bodies as they came. */
  readonly bodies: readonly string[];
  readonly headers: readonly Headers[];
  readonly spans: readonly ReceivedSpan[];
  /** Of the last export. */
  readonly points: readonly ReceivedPoint[];
  readonly resource: Readonly<Record<string, string | number>>;
  /** What was wrong with what came. */
  readonly faults: readonly string[];
  /** What to answer from now on; null accepts. */
  answer: ((path: string) => Response | null) | null;
}

type Json = Record<string, unknown>;

export function startReceiver(): Receiver {
  const bodies: string[] = [];
  const headers: Headers[] = [];
  const spans: ReceivedSpan[] = [];
  let points: ReceivedPoint[] = [];
  let resource: Record<string, string | number> = {};
  const faults: string[] = [];
  const receiver = { answer: null as Receiver['answer'] };
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async (request) => {
      const path = new URL(request.url).pathname;
      const body = await request.text();
      bodies.push(body);
      headers.push(request.headers);
      const other = receiver.answer?.(path) ?? null;
      if (other) return other;
      try {
        if (request.method !== 'POST' || request.headers.get('content-type') !== 'application/json')
          throw new Error(`${request.method} ${request.headers.get('content-type') ?? ''}`);
        const json = JSON.parse(body) as Json;
        if (path.endsWith('/v1/traces')) {
          const read = readTraces(json);
          resource = read.resource;
          spans.push(...read.spans);
        } else if (path.endsWith('/v1/metrics')) {
          const read = readMetrics(json);
          resource = read.resource;
          points = read.points;
        } else {
          throw new Error(`no such path: ${path}`);
        }
      } catch (error) {
        faults.push(String(error));
        return Response.json({ message: 'bad data' }, { status: 400 });
      }
      return Response.json({});
    },
  });
  return Object.defineProperties(receiver, {
    url: { value: `http://127.0.0.1:${server.port}` },
    bodies: { value: bodies },
    headers: { value: headers },
    spans: { value: spans },
    points: { get: () => points },
    resource: { get: () => resource },
    faults: { value: faults },
    [Symbol.asyncDispose]: { value: () => server.stop(true) },
  }) as unknown as Receiver;
}

function readTraces(body: Json): { spans: ReceivedSpan[]; resource: Record<string, string | number> } {
  const [[group], resource, scopes] = groupsOf(body, 'resourceSpans', 'scopeSpans');
  void group;
  const spans = scopes.flatMap((scope) => listOf(scope['spans'], 'spans').map(readSpan));
  return { spans, resource };
}

function readMetrics(body: Json): { points: ReceivedPoint[]; resource: Record<string, string | number> } {
  const [, resource, scopes] = groupsOf(body, 'resourceMetrics', 'scopeMetrics');
  const points = scopes.flatMap((scope) => listOf(scope['metrics'], 'metrics').flatMap(readMetric));
  return { points, resource };
}

function groupsOf(
  body: Json,
  groups: string,
  scopes: string,
): [Json[], Record<string, string | number>, Json[]] {
  only(body, [groups]);
  const list = listOf(body[groups], groups);
  let resource: Record<string, string | number> = {};
  const all = list.flatMap((group) => {
    only(group, ['resource', scopes, 'schemaUrl']);
    const of = objectOf(group['resource'], 'resource');
    only(of, ['attributes', 'droppedAttributesCount']);
    resource = readAttributes(of['attributes']);
    return listOf(group[scopes], scopes);
  });
  for (const scope of all) {
    only(scope, ['scope', scopes === 'scopeSpans' ? 'spans' : 'metrics', 'schemaUrl']);
    only(objectOf(scope['scope'], 'scope'), ['name', 'version', 'attributes', 'droppedAttributesCount']);
  }
  return [list, resource, all];
}

function readSpan(span: Json): ReceivedSpan {
  only(span, [
    'traceId',
    'spanId',
    'parentSpanId',
    'traceState',
    'flags',
    'name',
    'kind',
    'startTimeUnixNano',
    'endTimeUnixNano',
    'attributes',
    'status',
  ]);
  const status = span['status'] === undefined ? {} : objectOf(span['status'], 'status');
  only(status, ['code', 'message']);
  const [startMs, endMs] = [milliseconds(span['startTimeUnixNano']), milliseconds(span['endTimeUnixNano'])];
  if (endMs < startMs) throw new Error('the span ends before it starts');
  if (typeof span['flags'] !== 'number' || typeof span['kind'] !== 'number' || span['kind'] > 5)
    throw new Error('flags and kind are numbers');
  return {
    traceId: hex(span['traceId'], 32),
    spanId: hex(span['spanId'], 16),
    parentSpanId: span['parentSpanId'] === undefined ? null : hex(span['parentSpanId'], 16),
    name: textOf(span['name']),
    kind: span['kind'],
    startMs,
    endMs,
    attributes: readAttributes(span['attributes']),
    error: status['code'] === 2,
  };
}

function readMetric(metric: Json): ReceivedPoint[] {
  only(metric, ['name', 'description', 'unit', 'histogram']);
  const histogram = objectOf(metric['histogram'], 'histogram');
  only(histogram, ['aggregationTemporality', 'dataPoints']);
  if (histogram['aggregationTemporality'] !== 2) throw new Error('not cumulative');
  return listOf(histogram['dataPoints'], 'dataPoints').map((point) => {
    only(point, [
      'attributes',
      'startTimeUnixNano',
      'timeUnixNano',
      'count',
      'sum',
      'bucketCounts',
      'explicitBounds',
    ]);
    if (milliseconds(point['timeUnixNano']) < milliseconds(point['startTimeUnixNano']))
      throw new Error('the point is older than its start');
    const bucketCounts = (point['bucketCounts'] as unknown[]).map(long);
    const bounds = point['explicitBounds'] as number[];
    const count = long(point['count']);
    if (bucketCounts.length !== bounds.length + 1) throw new Error('one bucket more than bounds');
    if (bucketCounts.reduce((sum, one) => sum + one, 0) !== count)
      throw new Error('buckets and count differ');
    if (typeof point['sum'] !== 'number') throw new Error('the sum is no number');
    return {
      metric: textOf(metric['name']),
      unit: textOf(metric['unit']),
      attributes: readAttributes(point['attributes']),
      count,
      sum: point['sum'],
      bucketCounts,
      bounds,
    };
  });
}

function readAttributes(list: unknown): Record<string, string | number> {
  const attributes: Record<string, string | number> = {};
  for (const attribute of listOf(list, 'attributes')) {
    only(attribute, ['key', 'value']);
    const [[kind, value] = ['', null], ...more] = Object.entries(objectOf(attribute['value'], 'value'));
    const key = textOf(attribute['key']);
    if (more.length > 0 || key in attributes) throw new Error(`${key} has several values`);
    if (kind === 'stringValue') attributes[key] = textOf(value);
    else if (kind === 'intValue') attributes[key] = long(value);
    else if (kind === 'doubleValue' && typeof value === 'number') attributes[key] = value;
    else throw new Error(`${key} has a value of kind ${kind}`);
  }
  return attributes;
}

function only(object: Json, fields: readonly string[]): void {
  const strange = Object.keys(object).find((field) => !fields.includes(field));
  if (strange !== undefined) throw new Error(`no field of this message: ${strange}`);
}

function objectOf(value: unknown, name: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new Error(`${name} is no object`);
}

function listOf(value: unknown, name: string): Json[] {
  if (Array.isArray(value) && value.length > 0) return value.map((item) => objectOf(item, name));
  throw new Error(`${name} is no list of objects`);
}

function textOf(value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new Error('no text');
}

function hex(value: unknown, digits: number): string {
  const text = textOf(value);
  if (text.length === digits && /^[0-9a-f]+$/.test(text) && !/^0+$/.test(text)) return text;
  throw new Error(`${text} is no id of ${digits} digits`);
}

function long(value: unknown): number {
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return Number(value);
  throw new Error('a 64-bit integer is a text of digits');
}

function milliseconds(value: unknown): number {
  if (typeof value === 'string' && /^\d{19}$/.test(value)) return Number(BigInt(value) / 1000n) / 1000;
  throw new Error('no time in nanoseconds');
}
