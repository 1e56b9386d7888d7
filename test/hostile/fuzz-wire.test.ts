import { afterAll, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { expectUnharmed, rawChat } from '../support/hostile.ts';
import { fuzz } from '../support/fuzz.ts';
import { openGate } from '../support/harness.ts';
import { chatJson } from '../support/setup.ts';

const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 0);
const SEED = Number(process.env['FUZZ_SEED'] ?? (SECONDS > 0 ? Date.now() % 2 ** 31 : 1));
const gate = await openGate({ budgetUsd: '100000' });
afterAll(() => gate[Symbol.asyncDispose]());

const size = chatJson({}).length.toString(16);
const CORPUS = [
  rawChat(gate.token),
  rawChat(gate.token, { body: chatJson({ stream: true }) }),
  rawChat(gate.token, {
    length: null,
    more: ['transfer-encoding: chunked'],
    body: `${size}\r\n${chatJson({})}\r\n0\r\n\r\n`,
  }),
  rawChat(gate.token) + rawChat(gate.token, { body: chatJson({ stream: true }) }),
  `GET /v1/models HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer ${gate.token}\r\n\r\n`,
  'GET /readyz HTTP/1.1\r\nhost: gate\r\n\r\n',
].map((text) => Buffer.from(text, 'latin1'));

/** Sends the bytes, and leaves when an answer came, the server closed, or nothing happens. */
function send(bytes: Buffer): Promise<void> {
  const { hostname, port } = new URL(gate.url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const timer = setTimeout(() => socket.destroy(), 60);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve();
    });
    socket.write(bytes);
  });
}

test(
  'whatever bytes come on a connection, every call is accounted for and the next one is served',
  async () => {
    const inputs: Buffer[] = [];
    const deadline = performance.now() + SECONDS * 1000;
    let sent = 0;
    do {
      inputs.length = 0;
      fuzz({ corpus: CORPUS, check: (input) => void inputs.push(input) }, 0, 600, SEED + sent);
      for (let from = 0; from < inputs.length; from += 50)
        await Promise.all(inputs.slice(from, from + 50).map(send));
      sent += inputs.length;
    } while (performance.now() < deadline);
    expect(sent).toBeGreaterThanOrEqual(600);
    await expectUnharmed(gate);
  },
  (SECONDS + 60) * 1000,
);
