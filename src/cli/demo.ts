/**
 * The demo: a built-in fake provider, a team of its own and a token for one hour and one dollar of pretended money, so that the first
 * pasted line is answered without an account anywhere. Nothing of it can reach a real provider key: its slot serves its team only.
 */
import type { App } from '../app.ts';
import { SallyportError } from '../core/errors.ts';
import { randomBase62 } from '../core/ids.ts';
import { parseUsd } from '../core/money.ts';
import { Secret } from '../core/secret.ts';
import { type FakeUpstream, startFake } from '../fake/fake.ts';
import { DEMO_PURPOSE, type KeySlot } from '../vault/provider-keys.ts';

const TEAM = 'demo';
const ENVIRONMENT = 'dev';
const PRINCIPAL = 'demo';
const LIFETIME_MS = 3_600_000;

export interface Demo {
  readonly token: string;
  readonly expiresAt: string;
  stop(): Promise<void>;
}

/** True while no provider key but a demo's own is in the vault. */
export function needsDemo(app: App): boolean {
  return app.vault.list().every((slot) => slot.purpose === DEMO_PURPOSE);
}

export async function startDemo(app: App): Promise<Demo> {
  if (!app.teams.has(TEAM)) await app.teams.add(PRINCIPAL, TEAM);
  const fake = await connectFake(app);
  const issuer = { principal: PRINCIPAL, scopes: ['call:groq/*'] };
  const { token, text } = await app.tokens.issue(issuer, {
    name: 'demo',
    team: TEAM,
    environment: ENVIRONMENT,
    scopes: ['call:groq/*'],
    lifetimeMs: LIFETIME_MS,
  });
  await app.ledger.setBudget(PRINCIPAL, {
    subject: `token:${token.id}`,
    period: 'total',
    limitPicoUsd: parseUsd('1'),
  });
  return { token: text, expiresAt: new Date(token.expiresAtMs).toISOString(), stop: () => fake.stop() };
}

/** Starts the fake where the demo's key is sealed for; if that port is taken by now, elsewhere with a new key. */
async function connectFake(app: App): Promise<FakeUpstream> {
  const slots = app.vault.list().filter((slot) => slot.purpose === DEMO_PURPOSE && slot.team === TEAM);
  const current = slots.find((slot) => slot.state === 'active');
  const fake = (current && tryPort(portOf(current))) ?? startFake({ demo: true });
  if (current?.origin === fake.url) return fake;
  if (current) await app.vault.setState(PRINCIPAL, current.name, 'disabled');
  using key = Secret.fromText(['g', 'sk_', randomBase62(52)].join(''));
  await app.vault.addKey(
    PRINCIPAL,
    {
      name: slots.length === 0 ? 'demo-groq' : `demo-groq-${slots.length + 1}`,
      provider: 'groq',
      origin: fake.url,
      allowPrivateOrigin: true,
      team: TEAM,
      purpose: DEMO_PURPOSE,
    },
    key,
  );
  return fake;
}

function tryPort(port: number): FakeUpstream | undefined {
  try {
    return startFake({ demo: true, port });
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    return undefined;
  }
}

function portOf(slot: KeySlot): number {
  return Number(new URL(slot.origin).port);
}
