/** What `sallyport up` prints when it is ready. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from '../app.ts';
import { VERSION } from '../version.ts';
import type { Demo } from './demo.ts';
import type { Io } from './io.ts';

const MODEL = 'openai/gpt-oss-20b';
const TOKEN_FILE = 'demo-token';

/** The token in a shell command and in JavaScript. */
interface Shown {
  readonly shell: string;
  readonly script: string;
  readonly file: string | null;
}

/**
 * Prints the ready line, or the page for people. The demo's token is printed for a reader at a terminal and on the JSON line, which asks
 * for it; where output goes to a file or a collector it is put into a file of the data folder.
 */
export function announce(app: App, data: string, demo: Demo | undefined, io: Io, json: boolean): void {
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
  lines.push('', ...(demo ? demoLines(app, demo, shownToken(demo, data, io)) : nextLines()));
  io.out(`${lines.join('\n')}\n`);
}

/** What stands for the token in the text: itself, or what reads it from its file. */
function shownToken(demo: Demo, data: string, io: Io): Shown {
  if (io.stdoutIsTerminal) return { shell: demo.token, script: `'${demo.token}'`, file: null };
  const file = join(data, TOKEN_FILE);
  // A file of an earlier demo may belong to anybody who could once write here; a new one is ours.
  rmSync(file, { force: true });
  writeFileSync(file, `${demo.token}\n`, { mode: 0o600, flag: 'wx' });
  return {
    shell: `$(cat '${file.replaceAll("'", "'\\''")}')`,
    script: `(await import('node:fs')).readFileSync(${JSON.stringify(file)}, 'utf8').trim()`,
    file,
  };
}

function demoLines(app: App, demo: Demo, token: Shown): string[] {
  return [
    'There is no provider key yet, so this is a demo: a built-in fake provider answers, and no money is spent.',
    `The demo token works until ${demo.expiresAt} and for 1 pretended dollar. Paste this into another terminal:`,
    ...(token.file === null
      ? []
      : [`(The token is in ${token.file}: this output is no terminal, and may be kept.)`]),
    '',
    `curl ${app.gatewayUrl}/openai/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${token.shell}" -H "Content-Type: application/json" \\`,
    `  -d '{"model":"${MODEL}","messages":[{"role":"user","content":"Hello"}]}'`,
    '',
    'Or from JavaScript (npm install groq-sdk):',
    '',
    "import Groq from 'groq-sdk';",
    `const groq = new Groq({ baseURL: '${app.gatewayUrl}', apiKey: ${token.script} });`,
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
