/** The admin contract of a rig in this process, for tests. */
import { EXPECT_HEADER, REVISION_HEADER, ROUTES } from '../admin/contract.ts';
import { LOCAL, type Principal } from '../admin/principal.ts';
import type { AdminRig } from '../admin/test-rig.ts';
import { type ErrorCode, SallyportError } from '../core/errors.ts';
import { execute, type Outcome } from './execute.ts';
import { asYaml, exportDocument } from './export.ts';
import { makePlan, type Plan } from './plan.ts';
import type { Problem } from './problem.ts';
import { readDocument } from './read-document.ts';
import type { Context } from './section.ts';
import { SECTIONS } from './sections.ts';
import type { RevisedContract } from './state.ts';

export function contractOf(rig: AdminRig, principal: Principal = LOCAL): RevisedContract {
  return {
    callAt: async (name, input = {}, expected) => {
      const route = ROUTES[name];
      const params: Readonly<Record<string, string>> = { ...input.params };
      const path = route.path.replaceAll(/:([a-z]+)/g, (_, param: string) =>
        encodeURIComponent(params[param] ?? ''),
      );
      const request = new Request(`http://localhost${path}`, {
        method: route.method,
        headers: {
          'content-type': 'application/json',
          ...(expected === undefined ? {} : { [EXPECT_HEADER]: expected }),
        },
        ...(route.method === 'GET' ? {} : { body: JSON.stringify(input.body ?? {}) }),
      });
      const response = await rig.app.fetch(request, { principal, requestId: 'r' });
      const body = (await response.json()) as { error?: { code: ErrorCode; message: string; fix?: string } };
      if (body.error) {
        const { code, message, fix } = body.error;
        throw new SallyportError(code, message, fix === undefined ? {} : { fix });
      }
      return { reply: body as never, revision: response.headers.get(REVISION_HEADER) ?? '' };
    },
  };
}

/** The plan for `text`, or what is wrong with it. */
export async function planOf(
  text: string,
  contract: RevisedContract,
  prune = false,
  env: Context['env'] = {},
): Promise<Plan | readonly Problem[]> {
  const read = readDocument(text);
  if (!read.ok) return read.problems;
  const made = await makePlan(read.value, contract, { prune, env });
  return made.ok ? made.value : made.problems;
}

/** As `planOf`; throws when anything is wrong. */
export async function goodPlan(
  text: string,
  contract: RevisedContract,
  prune = false,
  env: Context['env'] = {},
): Promise<Plan> {
  const plan = await planOf(text, contract, prune, env);
  if ('changes' in plan) return plan;
  throw new Error(`the document has problems: ${JSON.stringify(plan)}\n${text}`);
}

export async function applied(
  text: string,
  contract: RevisedContract,
  prune = false,
  env: Context['env'] = {},
): Promise<Outcome> {
  return execute(await goodPlan(text, contract, prune, env), contract);
}

export async function exported(contract: RevisedContract): Promise<string> {
  return asYaml(await exportDocument(contract, new Set(SECTIONS.map(({ key }) => key))));
}

/** Lines as `LINE:COLUMN message; fix`. */
export function problemLines(text: string): string[] {
  const read = readDocument(text);
  if (read.ok) return [];
  return read.problems.map(
    ({ place, message, fix }) =>
      `${place.line}:${place.column} ${message}${fix === undefined ? '' : `; ${fix}`}`,
  );
}
