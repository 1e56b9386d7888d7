import { describe, expect, test } from 'bun:test';
import { RULES } from '../detect/rules.ts';
import { sample } from '../detect/samples.ts';
import { type Finding, findingOf } from './finding.ts';
import type { KeyOwner } from './owner.ts';
import { type SourceKind, stepsFor } from './remedy.ts';

const rule = RULES.find(({ id }) => id === 'groq-api-key')!;
const FOUND = { rule, sure: true, encodings: [], value: `gsk_${sample('alnum', 52)}`, start: 0, end: 56 };
const finding = (more: Partial<Finding> = {}): Finding => ({
  ...findingOf(FOUND, { path: 'a.ts', line: 1, column: 1 }),
  ...more,
});
const OWNER: KeyOwner = {
  kind: 'key',
  name: 'chat',
  provider: 'groq',
  team: null,
  environment: null,
  purpose: null,
  version: 2,
  label: 'chat-2026-11',
  state: 'active',
  slotState: 'active',
  createdAt: '2026-11-01T00:00:00.000Z',
  retiredAt: null,
  lastUse: null,
  exposed: null,
  marked: false,
};

const textOf = (kind: SourceKind, findings: readonly Finding[]): string =>
  stepsFor(kind, findings)
    .flatMap(({ name, lines }) => lines.map((line) => `${name}: ${line}`))
    .join('\n');

describe('the steps', () => {
  test('rewrite the history only where the value is in it', () => {
    for (const kind of ['staged', 'paths', 'stdin', 'bundle', 'images'] as const)
      expect(textOf(kind, [finding()])).not.toContain('filter-repo');
    for (const kind of ['history', 'range'] as const)
      expect(textOf(kind, [finding({ commit: 'a'.repeat(40) })])).toMatch(/filter-repo[^]*clone again/);
    expect(textOf('paths', [finding(), finding({ commit: 'a'.repeat(40) })])).toContain('filter-repo');
    expect(textOf('staged', [finding()])).toContain('Nothing was committed');
  });

  test('name our own key: what it is called at the provider, and the commands that replace and stop it', () => {
    const text = textOf('paths', [finding({ owners: [OWNER] }), finding({ owners: [OWNER] })]);
    expect(text).toContain('Revoke: Groq API key: https://console.groq.com/keys');
    expect(text.match(/is called chat-2026-11 there/g)).toHaveLength(1);
    expect(text).toContain('so do step 2 first');
    expect(text.match(/sallyport key add chat --replace/g)).toHaveLength(1);
    expect(text).toContain('sallyport key disable chat');
    const retired = textOf('paths', [finding({ owners: [{ ...OWNER, state: 'retired' }] })]);
    expect(retired).not.toContain('do step 2 first');
    expect(retired).not.toContain('key add chat --replace');
  });

  test('of an access token of ours name the command for it alone', () => {
    const details = {
      name: null,
      type: 'service',
      team: 'chat',
      environment: 'dev',
      state: 'active',
      createdAt: '2026-11-01T00:00:00.000Z',
      expiresAt: '2026-12-01T00:00:00.000Z',
      revokedAt: null,
      revokedReason: null,
      lastUsedAt: null,
    } as const;
    const token = { kind: 'token', id: 'Ab3dEf6hIj9k', proof: 'right', details, revoked: false } as const;
    expect(textOf('paths', [finding({ owners: [token] })])).toContain(
      'Revoke: sallyport token revoke Ab3dEf6hIj9k',
    );
    const ended = { ...token, details: { ...details, state: 'revoked' as const } };
    const text = textOf('paths', [finding({ owners: [ended] })]);
    expect(text).not.toContain('token revoke');
    expect(text).toContain('the token Ab3dEf6hIj9k is revoked');
  });

  test('say what the provider says is dead', () => {
    const verified = { state: 'dead', reason: 'x' } as const;
    expect(textOf('paths', [finding({ verified })])).toContain('(the provider says that it is dead)');
  });
});
