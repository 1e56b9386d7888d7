/** `kill -9` of the gateway while a configuration file is applied: nothing is made twice, and running it again does the rest. */
import { expect, test } from 'bun:test';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJournal } from '../../src/audit/reader.ts';
import { sallyport } from '../support/cli.ts';
import { openGate, startProcess, tempFolder } from '../support/harness.ts';

const FILE = `version: 1
environments: [preview]
teams:
  chat: { monthlyBudgetUsd: 5 }
  search: {}
keys:
  chat-prod: { provider: groq, team: chat, state: disabled }
limits:
  team:chat: { rateLimitTPM: 1000 }
`;
const CHANGES = [
  'environment.add preview',
  'team.add chat',
  'team.add search',
  'key.declare chat-prod',
  'key.disable chat-prod',
  'limit.set team:chat',
  'budget.set team-chat-month',
];

test.each([1, 5])('killed in change %d, before the database has it', async (nth) => {
  const data = tempFolder();
  const gate = await openGate({ data });
  await gate.app.stop('prepared');
  try {
    writeFileSync(join(data, 'sallyport.yaml'), FILE);
    const apply = (): Promise<{ exitCode: number; stderr: string }> =>
      sallyport(['apply', '-f', join(data, 'sallyport.yaml'), '--yes', '--data', data]);
    const armed = { SALLYPORT_FAILPOINT: `in-record-commit:${nth}` };
    const first = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error', ...armed });
    const cut = await apply();
    await first.exited;
    expect([cut.exitCode, cut.stderr]).toEqual([
      3,
      expect.stringContaining('it is not known whether this was applied') as string,
    ]);
    const second = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
    try {
      const rest = await apply();
      expect([rest.exitCode, rest.stderr.includes('not applied')]).toEqual([0, false]);
      const left = await sallyport(['plan', '-f', join(data, 'sallyport.yaml'), '--check', '--data', data]);
      expect(left.exitCode).toBe(0);
    } finally {
      second.kill('SIGTERM');
      await second.exited;
    }
    const made = [...readJournal(join(data, 'journal'))].flatMap(({ entry }) =>
      'records' in entry && entry.action.startsWith('control.')
        ? entry.records.map(({ id }) => `${entry.action.slice('control.'.length)} ${id}`)
        : [],
    );
    expect(made.filter((change) => CHANGES.includes(change))).toEqual(CHANGES);
  } finally {
    await gate[Symbol.asyncDispose]();
    rmSync(data, { recursive: true, force: true });
  }
});
