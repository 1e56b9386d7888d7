/** Prompt templates: versions, and whose calls they are put into. */
import { SallyportError } from '../core/errors.ts';
import type { BoundTemplate } from '../guard/templates.ts';
import type { AdminDeps, Handlers } from './admin.ts';
import type { RouteInput, RouteReply } from './contract.ts';
import { looksLikeCredential, refuseCredentials } from './credentials.ts';
import { type Principal, requireScope } from './principal.ts';

type Deps = Pick<AdminDeps, 'templates' | 'tokens' | 'teams'>;
type TemplateRoute =
  | 'template.list'
  | 'template.show'
  | 'template.add'
  | 'template.retire'
  | 'template.bindings'
  | 'template.bind'
  | 'template.unbind';

export function templateRoutes(deps: Deps): Handlers<TemplateRoute> {
  const { templates } = deps;
  return {
    'template.list': () => ({ templates: templates.list() }),
    'template.show': ({ params, query }) => templates.get(params.template, query.version),
    'template.add': ({ body }, principal) => {
      refuseCredentials([body.name, body.summary]);
      refuseSecrets([body.text, ...Object.values(body.variables ?? {})]);
      const { name, text, summary = '', variables = {}, client = 'refuse', injection = 'flag' } = body;
      return templates.add(principal.id, name, { text, summary, variables, client, injection });
    },
    'template.retire': async ({ params, body }, principal) => ({
      templates: await templates.retire(principal.id, params.template, body.version),
    }),
    'template.bindings': () => ({ bindings: templates.bindings() }),
    'template.bind': ({ body }, principal) => bind(deps, body, principal),
    'template.unbind': async ({ body }, principal) => {
      requireSubject(deps, principal, body.subject);
      await templates.unbind(principal.id, body.subject);
      return { subject: body.subject };
    },
  };
}

async function bind(
  deps: Deps,
  body: RouteInput<'template.bind'>['body'],
  principal: Principal,
): Promise<RouteReply<'template.bind'>> {
  const { subject, template, values = {}, client = null, injection = null, follow = false } = body;
  requireSubject(deps, principal, subject);
  refuseSecrets(Object.values(values));
  if (follow && body.version !== undefined) {
    throw new SallyportError('input.invalid', 'A version that is named does not follow newer ones.', {
      fix: 'Leave one of them out.',
    });
  }
  const version = follow ? null : (body.version ?? deps.templates.get(template).version);
  const bound = await deps.templates.bind(principal.id, {
    subject,
    template,
    version,
    values,
    client,
    injection,
  });
  return boundShape(subject, bound);
}

/** Who may change what a token or project sends: whoever may change the token or project. Throws `not_found` or `admin.forbidden`. */
function requireSubject({ tokens, teams }: Deps, principal: Principal, subject: string): void {
  const [kind, id = ''] = subject.split(':');
  requireScope(principal, kind === 'token' ? 'tokens:write' : 'teams:write');
  if (kind === 'project') {
    teams.getProject(id);
    return;
  }
  const token = tokens.get(id);
  if (token.type === 'admin')
    throw new SallyportError('input.invalid', 'An admin token makes no calls.', {
      fix: 'Bind the template to a token of a team, or to a project.',
    });
}

function boundShape(subject: string, bound: BoundTemplate): RouteReply<'template.bind'> {
  const { id: template, client, injection, message } = bound;
  const { content: text } = JSON.parse(message) as { content: string };
  return { subject, template, client, injection, text };
}

/** Throws `input.invalid` for a text that holds a key: it would go to the provider with every call, and into the journal. */
function refuseSecrets(texts: readonly (string | null)[]): void {
  if (!texts.some((text) => text !== null && looksLikeCredential(text))) return;
  throw new SallyportError('input.invalid', 'The text holds something that looks like a key.', {
    fix: 'Take it out. If it is one, rotate it: it was sent in the wrong place.',
  });
}
