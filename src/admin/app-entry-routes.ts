/**
 * An application's own entries in the audit chain. Who writes is said by the token, and when by our clock; all else is what the
 * application states, with credentials taken out of it. Answered when the entry survives a power cut.
 */
import type { AppEntry } from '../audit/entry.ts';
import { SallyportError } from '../core/errors.ts';
import { redactCredentials } from '../detect/redact.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { AppEntryShape } from './app-entry-shapes.ts';
import type { Principal } from './principal.ts';

type Deps = Pick<AdminDeps, 'appEntries' | 'clock' | 'indexer' | 'journal' | 'pseudonyms' | 'watch'>;

export function appEntryRoutes(deps: Deps): Handlers<'audit.write'> {
  const { appEntries, clock, indexer, journal, pseudonyms } = deps;
  return {
    'audit.write': async ({ body }, principal) => {
      if (deps.watch.diskIsLow) throw lowDisk();
      indexer.checkCapacity();
      const clean = redacted(body);
      appEntries.admit(principal.id, Buffer.byteLength(JSON.stringify(clean)));
      const userId = clean.userId === undefined ? null : pseudonyms.commit('user', clean.userId);
      const position = journal.append(entryOf(clean, userId, principal));
      await journal.durable(position);
      const { stream, seq, hash } = position;
      return {
        id: `${stream}#${seq}`,
        receipt: `${stream}/${seq}/${hash.toString('base64url')}`,
        recordedAt: new Date(clock.wallMs()).toISOString(),
      };
    },
  };
}

function lowDisk(): SallyportError {
  return new SallyportError(
    'audit.unavailable',
    'The disk runs full: what room there is is kept for calls and the control plane.',
    {
      fix: 'Free space on the disk of the data folder; see SALLYPORT_ALERT_DISK_FREE_MB.',
      retryable: true,
      retryAfterSeconds: 60,
    },
  );
}

function redacted(body: AppEntryShape): AppEntryShape {
  const clean = (value: unknown): unknown => (typeof value === 'string' ? redactCredentials(value) : value);
  const fields = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, clean(value)]));
  const metadata = Object.entries(body.metadata ?? {}).map(([name, value]) => [
    redactCredentials(name),
    clean(value),
  ]);
  return { ...fields, metadata: Object.fromEntries(metadata) } as AppEntryShape;
}

function entryOf(body: AppEntryShape, userId: string | null, principal: Principal): AppEntry {
  return {
    action: 'app.entry',
    event: body.event,
    principal: principal.id,
    userId,
    team: body.team ?? null,
    project: body.project ?? null,
    environment: body.environment ?? null,
    resource: body.resource ?? null,
    provider: body.provider ?? null,
    model: body.model ?? null,
    promptTokens: body.promptTokens ?? 0,
    completionTokens: body.completionTokens ?? 0,
    costPicoUsd: body.costPicoUsd ?? '0',
    latencyMs: body.latencyMs ?? null,
    result: body.result ?? null,
    errorCode: body.errorCode ?? null,
    metadata: body.metadata ?? {},
  };
}
