/**
 * Where applications get their secrets from: for each platform its own commands, with the value on standard input and never among the
 * arguments, and the restart that makes it take effect. Names in capitals are for the reader to fill in. Pure.
 */
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { shellLine } from './shell.ts';

export interface DeployInput {
  /** Name of the variable that the application reads. */
  readonly variable: string;
  /** Name of the secret, on platforms that give secrets names of their own. */
  readonly secret: string | undefined;
  /** Environment there: of Vercel, or of GitHub. */
  readonly target: string | undefined;
  /** Environment of the token. */
  readonly environment: string | undefined;
  /** What reads the secret: `SERVICE`, or `CLUSTER/SERVICE` on AWS. */
  readonly service: string | undefined;
  readonly namespace: string | undefined;
  /** There is no such secret there yet. */
  readonly create: boolean;
  /** A value that is there may go. */
  readonly replace: boolean;
}

export interface Deployment {
  /** Programs that read from each other; the first gets the token, without a line break, on its standard input. */
  readonly pipeline: readonly (readonly string[])[];
  /** A command, or what happens by itself. */
  readonly restart: string;
  readonly notes: readonly string[];
}

export interface Platform {
  readonly id: string;
  readonly name: string;
  /** Options of the table's commands that it heeds; another one is a mistake. */
  readonly takes: readonly (keyof DeployInput)[];
  readonly plan: (input: DeployInput) => Deployment;
}

const VERCEL_TARGETS: Readonly<Record<string, string>> = {
  prod: 'production',
  production: 'production',
  staging: 'preview',
  preview: 'preview',
  dev: 'development',
  development: 'development',
};

const vercel: Platform = {
  id: 'vercel',
  name: 'Vercel',
  takes: ['target', 'replace'],
  plan: ({ variable, target, environment, replace }) => {
    const place = target ?? VERCEL_TARGETS[environment ?? ''];
    if (place === undefined) throw missing('--target', 'production, preview, development or your own');
    const local = place === 'development';
    return {
      pipeline: [
        [
          'vercel',
          'env',
          'add',
          variable,
          place,
          // There it cannot be read back. Vercel has no such variables for development.
          ...(local ? [] : ['--sensitive']),
          ...(replace ? ['--force'] : []),
        ],
      ],
      restart: shellLine(
        {
          production: ['vercel', 'deploy', '--prod'],
          preview: ['vercel', 'deploy'],
          development: ['vercel', 'env', 'pull', '.env.local'],
        }[place] ?? ['vercel', 'deploy', `--target=${place}`],
      ),
      notes: [
        'Run it in the folder of the project (vercel link). A deployment keeps the values that it was built with.',
        ...(replace ? [] : ['A variable that is there already is an error; --replace overwrites it.']),
      ],
    };
  },
};

const aws: Platform = {
  id: 'aws',
  name: 'AWS Secrets Manager',
  takes: ['secret', 'service', 'create'],
  plan: ({ variable, secret, service, create }) => {
    const name = secret ?? required('--secret');
    const [cluster, own = 'SERVICE'] = service?.includes('/') ? service.split('/') : ['CLUSTER', service];
    return {
      pipeline: [
        [
          'aws',
          'secretsmanager',
          ...(create ? ['create-secret', '--name'] : ['put-secret-value', '--secret-id']),
          name,
          '--secret-string',
          'file:///dev/stdin',
        ],
      ],
      restart: shellLine([
        'aws',
        'ecs',
        'update-service',
        '--cluster',
        cluster ?? 'CLUSTER',
        '--service',
        own,
        '--force-new-deployment',
      ]),
      notes: [
        `A task reads it when it starts: its definition has ${variable} among "secrets", with the ARN of ${name} as "valueFrom".`,
        ...firstTime(create),
      ],
    };
  },
};

const gcp: Platform = {
  id: 'gcp',
  name: 'Google Cloud Secret Manager',
  takes: ['secret', 'service', 'create'],
  plan: ({ variable, secret, service, create }) => {
    const name = secret ?? required('--secret');
    return {
      pipeline: [
        [
          'gcloud',
          'secrets',
          ...(create ? ['create', name, '--replication-policy=automatic'] : ['versions', 'add', name]),
          '--data-file=-',
        ],
      ],
      restart: shellLine([
        'gcloud',
        'run',
        'services',
        'update',
        service ?? 'SERVICE',
        `--update-secrets=${variable}=${name}:latest`,
      ]),
      notes: ['An instance of Cloud Run reads it when it starts.', ...firstTime(create)],
    };
  },
};

const github: Platform = {
  id: 'github',
  name: 'GitHub Actions',
  takes: ['target'],
  plan: ({ variable, target }) => ({
    pipeline: [['gh', 'secret', 'set', variable, ...(target === undefined ? [] : ['--env', target])]],
    restart: `the next run of a workflow, which reads it as \${{ secrets.${variable} }}`,
    notes: [
      ...(target === undefined
        ? ['Every workflow of the repository may read it; --target keeps it to one environment.']
        : []),
      'A secret of that name is overwritten; GitHub keeps no earlier value.',
    ],
  }),
};

const k8s: Platform = {
  id: 'k8s',
  name: 'Kubernetes',
  takes: ['secret', 'service', 'namespace'],
  plan: ({ variable, secret, service, namespace }) => {
    const name = secret ?? required('--secret');
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
      throw new SallyportError('input.invalid', `"${name}" cannot be the name of a secret there.`, {
        fix: 'Name another with --secret: lower-case letters, digits, dots and hyphens.',
      });
    }
    const place = namespace === undefined ? [] : ['--namespace', namespace];
    return {
      pipeline: [
        [
          'kubectl',
          'create',
          'secret',
          'generic',
          name,
          ...place,
          `--from-file=${variable}=/dev/stdin`,
          '--dry-run=client',
          '--output=yaml',
        ],
        // Without --server-side the whole secret would also be in an annotation of itself.
        ['kubectl', 'apply', '--server-side', ...place, '--filename=-'],
      ],
      restart: shellLine(['kubectl', 'rollout', 'restart', `deployment/${service ?? 'NAME'}`, ...place]),
      notes: [
        `A pod reads it when it starts: in its env, ${variable} comes from secretKeyRef ${name}, key ${variable}.`,
      ],
    };
  },
};

export const PLATFORMS: readonly Platform[] = [vercel, aws, gcp, github, k8s];
/** The one that needs no program of anybody else. */
export const DOTENV = 'dotenv';

/** Throws `input.invalid`. */
export function findPlatform(id: string): Platform {
  const found = PLATFORMS.find((one) => one.id === id);
  if (found) return found;
  const ids = [...PLATFORMS.map((one) => one.id), DOTENV];
  throw new SallyportError('input.invalid', 'There is no such platform.', {
    fix: suggest(id, ids, `Use --to with one of ${ids.join(', ')}.`),
  });
}

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

/** Throws `input.invalid` for what is no name, and for an option that means nothing on the platform. */
export function planDeployment(platform: Platform, input: DeployInput): Deployment {
  checkVariable(input.variable);
  for (const option of ['secret', 'target', 'service', 'namespace', 'create', 'replace'] as const) {
    const value = input[option];
    if (value === undefined || value === false) continue;
    // A default of ours is there whether or not the platform has a use for it.
    if (option !== 'secret' && !platform.takes.includes(option)) {
      throw new SallyportError('input.invalid', `--${option} means nothing for ${platform.name}.`, {
        fix: 'Leave it out.',
      });
    }
    if (value !== true && !NAME.test(value)) {
      throw new SallyportError('input.invalid', `--${option} is no name.`, {
        fix: 'Use letters, digits, dots, hyphens, underscores and slashes.',
      });
    }
  }
  return platform.plan(input);
}

/** Throws `input.invalid`. */
export function checkVariable(name: string): string {
  if (VARIABLE.test(name)) return name;
  throw new SallyportError('input.invalid', '--var is no name of a variable.', {
    fix: 'Use letters, digits and underscores, such as SALLYPORT_TOKEN.',
  });
}

function firstTime(create: boolean): string[] {
  return create ? [] : ['For a secret that is not there yet: --create.'];
}

function required(option: string): never {
  throw missing(option, 'how the secret is called there, such as chat-prod-sallyport');
}

function missing(option: string, what: string): SallyportError {
  return new SallyportError('input.invalid', `${option} is needed.`, { fix: `Say ${what}.` });
}
