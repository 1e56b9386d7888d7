/** How the gateway is run: bounded money, alerts that arrive, a whole journal, tokens with bounds, a root key that can come back. */
import { existsSync } from 'node:fs';
import { verifyJournal } from '../audit/verify.ts';
import { type Check, outcome, plural, type Point } from './check.ts';

const DAY_MS = 86_400_000;
/** A destination that took an alert since then counts as one that works. */
const PROVEN_FOR_DAYS = 30;
const DRILL_DAYS = 90;
const MOST_SHOWN = 10;

export const budgetsSet: Check = {
  id: 'budgets',
  about: 'gateway',
  title: 'Every team has a budget',
  why: 'Without one a loop spends until the provider stops it, hours later and for everybody.',
  run: async ({ gateway }) => {
    const { teamsWithoutBudget } = await gateway.ask('status.show');
    const { budgets } = await gateway.ask('budget.list');
    if (budgets.some(({ subject }) => subject === 'org'))
      return outcome('one for the organization bounds all');
    return outcome(
      plural(budgets.length, 'budget'),
      teamsWithoutBudget.map((team) => ({
        what: `The team ${team} has no budget.`,
        fix: `sallyport budget set --team ${team} --period month --limit-usd X`,
      })),
    );
  },
};

export const alertsReachable: Check = {
  id: 'alerts',
  about: 'gateway',
  title: 'Alerts reach somebody',
  why: 'A paused budget or a rejected key that nobody hears of is an outage.',
  run: async ({ gateway, nowMs, sendsAlerts }) => {
    const { destinations } = await gateway.ask('alert.list');
    if (destinations.length === 0) {
      const what = 'There is no destination for alerts.';
      return outcome('', [{ what, fix: 'sallyport alert add NAME --type slack (or webhook, or email)' }]);
    }
    const findings: Point[] = destinations
      .filter(({ undelivered }) => undelivered > 0)
      .map(({ name, undelivered }) => ({
        what: `${plural(undelivered, 'alert')} to ${name} could not be delivered.`,
        fix: `sallyport alert outbox --state dead, then: sallyport alert retry`,
      }));
    const unchecked: Point[] = [];
    const proven = sendsAlerts ? null : await provenDestinations(gateway, nowMs - PROVEN_FOR_DAYS * DAY_MS);
    for (const { name } of destinations) {
      if (proven?.has(name) === true) continue;
      if (proven) {
        const what = `${name} has taken nothing in ${PROVEN_FOR_DAYS} days.`;
        unchecked.push({ what, fix: `sallyport doctor --test-alerts, or: sallyport alert test ${name}` });
        continue;
      }
      const { delivered, error } = await gateway.testAlert(name);
      const fix = `Mend it, then: sallyport alert test ${name}`;
      if (!delivered) findings.push({ what: `${name} did not take a test: ${error ?? 'no reason'}.`, fix });
    }
    return outcome(plural(destinations.length, 'destination'), findings, unchecked);
  },
};

async function provenDestinations(
  gateway: Parameters<Check['run']>[0]['gateway'],
  sinceMs: number,
): Promise<Set<string>> {
  const tests = await gateway.askAudit('alert.tested');
  const delivered = await gateway.askDelivered();
  const proven = new Set<string>();
  for (const { timestamp, metadata } of tests) {
    const { destination, delivered: arrived } = metadata;
    if (arrived === true && typeof destination === 'string' && Date.parse(timestamp) >= sinceMs)
      proven.add(destination);
  }
  for (const { destination, settledAt } of delivered) {
    if (settledAt !== null && Date.parse(settledAt) >= sinceMs) proven.add(destination);
  }
  return proven;
}

export const auditVerified: Check = {
  id: 'audit',
  about: 'local',
  title: 'The journal is unbroken',
  why: 'A record that was changed proves nothing, and says that somebody was in there.',
  run: ({ journal }) => {
    if (journal === null || !existsSync(journal)) {
      const what = journal === null ? 'The journal is on another machine.' : `There is no ${journal}.`;
      const fix = 'Run the doctor where the data folder is, or name that with --data.';
      return Promise.resolve(outcome('', [], [{ what, fix }]));
    }
    const { ok, entries, problem, anchored } = verifyJournal(journal);
    const findings = ok
      ? []
      : [
          {
            what: problem ?? 'The journal is broken.',
            fix: 'Keep the data folder as it is, and compare it with a backup (docs/runbooks/backup.md).',
          },
        ];
    return Promise.resolve(
      outcome(`${plural(entries, 'entry', 'entries')}, ${anchored ? 'anchored' : 'not anchored'}`, findings),
    );
  },
};

export const guardPreset: Check = {
  id: 'guard-preset',
  about: 'gateway',
  title: 'Tokens that call are bounded by a preset or by bounds of their own',
  why: 'An unbounded token in the wrong hands may ask for anything that the team may: any length, any model, any role.',
  run: async ({ gateway }) => {
    const { tokens } = await gateway.ask('token.list');
    const calling = tokens.filter(({ state, scopes }) => state === 'active' && scopes.some(opensCalls));
    const open = calling.filter(({ bounds }) => bounds === null);
    const findings = open.slice(0, MOST_SHOWN).map(({ id, name, team, environment }) => ({
      what: `The token ${id}${name === null ? '' : ` (${name})`} of ${team ?? '?'} in ${environment} has no bounds.`,
      fix: `Issue one with a preset (sallyport preset list), then: sallyport token revoke ${id}`,
    }));
    const rest = open.length - findings.length;
    const more = rest > 0 ? [{ what: `There are ${rest} more.`, fix: 'sallyport token list' }] : [];
    return outcome(plural(calling.length, 'token'), [...findings, ...more]);
  },
};

function opensCalls(scope: string): boolean {
  return scope === '*' || scope.startsWith('call:') || scope.startsWith('write:');
}

export const recoveryKit: Check = {
  id: 'recovery-kit',
  about: 'gateway',
  title: 'The root key can be brought back, and somebody has tried',
  why: 'With the root key every provider key is lost.',
  run: async ({ gateway, nowMs }) => {
    const { recovery } = await gateway.ask('status.show');
    if (recovery === null) {
      const what = 'The gateway cannot say whether there is a kit.';
      return outcome('', [], [{ what, fix: 'sallyport status says more when its tables can be read.' }]);
    }
    const { kitAt, drillAt } = recovery;
    if (kitAt === null) {
      return outcome('', [{ what: 'There is no recovery kit.', fix: 'sallyport recovery kit' }]);
    }
    const days = drillAt === null ? null : Math.floor((nowMs - Date.parse(drillAt)) / DAY_MS);
    if (days !== null && days <= DRILL_DAYS) return outcome(`tried ${plural(days, 'day')} ago`);
    const what =
      days === null ? 'No recovery kit was ever tried.' : `The last recovery drill was ${days} days ago.`;
    return outcome('', [{ what, fix: 'sallyport recovery drill --kit FILE' }]);
  },
};
