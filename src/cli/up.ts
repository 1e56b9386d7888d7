/** `sallyport up`: starts the gateway on a data folder and runs until it is told to stop. */
import type { App } from '../app.ts';
import { readConfig, VARIABLES } from '../config.ts';
import { Secret } from '../core/secret.ts';
import { SECRET_VARIABLES } from '../root-key-config.ts';
import { findProvider } from '../providers/catalog.ts';
import { VERSION } from '../version.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Demo } from './demo.ts';
import { hideMemory } from './harden.ts';
import { askOnTerminal } from './passphrase.ts';
import type { Io } from './io.ts';

const MODEL = 'openai/gpt-oss-20b';
const KEY_VARIABLE = 'GROQ_API_KEY';

export const upCommand = defineCommand({
  name: 'up',
  summary: 'Start the gateway.',
  options: {
    data: { type: 'string', value: 'DIR', help: 'data folder (default $SALLYPORT_DATA, else ~/.sallyport)' },
    port: { type: 'string', value: 'N', help: 'port of the gateway; 0 takes a free one' },
    'admin-port': { type: 'string', value: 'N', help: 'port of the admin listener; 0 takes a free one' },
    demo: { type: 'boolean', help: 'start the built-in fake provider even though there is a provider key' },
    passphrase: {
      type: 'boolean',
      help: 'make the root key of a new instance from a passphrase, asked for here at every start',
    },
    json: { type: 'boolean', help: 'print the ready line as JSON' },
  },
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
    const { data, port, passphrase } = values;
    const config = readConfig({ data, port, adminPort: values['admin-port'], passphrase }, io.env);
    for (const variable of SECRET_VARIABLES) io.forget(variable);
    // Loaded here, so that the other commands, which only ask a server, start in a third of the time.
    const [{ startApp }, { needsDemo, startDemo }] = await Promise.all([
      import('../app.ts'),
      import('./demo.ts'),
    ]);
    const app = await startApp(config, askOnTerminal(io));
    let demo: Demo | undefined;
    try {
      await offerToSeal(app, io, values.json);
      if (values.demo || needsDemo(app)) demo = await startDemo(app);
      announce(app, config.settings.data, demo, io, values.json);
      await stopped;
    } finally {
      await app.stop('stopped by the operator');
      await demo?.stop();
    }
    return EXIT.ok;
  },
});

function announce(app: App, data: string, demo: Demo | undefined, io: Io, json: boolean): void {
  if (json) {
    const ready = {
      event: 'ready',
      gateway: app.gatewayUrl,
      admin: app.adminUrl,
      data,
      demo: demo !== undefined,
    };
    io.out(
      `${JSON.stringify({ ...ready, ...(demo ? { token: demo.token, expiresAt: demo.expiresAt } : {}) })}\n`,
    );
    return;
  }
  const lines = [
    `sallyport ${VERSION} is ready`,
    `  gateway  ${app.gatewayUrl}`,
    `  admin    ${app.adminUrl}`,
    `  data     ${data}`,
  ];
  if (app.recoveredCalls > 0)
    lines.push(`  charged  ${app.recoveredCalls} call(s) that an earlier process left open`);
  lines.push('', ...(demo ? demoLines(app, demo) : nextLines()));
  io.out(`${lines.join('\n')}\n`);
}

function demoLines(app: App, demo: Demo): string[] {
  return [
    'There is no provider key yet, so this is a demo: a built-in fake provider answers, and no money is spent.',
    `The demo token works until ${demo.expiresAt} and for 1 pretended dollar. Paste this into another terminal:`,
    '',
    `curl ${app.gatewayUrl}/openai/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${demo.token}" -H "Content-Type: application/json" \\`,
    `  -d '{"model":"${MODEL}","messages":[{"role":"user","content":"Hello"}]}'`,
    '',
    'Or from JavaScript (npm install groq-sdk):',
    '',
    "import Groq from 'groq-sdk';",
    `const groq = new Groq({ baseURL: '${app.gatewayUrl}', apiKey: '${demo.token}' });`,
    `const reply = await groq.chat.completions.create({ model: '${MODEL}', messages: [{ role: 'user', content: 'Hello' }] });`,
    'console.log(reply.choices[0].message.content);',
    '',
    'To use a real key, in another terminal (it asks for the key and does not echo it):',
    '',
    '  ./sallyport key add groq --provider groq',
    ...nextLines(),
  ];
}

function nextLines(): string[] {
  return [
    '  ./sallyport team add my-team',
    '  ./sallyport budget set --team my-team --period month --limit-usd 20',
    "  ./sallyport token issue --team my-team --env dev --scope 'call:groq/*' --expires 30d",
    '',
    'Press Ctrl-C to stop.',
  ];
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
