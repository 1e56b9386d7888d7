/** Bounds of requests as people type and read them: `messages=10:trim`, `roles=user,assistant:refuse`, `tools=refuse`. */
import {
  type Bounds,
  INJECTION_ACTIONS,
  NO_BOUNDS,
  OVER,
  type Over,
  type Role,
  ROLES,
} from '../access/bounds.ts';
import { SallyportError } from '../core/errors.ts';
import { suggest } from '../core/nearest.ts';
import { choice, integer, list } from './args.ts';

type Name = keyof Bounds;
type Change = { -readonly [N in Name]?: Bounds[N] };

const NAMES = Object.keys(NO_BOUNDS) as Name[];
const HIGHEST = { messages: 10_000, text: 10_000_000, output: 10_000_000 } as const;

export const BOUND_HELP =
  'a bound: messages, text or output=N, roles or models=A,B, each with :trim or :refuse; tools=trim or refuse; injection=flag, filter or block; =none takes one away; repeatable';

export const PHRASE_HELP =
  'a phrase of your own that is looked for as well (flagged, unless --bound injection says else); repeatable';

/** Throws `input.invalid` and names what does not fit. */
export function parseBounds(texts: readonly string[], phrases: readonly string[]): Change | undefined {
  if (texts.length + phrases.length === 0) return undefined;
  const change: Change = {};
  for (const text of texts) {
    const [, name = '', value = ''] = /^([a-z]+)=(.+)$/.exec(text) ?? [];
    const known = NAMES.find((one) => one === name);
    if (!known) {
      throw new SallyportError(
        'input.invalid',
        `--bound: ${name === '' ? 'that' : `"${name}"`} is no bound`,
        {
          fix: suggest(
            name,
            NAMES,
            `write NAME=VALUE with one of ${NAMES.join(', ')}, such as messages=10:trim`,
          ),
        },
      );
    }
    Object.assign(change, { [known]: value === 'none' ? null : parseBound(known, value) });
  }
  if (phrases.length > 0)
    change.injection = { action: change.injection?.action ?? 'flag', phrases: [...phrases] };
  return change;
}

function parseBound(name: Name, text: string): Bounds[Name] {
  const option = `--bound ${name}`;
  if (name === 'tools') return choice(option, text, OVER);
  if (name === 'injection') return { action: choice(option, text, INJECTION_ACTIONS), phrases: [] };
  const [, value = text, said] = /^(.*):(trim|refuse)$/.exec(text) ?? [];
  switch (name) {
    case 'roles': {
      const only = list(value).map((role): Role => choice(option, role, ROLES));
      return { only, over: overOf(said, 'refuse') };
    }
    case 'models':
      return { only: list(value), over: overOf(said, 'refuse') };
    case 'messages':
    case 'text':
    case 'output':
      return { atMost: integer(option, value, 1, HIGHEST[name]), over: overOf(said, 'trim') };
  }
}

function overOf(said: string | undefined, otherwise: Over): Over {
  return OVER.find((one) => one === said) ?? otherwise;
}

/** One line for each bound that there is. */
export function boundFields(bounds: Bounds | null): [string, string][] {
  const {
    injection = null,
    models = null,
    messages = null,
    text = null,
    roles = null,
    output = null,
    tools = null,
  } = bounds ?? {};
  const fields: [string, string | null][] = [
    ['only models', models && `${models.only.join(', ')} (${models.over})`],
    ['messages', messages && `the last ${messages.atMost} (${messages.over})`],
    ['text of a message', text && `${text.atMost} characters (${text.over})`],
    ['only roles', roles && `${roles.only.join(', ')} (${roles.over})`],
    ['output', output && `${output.atMost} tokens a request (${output.over})`],
    ['tools of the caller', tools && `none (${tools})`],
    ['phrases of injection', injection && `${injection.action}${ownPhrases(injection.phrases)}`],
  ];
  return fields.filter((field): field is [string, string] => field[1] !== null);
}

function ownPhrases({ length }: readonly string[]): string {
  return length === 0 ? '' : `, and ${length} of its own`;
}
