/** A gateway in a process of its own, as it is run, whose provider and data folder the test holds. */
import { readFileSync, rmSync } from 'node:fs';
import { type GateOptions, openGate, type OpenGate, type RunningProcess, startProcess } from './harness.ts';
import { postChat, type Sending } from './setup.ts';

export interface OwnProcess extends AsyncDisposable {
  /** Its own gateway is stopped; `end` opens it again. */
  readonly gate: OpenGate;
  readonly child: RunningProcess;
  /** As `postChat`, to the process. */
  post(body: object | string, sending?: Sending): Promise<Response>;
  /** Bytes that the process has in memory now. */
  rss(): number;
  /** Stops the process in order, and opens the gate on what it left. */
  end(): Promise<OpenGate>;
}

export async function openOwnProcess(
  options: GateOptions & { readonly prepare?: (gate: OpenGate) => Promise<void> } = {},
): Promise<OwnProcess> {
  const gate = await openGate(options);
  await options.prepare?.(gate);
  await gate.app.stop('prepared');
  const child = await startProcess(gate.data, { SALLYPORT_LOG_LEVEL: 'error', ...options.variables });
  return {
    gate,
    child,
    post: (body, sending) => postChat({ ...gate, url: child.gateway }, body, sending),
    rss: () => rssOf(child.pid),
    end: async () => {
      child.kill('SIGTERM');
      await child.exited;
      await gate.restart();
      return gate;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await child.exited;
      await gate.app.stop('test');
      await gate.fake.stop();
      rmSync(gate.data, { recursive: true, force: true });
    },
  };
}

export function rssOf(pid: number): number {
  if (process.platform === 'linux') {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return 1024 * Number(kilobytes);
  }
  const { stdout } = Bun.spawnSync(['ps', '-o', 'rss=', '-p', String(pid)]);
  return 1024 * Number(stdout.toString());
}
