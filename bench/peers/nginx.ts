/** nginx as a plain reverse proxy with kept-alive upstream connections, in one process that may not buffer streams. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answers, freePort, start, stop } from '../process.ts';
import { Absent, CHAT_PATH, CLIENT_HEADERS, type Peer } from './peer.ts';

export async function startNginx(upstream: string, key: string): Promise<Peer> {
  const program = Bun.which('nginx', { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` });
  if (!program) throw new Absent('nginx is not on PATH (for example: apt-get install nginx-light)');
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-nginx-'));
  const port = freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, new URL(upstream).host));
  const child = start([program, '-p', folder, '-c', join(folder, 'nginx.conf')]);
  const dispose = async (): Promise<void> => {
    await stop(child);
    rmSync(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await answers(`${url}/healthz`, child);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    name: 'nginx',
    pid: child.pid,
    target: { url: url + CHAT_PATH, headers: { ...CLIENT_HEADERS, authorization: `Bearer ${key}` } },
    pingUrl: `${url}/healthz`,
    weight: 1.5,
    [Symbol.asyncDispose]: dispose,
  };
}

function configuration(folder: string, port: number, upstream: string): string {
  return `
daemon off;
master_process off;
worker_processes 1;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_max_body_size 11m;
  client_body_buffer_size 512k;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream provider { server ${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location = /healthz { return 200; }
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}
