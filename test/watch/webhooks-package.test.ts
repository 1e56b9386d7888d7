/** The helpers as somebody else's code has them: by the package's name, in Node without Bun, and with types. */
import { expect, test } from 'bun:test';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder } from '../support/harness.ts';

const ROOT = join(import.meta.dir, '..', '..');

/** A project of somebody else, with this package in its node_modules. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = tempFolder();
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'sallyport'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function run(cwd: string, ...command: string[]): { readonly code: number; readonly out: string } {
  const done = Bun.spawnSync(command, { cwd, env: { PATH: process.env['PATH'] ?? '' }, stderr: 'pipe' });
  return { code: done.exitCode, out: `${done.stdout.toString()}${done.stderr.toString()}` };
}

test('Node imports sallyport/webhooks, and both schemes verify there', () => {
  const folder = project({
    'receiver.mjs': `
      import { createHmac } from 'node:crypto';
      import { newWebhookSecret, signStandardWebhook, verifyStandardWebhook, verifyWebhookSignature } from 'sallyport/webhooks';
      const body = '{"a":1}';
      const hex = createHmac('sha256', 'key').update(body).digest('hex');
      const secret = newWebhookSecret();
      const at = Math.floor(Date.now() / 1000);
      const headers = { 'webhook-id': 'm1', 'webhook-timestamp': String(at), 'webhook-signature': signStandardWebhook('m1', at, body, secret) };
      let refused = false;
      try { verifyWebhookSignature(body, hex, ''); } catch { refused = true; }
      console.log(JSON.stringify([
        typeof Bun,
        verifyWebhookSignature(body, hex, 'key'),
        verifyWebhookSignature(body, hex.slice(1), 'key'),
        refused,
        verifyStandardWebhook(body, headers, secret),
        verifyStandardWebhook(body, new Headers(headers), [newWebhookSecret(), secret]),
        verifyStandardWebhook(body + ' ', headers, secret),
        verifyStandardWebhook(body, headers, secret, { nowSeconds: at + 301 }),
      ]));
    `,
  });
  const { code, out } = run(folder, 'node', 'receiver.mjs');
  rmSync(folder, { recursive: true });
  expect([code, out]).toEqual([0, '["undefined",true,false,true,true,true,false,false]\n']);
});

test('nothing else of the package can be imported by name', () => {
  const folder = project({ 'inner.mjs': "import 'sallyport/src/main.ts';" });
  const { code, out } = run(folder, 'node', 'inner.mjs');
  rmSync(folder, { recursive: true });
  expect(code).not.toBe(0);
  expect(out).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

test('TypeScript finds the types, and refuses a secret that was forgotten', () => {
  const options = {
    module: 'node16',
    strict: true,
    noEmit: true,
    types: [],
    target: 'es2022',
    lib: ['es2022', 'dom'],
  };
  const folder = project({
    'package.json': '{"type":"module"}',
    'tsconfig.json': JSON.stringify({ compilerOptions: options, files: ['good.ts', 'bad.ts'] }),
    'good.ts': `import { verifyStandardWebhook, verifyWebhookSignature } from 'sallyport/webhooks';
      export const a: boolean = verifyWebhookSignature(new Uint8Array(1), null, 'k');
      export const b: boolean = verifyStandardWebhook('x', new Headers(), ['k'], { toleranceSeconds: 60 });`,
    'bad.ts': `import { verifyWebhookSignature } from 'sallyport/webhooks';
      export const a = verifyWebhookSignature('x', 'y');`,
  });
  const { out } = run(folder, join(ROOT, 'node_modules', '.bin', 'tsc'), '--pretty', 'false');
  rmSync(folder, { recursive: true });
  expect(out.trim().split('\n')).toEqual([expect.stringMatching(/^bad\.ts\(2,\d+\): error TS2554/)]);
});
