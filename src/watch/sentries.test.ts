/** What is looked at by itself: refused credentials, the age of keys, the disk. */
import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import type { AuthBurst, AuthRefused, DiskEvent, KeyAged, KeyAgeStage } from '../audit/entry.ts';
import { silentLog } from '../core/log.ts';
import type { KeySlot, KeyVersion } from '../vault/provider-keys.ts';
import type { Vault } from '../vault/vault.ts';
import { AuthBursts } from './auth-bursts.ts';
import { DiskWatch } from './disk.ts';
import { keyAges, KeyAgeWatch, stageOf } from './key-ages.ts';

describe('refused credentials', () => {
  function rig(threshold: number) {
    const clock = new ManualClock();
    const recorded: AuthBurst[] = [];
    const bursts = new AuthBursts({ clock, threshold, record: (entry) => recorded.push(entry) });
    const refuse = (count: number, address = 'a_1'): void => {
      const entry: AuthRefused = {
        action: 'auth.refused',
        address,
        tokenId: null,
        count,
        errorCode: 'token.invalid',
      };
      bursts.see([entry]);
    };
    return { clock, recorded, bursts, refuse };
  }

  test('are a burst when a minute has as many as the threshold, from wherever they come', () => {
    const { clock, recorded, refuse } = rig(30);
    refuse(10, 'a_1');
    clock.pass(30_000);
    refuse(19, 'a_2');
    expect(recorded).toEqual([]);
    refuse(1, 'a_3');
    expect(recorded).toEqual([
      {
        action: 'auth.burst',
        principal: 'system',
        count: 30,
        windowSeconds: 60,
        addresses: 3,
        threshold: 30,
      },
    ]);
  });

  test('that are spread over a longer time are none', () => {
    const { clock, recorded, refuse } = rig(30);
    for (let second = 0; second < 600; second += 1) {
      clock.pass(3000);
      refuse(1);
    }
    expect(recorded).toEqual([]);
  });

  test('that go on are told every ten minutes, not every second', () => {
    const { clock, recorded, refuse } = rig(30);
    for (let second = 0; second < 1800; second += 1) {
      refuse(100);
      clock.pass(1000);
    }
    expect(recorded.map(({ count }) => count)).toEqual([100, 6000, 6000]);
  });

  test('are not looked at with a threshold of 0', () => {
    const { recorded, refuse } = rig(0);
    refuse(1_000_000);
    expect(recorded).toEqual([]);
  });
});

describe('the age of keys', () => {
  const DAY_MS = 86_400_000;
  const clock = new ManualClock();

  function vaultOf(
    keys: readonly { days: number; environment?: string; purpose?: string; state?: string }[],
  ) {
    const slots = keys.map(({ environment = null, purpose = null, state = 'active' }, index) => ({
      name: `key-${index}`,
      provider: 'groq',
      environment,
      purpose,
      state,
      activeVersion: 2,
    })) as KeySlot[];
    const versions = (name: string): KeyVersion[] => {
      const { days = 0 } = keys[Number(name.slice(4))] ?? {};
      const made = (version: number, atMs: number) => ({
        slot: name,
        version,
        createdAt: new Date(atMs).toISOString(),
      });
      return [made(1, 0), made(2, clock.wallMs() - days * DAY_MS)] as KeyVersion[];
    };
    return {
      list: () => slots,
      show: (name: string) => ({ slot: slots[Number(name.slice(4))]!, versions: versions(name) }),
    } as Pick<Vault, 'list' | 'show'>;
  }

  test('stages begin two weeks before, on the day and a month after; sooner for a short cadence', () => {
    const days = [0, 75, 76, 89, 90, 119, 120, 1000].map((age) => stageOf(age, 90));
    expect(days).toEqual([null, null, 'soon', 'soon', 'due', 'due', 'overdue', 'overdue']);
    expect([5, 6, 7, 10].map((age) => stageOf(age, 7))).toEqual([null, 'soon', 'due', 'overdue']);
    expect([0, 1, 2].map((age) => stageOf(age, 1))).toEqual([null, 'due', 'overdue']);
  });

  test('is that of the active version, beside the cadence of its environment; neither demo nor disabled keys count', () => {
    const vault = vaultOf([
      { days: 40, environment: 'prod' },
      { days: 40, environment: 'dev' },
      { days: 40 },
      { days: 400, purpose: 'demo' },
      { days: 400, state: 'disabled' },
    ]);
    const cadence = new Map([
      ['*', 90],
      ['prod', 30],
    ]);
    const ages = keyAges(vault, cadence, clock.wallMs());
    expect(
      ages.map(({ keyId, ageDays, cadenceDays, stage }) => [keyId, ageDays, cadenceDays, stage]),
    ).toEqual([
      ['key-0@2', 40, 30, 'overdue'],
      ['key-1@2', 40, 90, null],
      ['key-2@2', 40, 90, null],
    ]);
  });

  test('is told once for each version and stage, also over a restart, and a stage that was missed is not made up for', () => {
    const told = (days: number, onRecord: (readonly [string, KeyAgeStage])[]): KeyAged[] => {
      const recorded: KeyAged[] = [];
      const vault = vaultOf([{ days }]);
      const deps = {
        vault,
        cadence: new Map([['*', 90]]),
        clock,
        record: (entry: KeyAged) => recorded.push(entry),
      };
      const watch = new KeyAgeWatch(deps, onRecord);
      watch.check();
      watch.check();
      return recorded;
    };
    expect(told(10, [])).toEqual([]);
    expect(told(80, [])).toMatchObject([
      { action: 'key.age', keyId: 'key-0@2', stage: 'soon', ageDays: 80, cadenceDays: 90 },
    ]);
    expect(told(80, [['key-0@2', 'soon']])).toEqual([]);
    expect(told(95, [['key-0@2', 'soon']])).toMatchObject([{ stage: 'due' }]);
    expect(told(500, [['key-0@1', 'overdue']])).toMatchObject([{ stage: 'overdue' }]);
    expect(
      told(500, [
        ['key-0@2', 'overdue'],
        ['key-0@2', 'soon'],
      ]),
    ).toEqual([]);
  });
});

describe('the disk', () => {
  const GIB = 1024 ** 3;

  async function told(
    frees: readonly number[],
    options: { totalBytes?: number; thresholdBytes?: number; low?: boolean } = {},
  ) {
    const recorded: DiskEvent[] = [];
    const { totalBytes = 100 * GIB, thresholdBytes = null, low = false } = options;
    let freeBytes = 0;
    const read = () => Promise.resolve({ freeBytes, totalBytes });
    const record = (entry: DiskEvent) => recorded.push(entry);
    const disk = new DiskWatch({ folder: '/', thresholdBytes, record, log: silentLog, read }, low);
    for (freeBytes of frees) await disk.check();
    return { said: recorded.map((entry) => `${entry.action} ${entry.freeBytes / GIB}`), low: disk.low };
  }

  test('is low below 1 GiB, or a tenth of a small one, and recovered only well above; each is said once', async () => {
    expect(await told([2 * GIB, GIB, 0.9 * GIB, 0.8 * GIB, 1.1 * GIB, 1.3 * GIB, 2 * GIB])).toEqual({
      said: ['disk.low 0.9', 'disk.recovered 1.3'],
      low: false,
    });
    expect(await told([0.2 * GIB, 0.05 * GIB], { totalBytes: GIB })).toEqual({
      said: ['disk.low 0.05'],
      low: true,
    });
    expect((await told([5 * GIB], { thresholdBytes: 10 * GIB })).low).toBe(true);
  });

  test('that was low before a restart is not said to be low again', async () => {
    expect(await told([0.5 * GIB, 2 * GIB], { low: true })).toEqual({
      said: ['disk.recovered 2'],
      low: false,
    });
  });

  test('is really asked, and one that cannot be is logged once and nothing more', async () => {
    const recorded: DiskEvent[] = [];
    const warnings: string[] = [];
    const log = { ...silentLog, warn: (message: string) => void warnings.push(message) };
    const record = (entry: DiskEvent) => recorded.push(entry);
    await new DiskWatch({ folder: import.meta.dir, thresholdBytes: 2 ** 60, record, log }, false).check();
    expect(recorded.map(({ action }) => action)).toEqual(['disk.low']);
    expect(recorded[0]!.totalBytes).toBeGreaterThan(recorded[0]!.freeBytes);
    expect(recorded[0]!.freeBytes).toBeGreaterThan(0);
    const gone = new DiskWatch({ folder: '/nonexistent', thresholdBytes: 1, record, log }, false);
    await gone.check();
    await gone.check();
    expect([recorded.length, warnings.length]).toEqual([1, 1]);
  });
});
