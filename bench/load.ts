/**
 * The load generator, a process of its own: jobs come in as lines of JSON, results go out the same way. Closed loop, a fixed number of
 * calls. An answer that is not what the job expects ends the process: a benchmark of errors is none.
 */
import type { AbortsJob, CallsJob, Job, LatencyJob, PingJob, Results, Target } from './jobs.ts';

const EVENT = Buffer.from('data: ');
const decoder = new TextDecoder();
/** Of the streams of one job. */
let reads = 0;

async function call(target: Target, body: string, events: number): Promise<void> {
  const reply = await fetch(target.url, {
    method: 'POST',
    headers: target.headers,
    body,
    redirect: 'manual',
    decompress: false,
  });
  const bytes = events > 0 ? await readStream(reply) : Buffer.from(await reply.arrayBuffer());
  if (reply.status !== 200)
    throw new Error(`${target.url}: ${reply.status} ${bytes.toString('utf8', 0, 400)}`);
  if (events > 0 && countEvents(bytes) !== events)
    throw new Error(`${target.url}: ${countEvents(bytes)} events instead of ${events}`);
  if (events === 0 && !bytes.includes('"usage"')) throw new Error(`${target.url}: no whole answer`);
}

async function readStream(reply: Response): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of reply.body ?? []) parts.push(part);
  reads += parts.length;
  return Buffer.concat(parts);
}

function countEvents(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + EVENT.length)) count += 1;
  return count;
}

async function runCalls(job: CallsJob): Promise<Results['calls']> {
  let left = job.calls;
  reads = 0;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await call(job.target, job.body, job.events);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: job.concurrency }, client));
  return { wallMs: performance.now() - startMs, reads };
}

/** One connection, one call at a time, the targets in turn: what disturbs the machine disturbs all of them. */
async function runLatency(job: LatencyJob): Promise<Results['latency']> {
  const latenciesMs = job.targets.map((): number[] => []);
  for (let sample = 0; sample < job.samples; sample += 1) {
    for (const [index, target] of job.targets.entries()) {
      const startMs = performance.now();
      await call(target, job.body, 0);
      latenciesMs[index]?.push(performance.now() - startMs);
    }
  }
  return { latenciesMs };
}

async function runPings(job: PingJob): Promise<Results['pings']> {
  const latenciesMs: number[] = [];
  for (let ping = 0; ping < job.pings; ping += 1) {
    const startMs = performance.now();
    const reply = await fetch(job.url);
    await reply.arrayBuffer();
    if (reply.status !== 200) throw new Error(`${job.url}: ${reply.status}`);
    latenciesMs.push(performance.now() - startMs);
    await Bun.sleep(job.everyMs);
  }
  return { latenciesMs };
}

/** How many chunks are read of a stream before it is given up, in turn; of 0 some have not even reached the provider. */
const CHUNKS_READ = [0, 1, 3];
const EARLY_MS = 15;

async function giveUp(target: Target, body: string, turn: number): Promise<void> {
  const abort = new AbortController();
  const chunks = CHUNKS_READ[turn % CHUNKS_READ.length] ?? 0;
  const answer = fetch(target.url, { method: 'POST', headers: target.headers, body, signal: abort.signal });
  answer.catch(() => undefined);
  if (chunks === 0) await Bun.sleep((turn * 7) % EARLY_MS);
  else {
    const reply = await answer;
    if (reply.status !== 200 || !reply.body)
      throw new Error(`${target.url}: ${reply.status} ${(await reply.text()).slice(0, 400)}`);
    const reader = reply.body.getReader();
    for (let chunk = 0; chunk < chunks; chunk += 1)
      if ((await reader.read()).done) throw new Error(`${target.url}: a stream ended before it was given up`);
  }
  abort.abort();
  await answer.then((reply) => reply.arrayBuffer()).catch(() => undefined);
}

async function runAborts(job: AbortsJob): Promise<Results['aborts']> {
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < job.streams) {
      const turn = next;
      next += 1;
      await giveUp(job.target, job.body, turn);
    }
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: job.concurrency }, client));
  return { wallMs: performance.now() - startMs };
}

async function run(job: Job): Promise<Results[Job['kind']]> {
  switch (job.kind) {
    case 'calls':
      return runCalls(job);
    case 'latency':
      return runLatency(job);
    case 'pings':
      return runPings(job);
    case 'aborts':
      return runAborts(job);
  }
}

let text = '';
for await (const chunk of Bun.stdin.stream()) {
  text += decoder.decode(chunk, { stream: true });
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
    const job = JSON.parse(text.slice(0, end)) as Job;
    text = text.slice(end + 1);
    process.stdout.write(`${JSON.stringify(await run(job))}\n`);
  }
}
