/**
 * A Next.js route handler (App Router): POST {"message": "..."} answers with the model's text as it comes. The token stays on the server,
 * and the provider's key stays in Sallyport.
 */
import Groq, { APIError } from 'groq-sdk';

const MODEL = process.env['MODEL'] ?? 'openai/gpt-oss-20b';
const MAX_MESSAGE_CHARS = 4000;

function client(): Groq {
  const gateway = process.env['SALLYPORT_URL'] ?? 'http://127.0.0.1:4141';
  return new Groq({ baseURL: `${gateway}/p/groq`, apiKey: process.env['SALLYPORT_TOKEN'] ?? '' });
}

export async function POST(request: Request): Promise<Response> {
  const message = await readMessage(request);
  if (message === null) return refusal(400, 'Send {"message": "..."} with up to 4000 characters.');
  try {
    const stream = await client().chat.completions.create(
      {
        model: MODEL,
        messages: [{ role: 'user', content: message }],
        max_completion_tokens: 1024,
        stream: true,
      },
      // Whoever closes the page ends the call, and pays for what came until then.
      { signal: request.signal },
    );
    return new Response(textOf(stream), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  } catch (error) {
    return answerTo(error);
  }
}

async function readMessage(request: Request): Promise<string | null> {
  const body: unknown = await request.json().catch(() => null);
  const message = (body as { message?: unknown } | null)?.message;
  const fits = typeof message === 'string' && message !== '' && message.length <= MAX_MESSAGE_CHARS;
  return fits ? message : null;
}

type Chunks = AsyncIterable<{ readonly choices: readonly { readonly delta: { content?: string | null } }[] }>;

function textOf(chunks: Chunks): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(encoder.encode(value.choices[0]?.delta.content ?? ''));
    },
    cancel: async () => void (await iterator.return?.()),
  });
}

/** What went wrong between this server and the gateway is not the visitor's to read; what they can do about it is. */
function answerTo(error: unknown): Response {
  const status = error instanceof APIError ? error.status : undefined;
  console.error('chat failed', status, error instanceof Error ? error.message : error);
  if (status === 402) return refusal(503, 'The assistant is resting. Try again later.');
  if (status === 429) return refusal(429, 'Too many questions at once. Try again in a moment.');
  return refusal(502, 'The assistant cannot answer now.');
}

function refusal(status: number, message: string): Response {
  return Response.json({ error: message }, { status });
}
