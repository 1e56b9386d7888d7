/** How provider keys are kept: one for each environment, in an organization of its own, young, with a limit at the provider. */
import type { KeyHygiene } from '../admin/hygiene-shapes.ts';
import { findProvider } from '../providers/catalog.ts';
import { type Check, outcome, plural, type Point } from './check.ts';

const ATTESTED_FOR_DAYS = 90;
const DAY_MS = 86_400_000;

export const separateKeys: Check = {
  id: 'separate-keys',
  about: 'gateway',
  title: 'Each environment has a provider key of its own',
  why: 'A key that leaks from a test, or runs into a limit there, takes production with it; and it cannot be replaced for one of them alone.',
  run: async ({ gateway }) => {
    const { keys } = await gateway.ask('key.hygiene');
    const shared = keys.filter(({ usedIn }) => usedIn.length > 1).map(sharedKey);
    return outcome(inUse(keys), [...shared, ...sameValues(keys)]);
  },
};

function sharedKey({ name, provider, usedIn }: KeyHygiene): Point {
  return {
    what: `${name} serves ${usedIn.join(', ')}.`,
    fix: `Make one for each: sallyport key add --provider ${provider} --env ${usedIn[0] ?? ''} NAME`,
  };
}

/** One value in several slots is one key, whatever they are called. */
function sameValues(keys: readonly KeyHygiene[]): Point[] {
  return groups(keys, ({ provider, fingerprint }) => `${provider} ${fingerprint}`)
    .filter((group) => group.length > 1)
    .map((group) => ({
      what: `${names(group)} hold the same key.`,
      fix: `Make another at the provider, then: sallyport key add ${group[1]?.name ?? ''} --replace`,
    }));
}

export const separateOrganizations: Check = {
  id: 'separate-organizations',
  about: 'gateway',
  title: "No two environments share one of the provider's organizations",
  why: "Limits and spend caps are the organization's: a loop in a test uses up what production needs, and a cap that is reached stops both.",
  run: async ({ gateway }) => {
    const { keys } = await gateway.ask('key.hygiene');
    const findings: Point[] = [];
    const unchecked: Point[] = [];
    for (const ofProvider of groups(keys, ({ provider }) => provider)) {
      const [{ provider } = { provider: '' }] = ofProvider;
      // Where there is but one environment, there is nothing to keep apart.
      if (environmentsOf(ofProvider).length < 2) continue;
      const known = ofProvider.filter(({ providerOrganization }) => providerOrganization !== null);
      for (const group of groups(known, ({ providerOrganization }) => providerOrganization ?? '')) {
        const environments = environmentsOf(group);
        if (environments.length < 2) continue;
        findings.push({
          what: `${environments.join(' and ')} share the organization ${group[0]?.providerOrganization ?? ''} at ${provider}: ${names(group)}.`,
          fix: `Open another organization in the console, make a key there, and add it: sallyport key add --provider ${provider} --env ENV --provider-organization ID NAME`,
        });
      }
      for (const { name, providerOrganization } of ofProvider) {
        if (providerOrganization !== null) continue;
        unchecked.push({
          what: `Nobody has said which organization ${name} belongs to.`,
          fix: `sallyport key describe ${name} --provider-organization ID`,
        });
      }
    }
    return outcome(inUse(keys), findings, unchecked);
  },
};

/** Those that a key is for, or that it is used in. */
function environmentsOf(keys: readonly KeyHygiene[]): string[] {
  return [
    ...new Set(keys.flatMap(({ environment, usedIn }) => (environment === null ? usedIn : [environment]))),
  ].toSorted();
}

export const exposedKeys: Check = {
  id: 'exposed-keys',
  about: 'gateway',
  title: 'No provider key in use is known outside',
  why: 'Whoever found it can spend on your account, past every budget here, until the provider has revoked it.',
  run: async ({ gateway }) => {
    const { keys } = await gateway.ask('key.hygiene');
    const findings = keys.flatMap(({ name, provider, exposedAt }) =>
      exposedAt === null
        ? []
        : [
            {
              what: `The value of ${name} was found outside on ${exposedAt.slice(0, 10)}.`,
              fix: `Make a new one at ${findProvider(provider)?.keysUrl ?? provider}, then: sallyport key add ${name} --replace; then revoke the old one there`,
            },
          ],
    );
    return outcome(inUse(keys), findings);
  },
};

export const keyAge: Check = {
  id: 'key-age',
  about: 'gateway',
  title: 'No provider key is older than it may get',
  why: 'Nobody knows where a key has been in all that time; one that is replaced regularly can also be replaced in a hurry.',
  run: async ({ gateway }) => {
    const { keys } = await gateway.ask('key.hygiene');
    const findings = keys
      .filter(({ stage }) => stage === 'due' || stage === 'overdue')
      .map(({ name, provider, ageDays, cadenceDays }) => ({
        what: `${name} is ${ageDays} days old; at most ${cadenceDays}.`,
        fix: `Make a new one at ${findProvider(provider)?.keysUrl ?? provider}, then: sallyport key add ${name} --replace`,
      }));
    const soon = keys.filter(({ stage }) => stage === 'soon');
    return outcome(
      soon.length === 0
        ? inUse(keys)
        : `soon due: ${soon.map(({ name, replaceBy }) => `${name} by ${replaceBy}`).join(', ')}`,
      findings,
    );
  },
};

export const spendLimit: Check = {
  id: 'spend-limit',
  about: 'gateway',
  title: 'The provider has a spend limit too, seen by somebody not long ago',
  why: 'It is what holds when a key is used past this gateway. No provider tells it to a program, so somebody has to look.',
  run: async ({ gateway, nowMs }) => {
    const { keys } = await gateway.ask('key.hygiene');
    const findings = groups(keys, accountOf).flatMap((group): Point[] => {
      const seen = group.flatMap((key) => (key.spendLimit === null ? [] : [key.spendLimit.attestedOn]));
      const last = seen.toSorted().at(-1);
      const fix = `Look at the billing page of the provider, then: sallyport key attest-spend-limit ${group[0]?.name ?? ''} --usd X --on DATE`;
      if (last === undefined)
        return [{ what: `Nobody has said what the spend limit of ${names(group)} is.`, fix }];
      const days = Math.floor((nowMs - Date.parse(last)) / DAY_MS);
      return days > ATTESTED_FOR_DAYS
        ? [{ what: `The spend limit of ${names(group)} was last seen ${days} days ago.`, fix }]
        : [];
    });
    return outcome(inUse(keys), findings);
  },
};

/** Keys of one organization have one limit; a key whose organization is unknown stands for itself. */
function accountOf({ provider, providerOrganization, name }: KeyHygiene): string {
  return `${provider} ${providerOrganization ?? `? ${name}`}`;
}

function inUse(keys: readonly KeyHygiene[]): string {
  return keys.length === 0 ? 'no key is in use' : plural(keys.length, 'key');
}

function names(keys: readonly KeyHygiene[]): string {
  return keys.map(({ name }) => name).join(', ');
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  return [...Map.groupBy(items, keyOf).values()];
}
