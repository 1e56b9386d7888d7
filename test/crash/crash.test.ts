/**
 * `kill -9` of the real process, at named points and at random under load. After the restart: no call that the provider saw is missing
 * from the journal, the chain verifies, open calls were charged before the ready line, what we charged covers the provider's bill, and no
 * budget is exceeded.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../src/config.ts';
import { startApp } from '../../src/app.ts';
import { sallyport } from '../support/cli.ts';
import { inspect, killAt, type Lab, load, openLab } from '../support/crash-lab.ts';
import { startProcess } from '../support/harness.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await openLab('0.02');
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

function prepare(): string {
  lab.fake.reset();
  lab.fake.setKnobs({ ttftMs: 5, tokensPerSecond: 2000 });
  return lab.freshData();
}

/** Restarts on what is left, and checks every promise about a crash. Returns the number of recovered calls. */
async function expectSound(data: string): Promise<number> {
  const process = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
  // Taken at the ready line: what is not charged by now never was before somebody could call again.
  const after = inspect(data, lab.fake);
  expect(after.openCalls).toEqual([]);
  expect(after.unrecorded).toEqual([]);
  expect(after.twice).toEqual([]);
  expect(after.chainIntact).toBe(true);
  expect(after.spentPicoUsd).toBeGreaterThanOrEqual(BigInt(lab.fake.bill().picoUsd));
  expect(after.spentPicoUsd).toBeLessThanOrEqual(lab.limitPicoUsd);
  process.kill('SIGTERM');
  expect(await process.exited).toBe(0);
  // The ledger of a further start, read from the database, says the same as the journal.
  const app = await startApp(
    readConfig({ data, port: '0', adminPort: '0' }, { SALLYPORT_LOG_LEVEL: 'error' }),
  );
  expect(app.recoveredCalls).toBe(0);
  expect(app.ledger.view('team-acme-month').spentPicoUsd).toBe(after.spentPicoUsd as never);
  expect(app.ledger.view('team-acme-month').heldPicoUsd).toBe(0n as never);
  await app.stop('checked');
  return after.recovered;
}

describe.each(['after-append', 'after-send', 'mid-stream', 'in-settle', 'in-commit'])(
  'killed %s',
  (point) => {
    test.each([1, 7, 20])('at pass %d, nothing is lost', async (nth) => {
      const data = prepare();
      await killAt(lab, data, point, point === 'in-commit' ? Math.ceil(nth / 7) : nth);
      const recovered = await expectSound(data);
      if (point !== 'in-commit') expect(recovered).toBeGreaterThan(0);
    });
  },
);

describe('killed in recovery', () => {
  test.each([1, 2, 3])('at recovered call %d, nothing is lost and nothing is charged twice', async (nth) => {
    const data = prepare();
    await killAt(lab, data, 'after-send', 20);
    await killAt(lab, data, 'in-recovery', nth);
    expect(await expectSound(data)).toBeGreaterThan(0);
  });
});

test('killed between journal and database, a revocation is in force after the restart', async () => {
  const data = prepare();
  const marker = join(data, '..', 'marker');
  const armed = { SALLYPORT_FAILPOINT: 'in-record-commit', SALLYPORT_FAILPOINT_MARKER: marker };
  const process = await startProcess(data, armed);
  const revoked = await sallyport(['token', 'revoke', lab.tokenId, '--data', data]);
  expect(revoked.exitCode).toBe(3);
  await process.exited;
  expect(readFileSync(marker, 'utf8')).toStartWith('in-record-commit ');
  const again = await startProcess(data);
  const reply = await fetch(`${again.gateway}/health`, { headers: { authorization: `Bearer ${lab.token}` } });
  expect(reply.status).toBe(401);
  again.kill('SIGTERM');
  await again.exited;
});

describe('killed at a random moment under load', () => {
  test.each(Array.from({ length: 10 }, (_, index) => index))('run %d', async () => {
    const data = prepare();
    const process = await startProcess(data, { SALLYPORT_LOG_LEVEL: 'error' });
    const loading = load(process, lab.token, 8000);
    for (let wait = 0; wait < 500 && lab.fake.calls().length === 0; wait += 1) await Bun.sleep(5);
    await Bun.sleep(Math.random() * 400);
    process.kill('SIGKILL');
    await Promise.all([process.exited, loading]);
    expect(lab.fake.calls().length).toBeGreaterThan(0);
    await expectSound(data);
  });
});
