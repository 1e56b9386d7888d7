/**
 * The Portkey gateway, open source edition, installed from npm into a folder of its own for the length of one run. It is no dependency:
 * nothing of it enters package.json, and no install script of it runs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, type Child, freePort, start, stop } from '../process.ts';
import { Absent, CLIENT_HEADERS, type Peer } from './peer.ts';

const VERSION = '1.15.2';
const INSTALL_MS = 180_000;
/** The lowest version that Portkey takes. Newer ones make every stream fail with "TypeError: immutable" on Node 20. */
const OVERRIDES = { '@hono/node-server': '1.3.3' };

/** It would listen on every interface. */
const LOOPBACK_ONLY = `
const { Server } = require('node:net');
const { listen } = Server.prototype;
Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number') return listen.call(this, port, ...rest);
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter((one) => typeof one === 'function'));
};
`;

export async function startPortkey(upstream: string, key: string): Promise<Peer> {
  const node = Bun.which('node');
  if (!node || !Bun.which('npm')) throw new Absent('Portkey needs node and npm on PATH');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-portkey-'));
  let child: Child | undefined;
  const dispose = async (): Promise<void> => {
    if (child) await stop(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await install(folder);
    const port = freePort();
    const entry = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
    child = start([node, '-r', join(folder, 'loopback.cjs'), entry, `--port=${port}`, '--headless'], {
      cwd: folder,
    });
    void drain(child);
    const url = `http://127.0.0.1:${port}`;
    await answers(url, child);
    return {
      name: `portkey ${VERSION}`,
      pid: child.pid,
      target: {
        url: `${url}/v1/chat/completions`,
        headers: {
          ...CLIENT_HEADERS,
          authorization: `Bearer ${key}`,
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `${upstream}/v1`,
        },
      },
      pingUrl: url,
      weight: 0.1,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function install(folder: string): Promise<void> {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, overrides: OVERRIDES }));
  writeFileSync(join(folder, 'loopback.cjs'), LOOPBACK_ONLY);
  const command = ['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = start([...command, `@portkey-ai/gateway@${VERSION}`], {
    cwd: folder,
    env: { HOME: process.env['HOME'] ?? folder, npm_config_update_notifier: 'false' },
  });
  const timer = setTimeout(() => npm.kill('SIGKILL'), INSTALL_MS);
  const [errors, exitCode] = await Promise.all([new Response(npm.stderr).text(), npm.exited]);
  clearTimeout(timer);
  if (exitCode !== 0)
    throw new Absent(`npm could not install Portkey ${VERSION}: ${errors.trim().slice(-200)}`);
}

/** It draws a spinner: a full pipe would stop it. */
async function drain(child: Child): Promise<void> {
  await Promise.all([new Response(child.stdout).arrayBuffer(), new Response(child.stderr).arrayBuffer()]);
}
