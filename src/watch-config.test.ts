import { expect, test } from 'bun:test';
import { refusalOf } from '../test/support/refusal.ts';
import { readWatching, type WATCH_VARIABLES } from './watch-config.ts';

test('without a word everything has a safe default', () => {
  expect(readWatching(undefined, {})).toEqual({
    auditStdout: false,
    auditWritesPerMinute: 60,
    authFailures: 30,
    keyAgeDays: new Map(Object.entries({ prod: 90, staging: 180, dev: 365, test: 365, '*': 90 })),
    diskFreeBytes: null,
  });
});

test('every variable that is listed is read', () => {
  const variables: Record<keyof typeof WATCH_VARIABLES, string> = {
    SALLYPORT_AUDIT_STDOUT: '1',
    SALLYPORT_AUDIT_WRITES_PER_MINUTE: '7',
    SALLYPORT_ALERT_AUTH_FAILURES: '0',
    SALLYPORT_ALERT_KEY_AGE_DAYS: 'prod=30, dev = 365,*=60',
    SALLYPORT_ALERT_DISK_FREE_MB: '2',
  };
  expect(readWatching(undefined, variables)).toEqual({
    auditStdout: true,
    auditWritesPerMinute: 7,
    authFailures: 0,
    keyAgeDays: new Map([
      ['*', 60],
      ['prod', 30],
      ['dev', 365],
    ]),
    diskFreeBytes: 2 * 1024 * 1024,
  });
  expect(readWatching(true, {}).auditStdout).toBe(true);
  expect(readWatching(true, { SALLYPORT_AUDIT_STDOUT: '0' }).auditStdout).toBe(true);
});

test.each([
  { SALLYPORT_AUDIT_STDOUT: 'yes' },
  { SALLYPORT_AUDIT_WRITES_PER_MINUTE: '0' },
  { SALLYPORT_AUDIT_WRITES_PER_MINUTE: '1e3' },
  { SALLYPORT_ALERT_AUTH_FAILURES: '-1' },
  { SALLYPORT_ALERT_DISK_FREE_MB: '0' },
  { SALLYPORT_ALERT_KEY_AGE_DAYS: 'prod' },
  { SALLYPORT_ALERT_KEY_AGE_DAYS: 'prod=0' },
  { SALLYPORT_ALERT_KEY_AGE_DAYS: 'prod=30,prod=60' },
  { SALLYPORT_ALERT_KEY_AGE_DAYS: 'prod=30,' },
  { SALLYPORT_ALERT_KEY_AGE_DAYS: '*=30d' },
])('a value that does not fit refuses to start: %o', (variables) => {
  expect(refusalOf(() => readWatching(undefined, variables as Record<string, string>))).toMatchObject({
    code: 'config.invalid',
    fix: expect.any(String),
  });
});

test('a cadence is the default of its environment, what is said of it, or what is said of all', () => {
  const days = (text: string): unknown =>
    Object.fromEntries(readWatching(undefined, { SALLYPORT_ALERT_KEY_AGE_DAYS: text }).keyAgeDays);
  expect(days('prod=30')).toEqual({ prod: 30, staging: 180, dev: 365, test: 365, '*': 90 });
  expect(days('*=30')).toEqual({ '*': 30 });
  expect(days('qa=10,*=30')).toEqual({ qa: 10, '*': 30 });
});
