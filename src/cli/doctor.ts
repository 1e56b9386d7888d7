/** `doctor`: what a careful team looks at, in one command. */
import { join } from 'node:path';
import type { RouteReply } from '../admin/contract.ts';
import { defaultDataFolder } from '../config.ts';
import type { CheckContext, GatewayQuestions, Question } from '../doctor/check.ts';
import { CHECKS } from '../doctor/checks.ts';
import { type Checked, chooseChecks, exitCodeOf, runChecks } from '../doctor/doctor.ts';
import { hideCredentials } from '../admin/credentials.ts';
import { AdminClient, SERVER_OPTIONS, type ServerValues } from './client.ts';
import { defineCommand } from './command.ts';
import type { Io } from './io.ts';
import { plain } from '../core/plain.ts';
import { note, printJson } from './output.ts';

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'Look for what a careful team would change, in this folder and in the gateway.',
  options: {
    only: {
      type: 'string',
      value: 'CHECK',
      multiple: true,
      help: 'this check, local or gateway; repeatable',
    },
    skip: {
      type: 'string',
      value: 'CHECK',
      multiple: true,
      help: 'not this check, local or gateway; repeatable',
    },
    'test-alerts': { type: 'boolean', help: 'send a test message to every destination for alerts' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport doctor', 'sallyport doctor --only local', 'sallyport doctor --skip alerts --json'],
  notes: [
    `Checks: ${CHECKS.map(({ id, about }) => `${id} (${about})`).join(', ')}.`,
    'Run it inside the repository of an application, on the machine of the gateway; from elsewhere with --url, or one half with --only. It changes nothing.',
    'Exit code 0: all is well. 1: something was found. 2: wrong usage. 3: nothing was found, but not everything could be checked.',
  ],
  run: async ({ values, io }) => {
    const checks = chooseChecks(CHECKS, values.only, values.skip);
    const results = await runChecks(checks, contextOf(values, values['test-alerts'], io));
    const exitCode = exitCodeOf(results);
    if (values.json) printJson(io, { exitCode, checks: results.map(jsonOf) });
    else printResults(results, io);
    return exitCode;
  },
});

function contextOf(values: ServerValues, sendsAlerts: boolean, io: Io): CheckContext {
  const data = values.data ?? defaultDataFolder(io.env);
  return {
    env: io.env,
    cwd: io.cwd,
    nowMs: io.wallMs(),
    journal: values.url === undefined ? join(data, 'journal') : null,
    sendsAlerts,
    gateway: questions(() => AdminClient.open(values, io)),
  };
}

/** Asks when it is asked, so that what is wrong with the gateway is found by the checks that need it. */
function questions(open: () => AdminClient): GatewayQuestions {
  const asked = new Map<Question, Promise<unknown>>();
  const later = async <T>(act: (client: AdminClient) => Promise<T>): Promise<T> => act(open());
  return {
    ask: <N extends Question>(name: N) => {
      const answer = asked.get(name) ?? later<unknown>((client) => client.call(name));
      asked.set(name, answer);
      return answer as Promise<RouteReply<N>>;
    },
    askAudit: async (action) =>
      (await later((client) => client.call('audit.query', { query: { action, limit: 1000 } }))).entries,
    askDelivered: async () =>
      (await later((client) => client.call('alert.outbox', { query: { state: 'delivered', limit: 1000 } })))
        .alerts,
    testAlert: (name) => later((client) => client.call('alert.test', { params: { name } })),
  };
}

function jsonOf({ check, verdict, said, findings, unchecked }: Checked): object {
  const { id, about, title, why } = check;
  const hidden = (points: Checked['findings']): Checked['findings'] =>
    points.map(({ what, fix }) => ({ what: hideCredentials(what), fix: hideCredentials(fix) }));
  return {
    id,
    about,
    verdict,
    title,
    why,
    looked: said,
    findings: hidden(findings),
    unchecked: hidden(unchecked),
  };
}

const MARKS = { ok: 'ok       ', finding: 'FINDING  ', unchecked: 'UNCHECKED' } as const;

function printResults(results: readonly Checked[], io: Io): void {
  const width = Math.max(...results.map(({ check }) => check.id.length));
  const reasons = new Set<string>();
  const line = (text: string): void => io.out(`${plain(hideCredentials(text)).trimEnd()}\n`);
  for (const { check, verdict, said, findings, unchecked } of results) {
    const looked = verdict === 'ok' && said !== '' ? ` (${said})` : '';
    line(`${MARKS[verdict]}  ${check.id.padEnd(width)}  ${check.title}${looked}`);
    for (const { what, fix } of findings) {
      line(`             ${what}`);
      line(`             fix: ${fix}`);
    }
    if (verdict === 'finding') line(`             why: ${check.why}`);
    for (const { what, fix } of unchecked) {
      // A gateway that does not answer is the reason of many.
      const reason = `${what} ${fix}`;
      line(`             not checked: ${reasons.has(reason) ? 'as above' : what}`);
      if (!reasons.has(reason)) line(`             fix: ${fix}`);
      reasons.add(reason);
    }
  }
  const count = (wanted: Checked['verdict']): number =>
    results.filter(({ verdict }) => verdict === wanted).length;
  note(
    io,
    `${count('ok')} of ${results.length} checks are well, ${count('finding')} found something, ${count('unchecked')} could not be made`,
  );
}
