/**
 * Prompt templates that the server holds: versioned, never changed once written, bound to tokens and projects. What is bound is ready to be put into
 * a request; what is bound but missing refuses every call of its token.
 */
import { z } from 'zod';
import type { Clock } from '../core/clock.ts';
import { SallyportError } from '../core/errors.ts';
import { checkName } from '../core/names.ts';
import { suggest } from '../core/nearest.ts';
import type { RecordBook, RecordPut, StoredRecord } from '../records/records.ts';
import { BUILT_IN_TEMPLATES } from './template-texts.ts';

/** What becomes of the caller's own messages of system and developer. */
export const CLIENT_RULES = ['refuse', 'demote', 'allow'] as const;
export type ClientRule = (typeof CLIENT_RULES)[number];

/** What is done about phrases of injection; from one to the next stricter. */
export const INJECTION_RULES = ['allow', 'flag', 'filter', 'block'] as const;
export type InjectionRule = (typeof INJECTION_RULES)[number];

const VARIABLE = /^[a-z][a-z0-9_]{0,31}$/;
/** What stands for a variable in a text. */
const PLACE = /\{\{([^{}]{0,64})\}\}/g;
const MAX_TEXT_CHARS = 32_000;
const MAX_VALUE_CHARS = 2000;

export const templateFields = {
  summary: z.string().max(300),
  text: z.string().min(1).max(MAX_TEXT_CHARS),
  /** By name what stands where a binding says nothing; null: it has to. */
  variables: z.record(z.string().regex(VARIABLE), z.string().max(MAX_VALUE_CHARS).nullable()),
  client: z.enum(CLIENT_RULES),
  injection: z.enum(INJECTION_RULES),
} as const;

const templateBody = z.strictObject({
  name: z.string(),
  version: z.int().positive(),
  ...templateFields,
  state: z.enum(['active', 'retired']),
  createdAt: z.iso.datetime(),
  createdBy: z.string(),
});
export type TemplateBody = z.infer<typeof templateBody>;

export interface Template extends TemplateBody {
  readonly builtIn: boolean;
}

export const SUBJECT = /^(?:token:[0-9A-Za-z]{12}|project:[A-Za-z0-9._-]{1,63})$/;

export const bindingFields = {
  subject: z.string().regex(SUBJECT, 'token:<id> or project:<id>'),
  template: z.string().max(63),
  /** Null: the newest. */
  version: z.int().positive().nullable(),
  values: z.record(z.string().regex(VARIABLE), z.string().max(MAX_VALUE_CHARS)),
  /** Null: as the template says. */
  client: z.enum(CLIENT_RULES).nullable(),
  injection: z.enum(INJECTION_RULES).nullable(),
} as const;

const bindingBody = z.strictObject({
  ...bindingFields,
  state: z.enum(['bound', 'unbound']),
  changedAt: z.iso.datetime(),
  changedBy: z.string(),
});
type BindingBody = z.infer<typeof bindingBody>;
export type Binding = Omit<BindingBody, 'state'>;

/** A template as it goes into the requests of a token. */
export interface BoundTemplate {
  /** `<name>@<version>`. */
  readonly id: string;
  /** The system message, as JSON. */
  readonly message: string;
  readonly client: ClientRule;
  readonly injection: InjectionRule;
}

interface Held {
  readonly id: string;
  readonly project: string | null;
}

export type TemplateRequest = z.infer<z.ZodObject<typeof templateFields>>;
export type BindingRequest = z.infer<z.ZodObject<typeof bindingFields>>;

export class Templates {
  readonly #deps: { readonly book: RecordBook; readonly clock: Clock };
  /** By name, oldest version first. */
  readonly #versions = new Map<string, Template[]>();
  readonly #bindings = new Map<string, BindingBody>();
  /** Of each bound subject what its calls get, or why they get nothing. */
  readonly #ready = new Map<string, BoundTemplate | SallyportError>();

  /** Throws `config.invalid` for a record that this version does not understand. */
  constructor(deps: { readonly book: RecordBook; readonly clock: Clock }) {
    this.#deps = deps;
    for (const text of BUILT_IN_TEMPLATES) this.#versions.set(text.name, [builtIn(text)]);
    deps.book.subscribe('template', (record) => this.#loadTemplate(record));
    deps.book.subscribe('template_binding', (record) => this.#loadBinding(record));
  }

  /** What is put into the calls of a token: its own binding's, else its project's; null without one. Throws `guard.template`. */
  of(token: Held): BoundTemplate | null {
    if (this.#ready.size === 0) return null;
    const bound =
      this.#ready.get(`token:${token.id}`) ??
      (token.project === null ? undefined : this.#ready.get(`project:${token.project}`));
    if (bound instanceof SallyportError) throw bound;
    return bound ?? null;
  }

  /** All versions of all templates. */
  list(): Template[] {
    return [...this.#versions.values()].flat();
  }

  /** A version, by default the newest. Throws `not_found`. */
  get(name: string, version?: number): Template {
    const versions = this.#versions.get(name);
    if (!versions) {
      const known = [...this.#versions.keys()];
      throw new SallyportError('not_found', `There is no template "${name.slice(0, 64)}".`, {
        fix: suggest(name, known, `The templates are ${known.join(', ')}.`),
      });
    }
    const found = version === undefined ? versions.at(-1) : versions.find((one) => one.version === version);
    if (found) return found;
    throw new SallyportError('not_found', `There is no version ${version ?? 0} of the template "${name}".`, {
      fix: `Its versions are ${versions.map((one) => one.version).join(', ')}.`,
    });
  }

  bindings(): Binding[] {
    return [...this.#bindings.values()]
      .filter(({ state }) => state === 'bound')
      .map((body) => {
        const { state: _, ...binding } = body;
        return binding;
      });
  }

  /** Adds the next version of a template, the first of a new name. Sallyport's own cannot be changed. Throws `input.invalid` or `conflict`. */
  async add(principal: string, name: string, request: TemplateRequest): Promise<Template> {
    checkName('template', name);
    checkPlaces(request);
    await this.#deps.book.change('template.add', principal, () => {
      const versions = this.#versions.get(name) ?? [];
      if (versions.some((one) => one.builtIn))
        throw new SallyportError(
          'conflict',
          `The template "${name}" comes with Sallyport and stays as it is.`,
          {
            fix: 'Choose another name.',
          },
        );
      const version = (versions.at(-1)?.version ?? 0) + 1;
      for (const binding of this.#followers(name)) checkValues(name, request.variables, binding);
      const by = { createdAt: this.#now(), createdBy: principal };
      return [templatePut(checkTemplate({ name, version, ...request, state: 'active', ...by }))];
    });
    return this.get(name);
  }

  /** Ends a version, or all of a name: whoever is bound to it is refused from then on. */
  async retire(principal: string, name: string, version?: number): Promise<Template[]> {
    await this.#deps.book.change('template.retire', principal, () => {
      const chosen =
        version === undefined ? (this.#versions.get(name) ?? [this.get(name)]) : [this.get(name, version)];
      if (chosen.some((one) => one.builtIn))
        throw new SallyportError('conflict', `The template "${name}" comes with Sallyport and stays.`, {
          fix: 'Bind another one instead: sallyport template bind',
        });
      return chosen
        .filter(({ state }) => state === 'active')
        .map((one) => {
          const { builtIn: _, ...body } = one;
          return templatePut({ ...body, state: 'retired' });
        });
    });
    return this.#versions.get(name) ?? [];
  }

  /** Puts a template into the calls of a token or project, in place of what was there. Throws `input.invalid` for values that do not fit. */
  async bind(principal: string, request: BindingRequest): Promise<BoundTemplate> {
    await this.#deps.book.change('template.bind', principal, () => {
      const body = checkBinding({ ...request, state: 'bound', changedAt: this.#now(), changedBy: principal });
      this.#checkValues(body);
      return [{ kind: 'template_binding', id: request.subject, body }];
    });
    const ready = this.#ready.get(request.subject);
    if (!ready || ready instanceof SallyportError) throw ready ?? new TypeError('A binding was not loaded.');
    return ready;
  }

  /** Takes a token's or project's template away. Throws `not_found` when there is none. */
  async unbind(principal: string, subject: string): Promise<void> {
    await this.#deps.book.change('template.unbind', principal, () => {
      const current = this.#bindings.get(subject);
      if (current?.state !== 'bound')
        throw new SallyportError('not_found', `No template is bound to ${subject.slice(0, 80)}.`, {
          fix: 'See what is bound: sallyport template bindings',
        });
      const by = { changedAt: this.#now(), changedBy: principal };
      return [{ kind: 'template_binding', id: subject, body: { ...current, state: 'unbound', ...by } }];
    });
  }

  #checkValues({ template: name, version, values }: BindingBody): void {
    const template = this.get(name, version ?? undefined);
    if (template.state === 'retired')
      throw invalid(
        `Version ${template.version} of the template "${name}" is retired.`,
        'Bind another version.',
      );
    checkValues(name, template.variables, { subject: null, values });
  }

  /** Bindings that go over to a new version by themselves. */
  #followers(name: string): BindingBody[] {
    return [...this.#bindings.values()].filter(
      ({ template, version, state }) => state === 'bound' && template === name && version === null,
    );
  }

  #loadTemplate(record: StoredRecord): void {
    const parsed = templateBody.safeParse(record.body);
    if (!parsed.success || recordId(parsed.data) !== record.id) throw notUnderstood('template', record.id);
    const { name, version } = parsed.data;
    const others = (this.#versions.get(name) ?? []).filter((one) => one.version !== version);
    const versions = [...others, { ...parsed.data, builtIn: false }].toSorted(
      (a, b) => a.version - b.version,
    );
    this.#versions.set(name, versions);
    for (const binding of this.#bindings.values()) if (binding.template === name) this.#prepare(binding);
  }

  #loadBinding(record: StoredRecord): void {
    const parsed = bindingBody.safeParse(record.body);
    if (!parsed.success || parsed.data.subject !== record.id)
      throw notUnderstood('template binding', record.id);
    this.#bindings.set(record.id, parsed.data);
    this.#prepare(parsed.data);
  }

  /** INVARIANT: what is bound is never without an entry here, so that a template that is missing refuses. */
  #prepare(binding: BindingBody): void {
    if (binding.state === 'unbound') {
      this.#ready.delete(binding.subject);
      return;
    }
    try {
      this.#checkValues(binding);
      this.#ready.set(
        binding.subject,
        ready(this.get(binding.template, binding.version ?? undefined), binding),
      );
    } catch (error) {
      const detail = error instanceof Error ? error.message : undefined;
      this.#ready.set(binding.subject, missing(binding, detail));
    }
  }

  #now(): string {
    return new Date(this.#deps.clock.wallMs()).toISOString();
  }
}

function ready(template: Template, binding: BindingBody): BoundTemplate {
  const values: Readonly<Record<string, string | null>> = { ...template.variables, ...binding.values };
  // Once over the text: what a value holds is never a place.
  const content = template.text.replaceAll(PLACE, (_, name: string) => values[name] ?? '');
  return {
    id: recordId(template),
    message: JSON.stringify({ role: 'system', content }),
    client: binding.client ?? template.client,
    injection: binding.injection ?? template.injection,
  };
}

function builtIn(text: (typeof BUILT_IN_TEMPLATES)[number]): Template {
  return {
    ...text,
    version: 1,
    client: 'refuse',
    injection: 'flag',
    state: 'active',
    createdAt: new Date(0).toISOString(),
    createdBy: 'sallyport',
    builtIn: true,
  };
}

function recordId({ name, version }: Pick<TemplateBody, 'name' | 'version'>): string {
  return `${name}@${version}`;
}

function templatePut(body: TemplateBody): RecordPut {
  return { kind: 'template', id: recordId(body), body };
}

/** Throws `input.invalid` for a place that no variable fills, and for a variable without a place. */
export function checkPlaces({ text, variables }: Pick<TemplateBody, 'text' | 'variables'>): void {
  const places = new Set([...text.matchAll(PLACE)].map(([, name = '']) => name));
  const unknown = [...places].find((name) => !Object.hasOwn(variables, name));
  if (unknown !== undefined)
    throw invalid(
      `The text has {{${unknown}}}, and there is no such variable.`,
      suggest(
        unknown,
        Object.keys(variables),
        `Add --variable ${unknown}=DEFAULT, or only the name when it has to be set.`,
      ),
    );
  const unused = Object.keys(variables).find((name) => !places.has(name));
  if (unused !== undefined)
    throw invalid(`The text has no {{${unused}}}.`, 'Take the variable out, or put its place into the text.');
}

/** Throws `input.invalid` for a value without a variable, and a variable without a value. */
function checkValues(
  name: string,
  variables: TemplateBody['variables'],
  { subject, values }: { readonly subject: string | null; readonly values: BindingBody['values'] },
): void {
  const known = Object.keys(variables);
  const whose = subject === null ? '' : `, which ${subject} follows,`;
  const strange = Object.keys(values).find((value) => !known.includes(value));
  if (strange !== undefined)
    throw invalid(
      `The template "${name}"${whose} has no variable "${strange}".`,
      suggest(strange, known, known.length === 0 ? 'It has none.' : `It has ${known.join(', ')}.`),
    );
  const missing = known.find((one) => variables[one] === null && values[one] === undefined);
  if (missing !== undefined)
    throw invalid(
      `The template "${name}"${whose} needs a value for ${missing}.`,
      subject === null
        ? `Add --set ${missing}=VALUE.`
        : `Give ${missing} a default, or bind ${subject} with a value first.`,
    );
}

/** What cannot be read back must never be stored: the next start would stop at it. */
function checkTemplate(body: TemplateBody): TemplateBody {
  const parsed = templateBody.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(
    `The template is not valid: ${z.prettifyError(parsed.error)}`,
    'Correct what the message names.',
  );
}

function checkBinding(body: BindingBody): BindingBody {
  const parsed = bindingBody.safeParse(body);
  if (parsed.success) return parsed.data;
  throw invalid(
    `The binding is not valid: ${z.prettifyError(parsed.error)}`,
    'Correct what the message names.',
  );
}

/** Of every call of the token or project: without its instructions nothing is sent. */
function missing({ subject, template, version }: BindingBody, detail: string | undefined): SallyportError {
  const which = version === null ? template : `${template}@${version}`;
  return new SallyportError('guard.template', 'The instructions that belong to this token are missing.', {
    detail: `${subject} is bound to the template ${which}: ${detail ?? 'not found'}`,
    fix: 'An operator can bind another version: sallyport template bind, or take it away: sallyport template unbind.',
  });
}

function notUnderstood(noun: string, id: string): SallyportError {
  return new SallyportError(
    'config.invalid',
    `The ${noun} record "${id}" is not one that this version understands.`,
    {
      fix: 'Start the version of Sallyport that wrote it.',
    },
  );
}

function invalid(message: string, fix: string): SallyportError {
  return new SallyportError('input.invalid', message, { fix });
}
