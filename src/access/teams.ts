/** Teams with their policies, projects and environments. Kept in memory; changed only through the record book. */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { nearestName, suggest } from '../core/nearest.ts';
import type { RecordBook } from '../records/records.ts';
import { checkName } from '../core/names.ts';
import { OPEN_LIMITS, teamLimitsSchema, type TeamLimits } from './policy.ts';

const teamSchema = z.strictObject({ id: z.string(), limits: teamLimitsSchema, createdAt: z.string() });
const projectSchema = z.strictObject({ id: z.string(), team: z.string(), createdAt: z.string() });
const environmentSchema = z.strictObject({ id: z.string(), createdAt: z.string() });

export type Team = z.infer<typeof teamSchema>;
export type Project = z.infer<typeof projectSchema>;
export type Environment = z.infer<typeof environmentSchema>;

/** Environments that need not be added. */
export const BUILT_IN_ENVIRONMENTS = ['dev', 'test', 'staging', 'prod'] as const;

export interface TeamsDeps {
  readonly book: RecordBook;
  readonly clock: Clock;
}

export class Teams {
  readonly #deps: TeamsDeps;
  readonly #teams = new Map<string, Team>();
  readonly #projects = new Map<string, Project>();
  readonly #environments = new Map<string, Environment>();

  constructor(deps: TeamsDeps) {
    this.#deps = deps;
    deps.book.subscribe('team', ({ id, body }) => this.#teams.set(id, teamSchema.parse(body)));
    deps.book.subscribe('project', ({ id, body }) => this.#projects.set(id, projectSchema.parse(body)));
    deps.book.subscribe('environment', ({ id, body }) =>
      this.#environments.set(id, environmentSchema.parse(body)),
    );
  }

  list(): Team[] {
    return [...this.#teams.values()].toSorted((a, b) => a.id.localeCompare(b.id));
  }

  projects(): Project[] {
    return [...this.#projects.values()].toSorted((a, b) => a.id.localeCompare(b.id));
  }

  environments(): string[] {
    return [...new Set([...BUILT_IN_ENVIRONMENTS, ...this.#environments.keys()])];
  }

  has(id: string): boolean {
    return this.#teams.has(id);
  }

  /** Throws `not_found` with the nearest name. */
  get(id: string): Team {
    const team = this.#teams.get(id);
    if (team) return team;
    throw new SallyportError('not_found', `There is no team "${id.slice(0, 64)}".`, {
      fix: suggest(id, this.#teams.keys(), `Add it: sallyport team add ${id.slice(0, 64)}`),
    });
  }

  async add(principal: string, id: string, limits: TeamLimits = OPEN_LIMITS): Promise<Team> {
    checkName('team', id);
    await this.#deps.book.change('team.add', principal, () => {
      if (this.#teams.has(id)) throw exists('team', id);
      return [
        {
          kind: 'team',
          id,
          body: { id, limits: checkLimits(limits), createdAt: this.#now() } satisfies Team,
        },
      ];
    });
    return this.get(id);
  }

  /** Changes the given fields of a team's policy. */
  async setLimits(principal: string, id: string, change: Partial<TeamLimits>): Promise<Team> {
    await this.#deps.book.change('policy.set', principal, () => {
      const team = this.get(id);
      return [
        {
          kind: 'team',
          id,
          body: { ...team, limits: checkLimits({ ...team.limits, ...change }) } satisfies Team,
        },
      ];
    });
    return this.get(id);
  }

  async addProject(principal: string, id: string, team: string): Promise<Project> {
    checkName('project', id);
    await this.#deps.book.change('project.add', principal, () => {
      this.get(team);
      if (this.#projects.has(id)) throw exists('project', id);
      return [{ kind: 'project', id, body: { id, team, createdAt: this.#now() } satisfies Project }];
    });
    return this.getProject(id);
  }

  getProject(id: string): Project {
    const project = this.#projects.get(id);
    if (project) return project;
    throw new SallyportError('not_found', `There is no project "${id.slice(0, 64)}".`, {
      fix: suggest(id, this.#projects.keys(), `Add it: sallyport project add ${id.slice(0, 64)} --team TEAM`),
    });
  }

  /** Throws `not_found` with the nearest name. */
  getEnvironment(id: string): string {
    const known = this.environments();
    if (known.includes(id)) return id;
    throw new SallyportError('not_found', `There is no environment "${id.slice(0, 64)}".`, {
      fix: suggest(id, known, `Add it: sallyport env add ${id.slice(0, 64)}`),
    });
  }

  async addEnvironment(principal: string, id: string): Promise<string> {
    checkName('environment', id);
    await this.#deps.book.change('environment.add', principal, () => {
      if (this.environments().includes(id)) throw exists('environment', id);
      return [{ kind: 'environment', id, body: { id, createdAt: this.#now() } satisfies Environment }];
    });
    return id;
  }

  /**
   * Makes sure that an environment exists: a new name is added, a name one or two letters off a known one is refused as a likely slip.
   * Resolves to true when it was added.
   */
  async ensureEnvironment(principal: string, id: string): Promise<boolean> {
    const known = this.environments();
    if (known.includes(id)) return false;
    const nearest = nearestName(id, known);
    if (nearest !== undefined) {
      throw new SallyportError('not_found', `There is no environment "${id.slice(0, 64)}".`, {
        fix: `Did you mean "${nearest}"? If not, add it: sallyport env add ${id.slice(0, 64)}`,
      });
    }
    await this.addEnvironment(principal, id);
    return true;
  }

  #now(): string {
    return new Date(this.#deps.clock.wallMs()).toISOString();
  }
}

function checkLimits(limits: TeamLimits): TeamLimits {
  const parsed = teamLimitsSchema.safeParse(limits);
  if (parsed.success) return parsed.data;
  throw new SallyportError('input.invalid', `The policy is not valid: ${z.prettifyError(parsed.error)}`, {
    fix: 'The fields are allowedModels, maxTokensPerRequest, monthlyBudgetUsd, rateLimitRPM and concurrency.',
  });
}

function exists(noun: string, id: string): SallyportError {
  return new SallyportError('conflict', `The ${noun} "${id}" exists already.`, {
    fix: 'Choose another name, or use the one there is.',
  });
}
