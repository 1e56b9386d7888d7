/** Prices of the operator's own: in force for calls, explained, on record, and refused at start when they are wrong. */
import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { sallyport } from '../support/cli.ts';
import { MODEL, openGate } from '../support/harness.ts';
import { rejectionOf } from '../support/refusal.ts';

const ROW = {
  provider: 'groq',
  model: MODEL,
  input: '1000000',
  cachedInput: null,
  cacheWrite: null,
  cacheWrite1h: null,
  output: '2000000',
  contextTokens: 131_072,
  maxOutputTokens: 65_536,
  longContext: null,
  datedSnapshots: false,
  effectiveFrom: '2020-01-01',
  source: 'our contract',
  asOf: '2026-11-01',
};

test('a call costs what the own row says, and prices show names the row and its file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-prices-'));
  const path = join(folder, 'own.json');
  writeFileSync(path, JSON.stringify([ROW]), { mode: 0o600 });
  await using gate = await openGate({ variables: { SALLYPORT_PRICES: path }, budgetUsd: '1' });
  const reply = await gate.chat();
  const { usage } = (await reply.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
  const cost = BigInt(usage.prompt_tokens) * 1_000_000n + BigInt(usage.completion_tokens) * 2_000_000n;
  expect(gate.app.ledger.view('team-acme-month').spentPicoUsd as bigint).toBe(cost);
  expect(gate.events('prices.loaded')).toMatchObject([{ file: path, rows: 1 }]);
  const shown = await sallyport(['prices', 'show', MODEL, '--data', gate.data, '--json']);
  expect(JSON.parse(shown.stdout)).toMatchObject([
    { applies: true, file: path, inputPicoUsd: '1000000', source: 'our contract' },
    { applies: false, file: null },
  ]);
  expect((await sallyport(['prices', 'show', MODEL, '--data', gate.data])).stdout).toContain(`applies  groq`);
  expect((await sallyport(['prices', 'show', 'no-such-model', '--data', gate.data])).exitCode).toBe(2);
  rmSync(folder, { recursive: true, force: true });
});

test('a file that would make a model free refuses to start, before anything is opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-prices-'));
  const path = join(folder, 'own.json');
  writeFileSync(path, JSON.stringify([{ ...ROW, output: '0' }]), { mode: 0o600 });
  const config = readConfig(
    { data: join(folder, 'data'), port: '0', adminPort: '0' },
    { SALLYPORT_PRICES: path },
  );
  expect((await rejectionOf(startApp(config))).message).toContain('no model is free');
  expect(existsSync(join(folder, 'data'))).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});
