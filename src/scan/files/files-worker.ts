/** A thread that helps with a long list of files: takes batches until there are none, and sends what each came to. */
import { prepareSkimming } from '../../detect/skim.ts';
import { Batches, type Work } from './batches.ts';
import type { SentRecord } from './record.ts';

declare const self: Worker;

/** Null: no batch is left. */
export type FromWorker = { readonly batch: number; readonly record: SentRecord } | null;

self.addEventListener('message', (event: MessageEvent<Work>) => {
  // Whatever happens here, the first thread must not wait for ever: it scans what was taken and not sent.
  prepareSkimming()
    .then(() => help(new Batches(event.data)))
    .catch(() => send(null));
});

async function help(batches: Batches): Promise<void> {
  for (let batch = batches.take(); batch !== null; batch = batches.take()) {
    const record = await batches.scan(batch);
    send({ batch, record: record.toSend() });
  }
  send(null);
}

function send(message: FromWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have none
  self.postMessage(message);
}
