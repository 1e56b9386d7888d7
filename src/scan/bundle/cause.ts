/** By what a value got into what browsers get, in a few words that name the thing to change. */
import { causeOfVariable, publicNameIn, variableReadIn } from './env-names.ts';

export interface Evidence {
  readonly path: string;
  readonly value: string;
  /** Of the built file, what stands before it on its line. */
  readonly before: string;
  /** The lines of the source that it comes from, where a map says which. */
  readonly source: string | null;
  /** The variable that has this value in the project's .env files. */
  readonly variable: string | undefined;
}

/** A provider's client that would refuse to run in browsers, told to do it; not the advice that such clients print. */
export const RUNS_IN_BROWSER = /(?<!\{ apiKey, )dangerouslyAllowBrowser["']?\s*:\s*(?:!0|true)\b/;

const CONTEXT_CHARACTERS = 300;
const SERVER_SIDE = /(?:^|\/)(?:\.next|\.output|\.nuxt|output|dist|build)\/server\//;
const PAGE_DATA =
  /(__NEXT_DATA__|__NUXT__|__NUXT_DATA__|__remixContext|__reactRouterContext|__sveltekit\w*|__APOLLO_STATE__|__INITIAL_STATE__|self\.__next_f)/g;

/** Null when nothing tells. */
export function causeOf({ path, value, before, source, variable }: Evidence): string | null {
  const side = SERVER_SIDE.test(path) ? ' (in what runs on the server, which browsers do not get)' : '';
  const why = whyOf(before, source, value, variable);
  return why === null && side === '' ? null : `${why ?? 'in a build'}${side}`;
}

function whyOf(
  before: string,
  source: string | null,
  value: string,
  variable: string | undefined,
): string | null {
  const read = source === null ? null : variableReadIn(source);
  const name =
    variable ?? (source?.includes(value) ? null : read) ?? publicNameIn(before.slice(-CONTEXT_CHARACTERS));
  if (name !== null) return causeOfVariable(name);
  if (source?.includes(value)) return 'written in the source';
  const page = [...before.matchAll(PAGE_DATA)].at(-1)?.[1];
  return page === undefined ? null : `in the data that the page carries (${page})`;
}
