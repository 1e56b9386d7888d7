/** `status` and `version`. */
import type { RouteReply } from '../admin/contract.ts';
import { VERSION } from '../version.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT } from './command.ts';
import type { Io } from './io.ts';
import { dollars, orDash, printFields, printJson, warn } from './output.ts';

export const status = defineCommand({
  name: 'status',
  summary: 'Show how the running gateway is doing.',
  options: SERVER_OPTIONS,
  examples: ['sallyport status'],
  run: async ({ values, io }) => {
    const reply = await AdminClient.open(values, io).call('status.show');
    if (values.json) printJson(io, reply);
    else printFields(io, fields(reply));
    if (reply.rootKey.origin === 'env') {
      warn(
        io,
        'the root key came from the environment, which other programs can see; a file is safer: SALLYPORT_ROOT_KEY_FILE',
      );
    }
    if (reply.recovery) nag(reply.recovery, io);
    for (const { name, exposedAt } of reply.keys) {
      if (exposedAt !== null)
        warn(
          io,
          `the value of ${name} is known outside since ${exposedAt}; make a new one at the provider, then: sallyport key add ${name} --replace`,
        );
    }
    for (const budget of reply.budgetsNearLimit) {
      const used = `${dollars(budget.spentPicoUsd)} spent and ${dollars(budget.heldPicoUsd)} held of ${dollars(budget.limitPicoUsd)}`;
      warn(io, `budget ${budget.id} is ${budget.state}: ${used}`);
    }
    const { stoppedAt } = reply.budgetClock;
    if (stoppedAt !== null) {
      warn(
        io,
        `the wall clock was set; budget periods stand still at ${stoppedAt}: sallyport budget clock-ok`,
      );
    }
    const { alerts } = reply;
    if (alerts?.destinations === 0) warn(io, 'nobody is told when something happens: sallyport alert add');
    if (alerts && alerts.undelivered > 0)
      warn(io, `${alerts.undelivered} alerts could not be delivered: sallyport alert outbox --state dead`);
    const dropped = reply.auditStream?.dropped ?? 0;
    if (dropped > 0)
      warn(
        io,
        `${dropped} entries were left out on standard output: its reader is too slow; the journal has them`,
      );
    for (const team of reply.teamsWithoutBudget) warn(io, `team ${team} has no budget`);
    if (reply.keys.every(({ state }) => state === 'empty'))
      warn(io, 'there is no provider key, so no call can be sent');
    return EXIT.ok;
  },
});

export const version = defineCommand({
  name: 'version',
  summary: 'Print the version.',
  options: { json: SERVER_OPTIONS.json },
  examples: ['sallyport version'],
  run: ({ values, io }) => {
    if (values.json) printJson(io, { version: VERSION });
    else io.out(`sallyport ${VERSION}\n`);
    return Promise.resolve(EXIT.ok);
  },
});

const DRILL_EVERY_MS = 90 * 86_400_000;

/** A root key that nobody can bring back is lost with its disk, and every provider key with it. */
function nag({ kitAt, drillAt }: NonNullable<RouteReply<'status.show'>['recovery']>, io: Io): void {
  if (kitAt === null) warn(io, 'there is no recovery kit of the root key; make one: sallyport recovery kit');
  else if (drillAt === null) warn(io, 'no recovery kit was ever tried; do: sallyport recovery drill');
  else if (io.wallMs() - Date.parse(drillAt) > DRILL_EVERY_MS)
    warn(io, `the last recovery drill was on ${drillAt.slice(0, 10)}; do: sallyport recovery drill`);
}

const ORIGINS = {
  file: 'a file',
  env: 'the environment',
  passphrase: 'a passphrase',
  kit: 'a recovery kit',
} as const;

function fields(reply: RouteReply<'status.show'>): [string, string][] {
  const { journal, tokens, keys } = reply;
  const active = keys.filter(({ state }) => state === 'active').length;
  const empty = keys.filter(({ state }) => state === 'empty').length;
  return [
    ['version', reply.version],
    ['gateway', `${reply.gatewayUrl} (${reply.ready ? 'ready' : 'not taking calls'})`],
    ['admin', reply.adminUrl],
    ['data', reply.dataFolder],
    ['root key', `${reply.rootKey.fingerprint}, from ${ORIGINS[reply.rootKey.origin]}`],
    ['running since', reply.startedAt],
    ['last backup', orDash(reply.recovery?.backupAt ?? null)],
    ['calls running', `${reply.liveCalls} of ${reply.maxCalls} at most`],
    ['calls waiting', String(reply.waitingCalls)],
    [
      'journal',
      `${journal.stream}: ${journal.entries} entries, ${journal.durable} durable, ${journal.lag} not yet indexed`,
    ],
    [
      'alerts',
      reply.alerts === null
        ? '-'
        : `${reply.alerts.destinations} destinations, ${reply.alerts.waiting} alerts waiting, ${reply.alerts.undelivered} given up`,
    ],
    ['tokens', `${tokens.active} active, ${tokens.expired} expired, ${tokens.revoked} revoked`],
    [
      'keys',
      `${active} active, ${keys.length - active - empty} disabled${empty === 0 ? '' : `, ${empty} without a value`}`,
    ],
  ];
}
