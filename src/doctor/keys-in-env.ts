/** Provider keys where every program of this user can read them: in the environment, and in the .env files of this folder. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '../core/errors.ts';
import { readPublicFile } from '../core/private-file.ts';
import { findSecrets } from '../detect/detect.ts';
import { isSallyportToken } from '../detect/checksum.ts';
import { LLM_RULES } from '../detect/rules-llm.ts';
import { type Check, outcome, plural, type Point } from './check.ts';

const LLM_IDS: ReadonlySet<string> = new Set(LLM_RULES.map(({ id }) => id));
/** Names under which the providers' own packages look for their key, whatever it looks like. */
const KEY_NAME =
  /^(?:GROQ|OPENAI|ANTHROPIC|GEMINI|GOOGLE|MISTRAL|COHERE|OPENROUTER|XAI|TOGETHER|FIREWORKS|CEREBRAS|DEEPSEEK|PERPLEXITY|REPLICATE)_API_(?:KEY|TOKEN)$/;
const LINE = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*["']?([^"'\s#]*)/gm;
const MAX_FILE_BYTES = 1_048_576;
const FIX =
  'Seal it (sallyport key add), put an access token in its place (sallyport token deploy --to dotenv), and make a new key at the provider: this one has been readable.';

export const keysInEnv: Check = {
  id: 'keys-in-env',
  about: 'local',
  title: 'No provider key in the environment or in a .env file',
  why: 'Whatever runs here can read it, use it past every budget, and send it anywhere; an access token can be ended and is bounded.',
  run: ({ env, cwd }) => {
    const findings: Point[] = Object.entries(env).flatMap(([name, value = '']) =>
      isProviderKey(name, value) ? [{ what: `The variable ${name} holds a provider's key.`, fix: FIX }] : [],
    );
    if (env['SALLYPORT_ROOT_KEY'] !== undefined) {
      findings.push({
        what: 'The variable SALLYPORT_ROOT_KEY holds the root key.',
        fix: 'Put it into a file of mode 0600 and name that with SALLYPORT_ROOT_KEY_FILE.',
      });
    }
    const unchecked: Point[] = [];
    const files = envFiles(cwd, unchecked);
    for (const file of files) {
      try {
        const text = readPublicFile(join(cwd, file), 'the file', MAX_FILE_BYTES).toString('latin1');
        const names = [...text.matchAll(LINE)]
          .filter(([, name = '', value = '']) => isProviderKey(name, value))
          .map(([, name = '']) => name);
        if (names.length > 0)
          findings.push({ what: `${file} holds a provider's key: ${names.join(', ')}.`, fix: FIX });
      } catch (error) {
        if (isEmpty(error)) continue;
        unchecked.push({ what: `${file}: ${describe(error)}`, fix: 'Run the doctor as who may read it.' });
      }
    }
    const said = `${plural(Object.keys(env).length, 'variable')} and ${plural(files.length, '.env file')}`;
    return Promise.resolve(outcome(said, findings, unchecked));
  },
};

function isProviderKey(name: string, value: string): boolean {
  if (value === '' || isSallyportToken(value)) return false;
  if (findSecrets(Buffer.from(value)).some(({ rule, sure }) => sure && LLM_IDS.has(rule.id))) return true;
  // A reference to another variable, or a placeholder of a few letters, is no key.
  return KEY_NAME.test(name) && /^[A-Za-z0-9._-]{20,}$/.test(value);
}

function envFiles(cwd: string, unchecked: Point[]): string[] {
  try {
    return readdirSync(cwd, { withFileTypes: true })
      .filter(
        (entry) => entry.name.startsWith('.env') && entry.name !== '.env.example' && !entry.isDirectory(),
      )
      .map(({ name }) => name)
      .toSorted();
  } catch (error) {
    unchecked.push({
      what: `${cwd}: ${describe(error)}`,
      fix: 'Run the doctor in a folder that you can read.',
    });
    return [];
  }
}

function isEmpty(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('is empty.');
}
