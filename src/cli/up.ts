/** `sallyport up`: starts the gateway on a data folder and runs until it is told to stop. */
import type { App } from '../app.ts';
import { type Flags, readConfig, VARIABLES } from '../config.ts';
import { Secret } from '../core/secret.ts';
import { callBound } from '../gateway/call-bound.ts';
import { SECRET_VARIABLES } from '../root-key-config.ts';
import { findProvider } from '../providers/catalog.ts';
import { TELEMETRY_SECRET_VARIABLES } from '../telemetry-config.ts';
import { announce } from './announce.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Demo } from './demo.ts';
import { hideMemory } from './harden.ts';
import { askOnTerminal } from './passphrase.ts';
import type { Io } from './io.ts';
import { note } from './output.ts';

const KEY_VARIABLE = 'GROQ_API_KEY';

const OPTIONS = {
  data: { type: 'string', value: 'DIR', help: 'data folder (default $SALLYPORT_DATA, else ~/.sallyport)' },
  port: { type: 'string', value: 'N', help: 'port of the gateway; 0 takes a free one' },
  host: { type: 'string', value: 'ADDRESS', help: 'address to listen on; beyond loopback TLS is needed' },
  'tls-cert': { type: 'string', value: 'FILE', help: 'certificate chain in PEM, read again when it changes' },
  'tls-key': { type: 'string', value: 'FILE', help: 'its private key in PEM' },
  'behind-tls-proxy': {
    type: 'boolean',
    help: 'a proxy in front ends TLS; its addresses are in $SALLYPORT_TRUSTED_PROXIES',
  },
  'admin-port': { type: 'string', value: 'N', help: 'port of the admin listener; 0 takes a free one' },
  demo: { type: 'boolean', help: 'start the built-in fake provider even though there is a provider key' },
  passphrase: {
    type: 'boolean',
    help: 'make the root key of a new instance from a passphrase, asked for here at every start',
  },
  'audit-stdout': {
    type: 'boolean',
    help: 'print every journal entry as a JSON line, behind the ready line',
  },
  json: { type: 'boolean', help: 'print the ready line as JSON' },
} as const satisfies OptionSpecs;

export const upCommand = defineCommand({
  name: 'up',
  summary: 'Start the gateway.',
  options: OPTIONS,
  examples: ['sallyport up', 'sallyport up --data /var/lib/sallyport --port 8080'],
  notes: [
    'Without any provider key it starts a built-in fake provider, so that a first call is answered.',
    `Variables: ${Object.entries(VARIABLES)
      .map(([name, meaning]) => `${name}: ${meaning}`)
      .join('; ')}.`,
  ],
  run: async ({ values, io }) => {
    hideMemory();
    // From here on a signal means an orderly stop, also one that comes right behind the ready line.
    const stopped = io.stopped();
    const config = readConfig(flagsOf(values), io.env);
    for (const variable of [...SECRET_VARIABLES, ...TELEMETRY_SECRET_VARIABLES]) io.forget(variable);
    const maxCalls = callBound({
      calls: config.settings.maxCalls,
      stated: io.env['SALLYPORT_MAX_CALLS'] !== undefined,
    });
    // Loaded here, so that the other commands, which only ask a server, start in a third of the time.
    const [{ startApp }, { needsDemo, startDemo }] = await Promise.all([
      import('../app.ts'),
      import('./demo.ts'),
    ]);
    // A gateway does not stop because the disk of its log is full.
    io.outliveOutput();
    const bounded = { ...config, settings: { ...config.settings, maxCalls } };
    const app = await startApp(bounded, askOnTerminal(io), io.outThen);
    // A service manager reloads by SIGHUP; from a terminal it means that the terminal is gone.
    if (config.settings.tls || !io.stdinIsTerminal) io.onHangup(() => app.reloadCertificate());
    let demo: Demo | undefined;
    let streamed = true;
    try {
      await offerToSeal(app, io, values.json);
      if (values.demo || needsDemo(app)) demo = await startDemo(app);
      announce(app, config.settings.data, demo, io, values.json);
      app.streamEntries();
      await stopped;
      note(io, stoppingText(app.liveCalls()));
    } finally {
      streamed = await app.stop('stopped by the operator');
      await demo?.stop();
    }
    // A write that nobody takes would keep the process for as long as its reader lives.
    if (!streamed) io.leave(EXIT.ok);
    return EXIT.ok;
  },
});

function stoppingText(calls: number): string {
  const wait = calls === 0 ? '' : '; another signal ends at once';
  return `stopping: ${calls} ${calls === 1 ? 'call' : 'calls'} running${wait}`;
}

function flagsOf(values: Values<typeof OPTIONS>): Flags {
  return {
    data: values.data,
    port: values.port,
    adminPort: values['admin-port'],
    host: values.host,
    tlsCert: values['tls-cert'],
    tlsKey: values['tls-key'],
    behindTlsProxy: values['behind-tls-proxy'],
    passphrase: values.passphrase,
    auditStdout: values['audit-stdout'],
  };
}

/** A provider key in the environment is one that leaks: asks on a terminal whether to seal it, and otherwise says how. */
async function offerToSeal(app: App, io: Io, json: boolean): Promise<void> {
  const value = io.env[KEY_VARIABLE];
  const provider = findProvider('groq');
  if (
    !value ||
    !provider ||
    app.vault.list().some((slot) => slot.provider === provider.id && slot.purpose !== 'demo')
  )
    return;
  if (!io.stdinIsTerminal || json) {
    io.err(
      `sallyport: hint: ${KEY_VARIABLE} is set; to seal it: printenv ${KEY_VARIABLE} | ./sallyport key add groq --provider groq\n`,
    );
    return;
  }
  const answer = await io.readLine(`${KEY_VARIABLE} is set. Seal it in the vault now? [y/N] `);
  if (!/^y(?:es)?$/i.test(answer.trim())) return;
  using secret = Secret.fromText(value);
  await app.vault.addKey('local', { name: 'groq', provider: provider.id, origin: provider.origin }, secret);
  const { verdict, meaning } = await app.verifyKey('local', 'groq');
  io.err(
    `sallyport: sealed as "groq" (${verdict}: ${meaning}). Remove ${KEY_VARIABLE} from your environment and files now.\n`,
  );
}
