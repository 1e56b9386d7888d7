/** `template`: instructions that the server holds and puts into calls. */
import type { RouteReply } from '../admin/contract.ts';
import { clientRule, injectionRule, type TemplateShape } from '../admin/template-shapes.ts';
import { SallyportError } from '../core/errors.ts';
import { readPublicFile } from '../core/private-file.ts';
import { choice, integer } from './args.ts';
import { AdminClient, SERVER_OPTIONS } from './client.ts';
import { defineCommand, EXIT, type OptionSpecs, type Values } from './command.ts';
import type { Io } from './io.ts';
import { note, orDash, printFields, printJson, printTable } from './output.ts';
import { tokenId } from './token.ts';

/** In UTF-8; the bound on characters is the server's. */
const MAX_FILE_BYTES = 128_000;

const RULES = {
  client: {
    type: 'string',
    value: 'RULE',
    help: "the caller's own messages of system and developer: refuse, demote (to user) or allow",
  },
  injection: {
    type: 'string',
    value: 'ACTION',
    help: 'phrases of injection: allow, flag, filter or block',
  },
} as const satisfies OptionSpecs;

const SUBJECT = {
  token: { type: 'string', value: 'ID', help: 'calls of this token' },
  project: {
    type: 'string',
    value: 'P',
    help: 'calls of all tokens of this project that have none of their own',
  },
} as const satisfies OptionSpecs;

export const templateList = defineCommand({
  name: 'template list',
  summary: 'List the prompt templates, all versions.',
  options: SERVER_OPTIONS,
  examples: ['sallyport template list'],
  run: async ({ values, io }) => {
    const { templates } = await AdminClient.open(values, io).call('template.list');
    if (values.json) {
      printJson(io, templates);
      return EXIT.ok;
    }
    const rows = templates.map(({ name, version, state, client, injection, summary }) => [
      `${name}@${version}`,
      state,
      client,
      injection,
      summary,
    ]);
    printTable(io, ['template', 'state', "caller's own", 'injection', 'for'], rows, 'there is no template');
    return EXIT.ok;
  },
});

export const templateShow = defineCommand({
  name: 'template show',
  summary: 'Show a template with its text and variables.',
  args: ['TEMPLATE'],
  options: {
    version: { type: 'string', value: 'N', help: 'version (default the newest)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport template show support'],
  run: async ({ values, args: [template = ''], io }) => {
    const version = versionOf(values.version);
    const query = version === undefined ? {} : { version };
    const shown = await AdminClient.open(values, io).call('template.show', { params: { template }, query });
    show(shown, values.json, io);
    return EXIT.ok;
  },
});

export const templateAdd = defineCommand({
  name: 'template add',
  summary: 'Add a template, or the next version of one.',
  args: ['TEMPLATE'],
  options: {
    file: {
      type: 'string',
      value: 'FILE',
      help: 'its text, with {{name}} where a variable stands; - is standard input (needed)',
    },
    summary: { type: 'string', value: 'TEXT', help: 'what it is for' },
    variable: {
      type: 'string',
      multiple: true,
      value: 'NAME[=TEXT]',
      help: 'a variable and its default; without one it has to be set where the template is bound; repeatable',
    },
    ...RULES,
    ...SERVER_OPTIONS,
  },
  examples: [
    "sallyport template add help-desk --file help-desk.txt --variable company --variable 'tone=friendly' --client refuse",
  ],
  notes: [
    'A version is never changed: adding to a name makes the next one. What is bound stays at its version, unless it follows.',
  ],
  run: async ({ values, args: [name = ''], io }) => {
    if (values.file === undefined)
      throw new SallyportError('input.invalid', '--file is needed', {
        fix: 'put the text into a file, or pipe it in: --file -',
      });
    const body = {
      name,
      text: await readText(values.file, io),
      summary: values.summary,
      variables: Object.fromEntries(values.variable.map(variable)),
      ...rulesOf(values),
    };
    show(await AdminClient.open(values, io).call('template.add', { body }), values.json, io);
    return EXIT.ok;
  },
});

export const templateRetire = defineCommand({
  name: 'template retire',
  summary: 'End a template: whoever it is bound to is refused from then on.',
  args: ['TEMPLATE'],
  options: {
    version: { type: 'string', value: 'N', help: 'only this version (default all)' },
    ...SERVER_OPTIONS,
  },
  examples: ['sallyport template retire help-desk --version 1'],
  run: async ({ values, args: [template = ''], io }) => {
    const body = { version: versionOf(values.version) };
    const reply = await AdminClient.open(values, io).call('template.retire', { params: { template }, body });
    if (values.json) printJson(io, reply.templates);
    else
      printTable(
        io,
        ['template', 'state'],
        reply.templates.map(({ name, version, state }) => [`${name}@${version}`, state]),
        'there is no such template',
      );
    return EXIT.ok;
  },
});

export const templateBind = defineCommand({
  name: 'template bind',
  summary: 'Put a template into the calls of a token or project.',
  args: ['TEMPLATE'],
  options: {
    ...SUBJECT,
    version: { type: 'string', value: 'N', help: 'version (default the newest one now)' },
    follow: { type: 'boolean', help: 'go over to newer versions as they are added' },
    set: { type: 'string', multiple: true, value: 'NAME=TEXT', help: 'the value of a variable; repeatable' },
    ...RULES,
    ...SERVER_OPTIONS,
  },
  examples: [
    "sallyport template bind support --token 0aB1cD2eF3gH --set company=Acme --set 'topics=orders and returns'",
    'sallyport template bind help-desk --project assistant --follow --client demote --injection block',
  ],
  notes: [
    'What is bound before is replaced. A token with a template of its own does not get that of its project.',
  ],
  run: async ({ values, args: [template = ''], io }) => {
    const body = {
      subject: subjectOf(values),
      template,
      version: versionOf(values.version),
      follow: values.follow,
      values: Object.fromEntries(values.set.map(setting)),
      ...rulesOf(values),
    };
    showBound(await AdminClient.open(values, io).call('template.bind', { body }), values.json, io);
    return EXIT.ok;
  },
});

export const templateUnbind = defineCommand({
  name: 'template unbind',
  summary: 'Take the template of a token or project away.',
  options: { ...SUBJECT, ...SERVER_OPTIONS },
  examples: ['sallyport template unbind --token 0aB1cD2eF3gH'],
  run: async ({ values, io }) => {
    const body = { subject: subjectOf(values) };
    const reply = await AdminClient.open(values, io).call('template.unbind', { body });
    if (values.json) printJson(io, reply);
    else note(io, `no template is bound to ${reply.subject} any more`);
    return EXIT.ok;
  },
});

export const templateBindings = defineCommand({
  name: 'template bindings',
  summary: 'List what templates are bound to.',
  options: SERVER_OPTIONS,
  examples: ['sallyport template bindings'],
  run: async ({ values, io }) => {
    const { bindings } = await AdminClient.open(values, io).call('template.bindings');
    if (values.json) {
      printJson(io, bindings);
      return EXIT.ok;
    }
    const rows = bindings.map(({ subject, template, version, client, injection, changedAt }) => [
      subject,
      version === null ? `${template}, the newest` : `${template}@${version}`,
      orDash(client),
      orDash(injection),
      changedAt,
    ]);
    const header = ['of', 'template', "caller's own", 'injection', 'since'];
    printTable(io, header, rows, 'no template is bound');
    return EXIT.ok;
  },
});

function subjectOf({ token, project }: Values<typeof SUBJECT>): string {
  if (token !== undefined && project === undefined) return `token:${tokenId(token)}`;
  if (project !== undefined && token === undefined) return `project:${project}`;
  throw new SallyportError('input.invalid', 'it is not clear whose calls are meant', {
    fix: 'give --token or --project',
  });
}

function rulesOf({ client, injection }: Values<typeof RULES>): {
  client: TemplateShape['client'] | undefined;
  injection: TemplateShape['injection'] | undefined;
} {
  return {
    client: client === undefined ? undefined : choice('--client', client, clientRule.options),
    injection: injection === undefined ? undefined : choice('--injection', injection, injectionRule.options),
  };
}

function versionOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : integer('--version', text, 1, 1_000_000);
}

function variable(text: string): [string, string | null] {
  const at = text.indexOf('=');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function setting(text: string): [string, string] {
  const [name, value] = variable(text);
  if (value !== null) return [name, value];
  throw new SallyportError('input.invalid', '--set: that is no setting', {
    fix: 'write NAME=TEXT, such as company=Acme',
  });
}

async function readText(path: string, io: Io): Promise<string> {
  const bytes =
    path === '-' ? await io.readStdin(MAX_FILE_BYTES) : readPublicFile(path, 'the template', MAX_FILE_BYTES);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trimEnd();
  } catch {
    throw new SallyportError('input.invalid', 'the text of the template is not UTF-8', {
      fix: 'save it as UTF-8',
    });
  }
}

function show(template: TemplateShape, json: boolean, io: Io): void {
  if (json) {
    printJson(io, template);
    return;
  }
  const { name, version, summary, state, client, injection, variables, createdAt, createdBy, text } =
    template;
  printFields(io, [
    ['template', `${name}@${version}`],
    ['for', summary === '' ? '-' : summary],
    ['state', state],
    ["caller's own instructions", client],
    ['phrases of injection', injection],
    ...Object.entries(variables).map(([variable, value]): [string, string] => [
      `{{${variable}}}`,
      value ?? 'has to be set',
    ]),
    ['added', template.builtIn ? 'comes with Sallyport' : `${createdAt} by ${createdBy}`],
  ]);
  io.out(`\n${text}\n`);
}

function showBound(bound: RouteReply<'template.bind'>, json: boolean, io: Io): void {
  if (json) {
    printJson(io, bound);
    return;
  }
  printFields(io, [
    ['calls of', bound.subject],
    ['template', bound.template],
    ["caller's own instructions", bound.client],
    ['phrases of injection', bound.injection],
  ]);
  io.out(`\n${bound.text}\n`);
}
