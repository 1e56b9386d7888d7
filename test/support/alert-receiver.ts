/** A receiver of webhooks as a user would write one: a real server that verifies each message by the exported helper. */
import { verifyStandardWebhook } from '../../src/watch/webhooks.mjs';

export interface ReceivedAlert {
  readonly id: string;
  readonly type: string;
  readonly severity: string;
  readonly timestamp: string;
  readonly instance: string;
  readonly summary: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** The signing secrets that are right; any of them will do. */
  secrets: string[];
  /** What was received and verified, repetitions included. */
  readonly alerts: ReceivedAlert[];
  /** How many messages did not verify. */
  readonly forged: () => number;
  /** How many messages came at all. */
  readonly messages: () => number;
  /** Answers with this instead of 200. */
  answer: (message: number) => Response | null;
  /** Resolves when `enough` is true of what was received; throws after 20 s. */
  until(enough: (alerts: readonly ReceivedAlert[]) => boolean): Promise<void>;
}

export function startReceiver(): Receiver {
  const alerts: ReceivedAlert[] = [];
  let forged = 0;
  let messages = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    development: false,
    fetch: async (request) => {
      messages += 1;
      const refusal = receiver.answer(messages);
      const body = await request.text();
      if (refusal) return refusal;
      if (!verifyStandardWebhook(body, request.headers, receiver.secrets)) {
        forged += 1;
        return new Response('no', { status: 401 });
      }
      const alert = JSON.parse(body) as ReceivedAlert;
      if (alert.id !== request.headers.get('webhook-id')) forged += 1;
      alerts.push(alert);
      return new Response(null, { status: 204 });
    },
    error: () => new Response('receiver fault', { status: 500 }),
  });
  const receiver: Receiver = {
    url: `http://127.0.0.1:${server.port}/hooks?team=ops`,
    secrets: [],
    alerts,
    forged: () => forged,
    messages: () => messages,
    answer: () => null,
    until: async (enough) => {
      for (let wait = 0; wait < 4000; wait += 1) {
        if (enough(alerts)) return;
        await Bun.sleep(5);
      }
      throw new Error(`The alerts did not come: ${JSON.stringify(alerts.map(({ type }) => type))}`);
    },
    [Symbol.asyncDispose]: () => server.stop(true),
  };
  return receiver;
}
