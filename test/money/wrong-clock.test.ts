/** A process that starts with a wrong clock: what a budget has spent stays spent. */
import { afterEach, expect, setSystemTime, test } from 'bun:test';
import { sallyport } from '../support/cli.ts';
import { openGate } from '../support/harness.ts';

const DAY_MS = 86_400_000;

afterEach(() => {
  setSystemTime();
});

test('a start years ahead opens no new period, says so, and goes on when the clock is right again', async () => {
  await using gate = await openGate({ budgetUsd: '1', variables: { SALLYPORT_LOG_LEVEL: 'error' } });
  expect((await gate.chat()).status).toBe(200);
  const before = gate.app.ledger.view('team-acme-month');
  expect(before.spentPicoUsd).toBeGreaterThan(0n);
  await gate.app.stop('test');
  setSystemTime(Date.now() + 500 * DAY_MS);
  let app = await gate.restart();
  expect(app.ledger.view('team-acme-month')).toEqual(before);
  expect(gate.events('clock.jumped')).toMatchObject([{ principal: 'system' }]);
  const shown = await sallyport(['status', '--data', gate.data]);
  expect(shown.stderr).toContain('budget periods stand still');
  setSystemTime();
  app.ledger.sweep();
  expect(gate.events('clock.resumed')).toMatchObject([{ principal: 'system' }]);
  expect(app.ledger.view('team-acme-month')).toEqual(before);

  // A start that is only a day later is believed; so is one after an operator has confirmed the years.
  await app.stop('test');
  setSystemTime(Date.now() + DAY_MS);
  app = await gate.restart();
  expect(gate.events('clock.jumped')).toHaveLength(1);
  await app.stop('test');
  setSystemTime(Date.now() + 500 * DAY_MS);
  app = await gate.restart();
  expect((await sallyport(['budget', 'clock-ok', '--data', gate.data])).exitCode).toBe(0);
  const now = new Date().toISOString().slice(0, 7);
  expect(app.ledger.view('team-acme-month')).toMatchObject({ period: now, spentPicoUsd: 0n });
});
