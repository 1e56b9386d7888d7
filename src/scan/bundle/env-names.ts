/** Variables of builds: which frameworks publish which by their names, and which values the project's .env files give them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PUBLIC_PREFIXES: readonly (readonly [prefix: string, framework: string])[] = [
  ['NEXT_PUBLIC_', 'Next.js'],
  ['NUXT_PUBLIC_', 'Nuxt'],
  ['VITE_', 'Vite'],
  ['REACT_APP_', 'Create React App'],
  ['VUE_APP_', 'Vue CLI'],
  ['EXPO_PUBLIC_', 'Expo'],
  ['GATSBY_', 'Gatsby'],
  ['NG_APP_', 'Angular'],
  ['STORYBOOK_', 'Storybook'],
  ['PUBLIC_', 'SvelteKit or Astro'],
];

/** Why the value of a variable is in what browsers get. */
export function causeOfVariable(name: string): string {
  const framework = PUBLIC_PREFIXES.find(([prefix]) => name.startsWith(prefix))?.[1];
  return framework === undefined
    ? `the build put the value in the place of ${name}`
    : `${name}: ${framework} puts the value of every variable of such a name into what browsers get`;
}

const PREFIXES = PUBLIC_PREFIXES.map(([prefix]) => prefix).join('|');
const PUBLIC_NAME = new RegExp(String.raw`\b((?:${PREFIXES})\w+)["'\`]?\s*[:=]`, 'g');

/** The last name in a text that a framework publishes and that is given a value. */
export function publicNameIn(text: string): string | null {
  return [...text.matchAll(PUBLIC_NAME)].at(-1)?.[1] ?? null;
}

const READ =
  /(?:process\.env|import\.meta\.env|Bun\.env|Deno\.env\.get|\$env\/\w+\/\w+)\??\.?[.[(]\s*["'`]?([A-Za-z_]\w*)/;

/** The variable that a line of a source reads. */
export function variableReadIn(text: string): string | null {
  return READ.exec(text)?.[1] ?? null;
}

const LONGEST_FILE = 1024 * 1024;

/** By value, the names that the .env files of a folder give it. */
export function variablesOf(folder: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isFile() || !/^\.env(?:\.|$)/.test(entry.name)) continue;
    const bytes = readFileSync(join(folder, entry.name));
    for (const line of bytes.toString('utf8', 0, Math.min(bytes.length, LONGEST_FILE)).split('\n')) {
      const match = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*["'`]?([^"'`\s]{16,})/.exec(line);
      if (match?.[1] !== undefined && match[2] !== undefined) names.set(match[2], match[1]);
    }
  }
  return names;
}
