import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { MemoryStore, openMemoryBook } from '../../test/support/memory-store.ts';
import { refusalOf, rejectionOf } from '../../test/support/refusal.ts';
import { testKeyring } from '../../test/support/test-keyring.ts';
import type { ControlEntry } from '../records/records.ts';
import type { Keyring } from '../vault/keyring.ts';
import { BUILT_IN_TEMPLATES } from './template-texts.ts';
import { type BindingRequest, type TemplateRequest, Templates } from './templates.ts';

const keyring: Keyring = await testKeyring();
const TOKEN = { id: '0aB1cD2eF3gH', project: 'bot' };
const TEXT: TemplateRequest = {
  summary: '',
  text: 'You help {{who}}, {{tone}}.',
  variables: { who: null, tone: 'kindly' },
  client: 'demote',
  injection: 'block',
};
const BINDING: BindingRequest = {
  subject: `token:${TOKEN.id}`,
  template: 'desk',
  version: null,
  values: { who: 'Ada' },
  client: null,
  injection: null,
};

interface Opened {
  readonly store: MemoryStore;
  readonly templates: Templates;
  readonly journal: readonly ControlEntry[];
}

async function open(store = new MemoryStore()): Promise<Opened> {
  const { book, journal } = await openMemoryBook(store, keyring);
  return { store, journal, templates: new Templates({ book, clock: new ManualClock() }) };
}

const textOf = (templates: Templates, token = TOKEN): string =>
  (JSON.parse(templates.of(token)?.message ?? '{}') as { content: string }).content;

test.each(BUILT_IN_TEMPLATES.map((one) => [one.name, one] as const))(
  'the template %s has a place for each of its variables',
  async (name, { text, variables }) => {
    const places = new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, one]) => one));
    expect(places).toEqual(new Set(Object.keys(variables)));
    const { templates } = await open();
    expect(templates.get(name)).toMatchObject({
      version: 1,
      builtIn: true,
      client: 'refuse',
      injection: 'flag',
    });
    expect((await rejectionOf(templates.add('local', name, { ...TEXT }))).code).toBe('conflict');
    expect((await rejectionOf(templates.retire('local', name))).code).toBe('conflict');
  },
);

test('what is bound is the text with its values, as one system message, also after a restart', async () => {
  const { templates, store, journal } = await open();
  await templates.add('local', 'desk', TEXT);
  const bound = await templates.bind('local', BINDING);
  expect(bound).toMatchObject({ id: 'desk@1', client: 'demote', injection: 'block' });
  expect(JSON.parse(bound.message)).toEqual({ role: 'system', content: 'You help Ada, kindly.' });
  expect(journal.map(({ action }) => action)).toEqual(['template.add', 'template.bind']);
  const again = await open(store);
  expect(again.templates.of(TOKEN)).toEqual(bound);
  expect(again.templates.of({ id: 'other1234567', project: 'bot' })).toBeNull();
});

test('what a value holds is text, never a place of its own', async () => {
  const { templates } = await open();
  await templates.add('local', 'desk', TEXT);
  await templates.bind('local', { ...BINDING, values: { who: '{{tone}} "x" \\ $& $1', tone: '{{who}}' } });
  expect(textOf(templates)).toBe('You help {{tone}} "x" \\ $& $1, {{who}}.');
});

test('a version never changes; a binding stays at its own, unless it follows', async () => {
  const { templates } = await open();
  await templates.add('local', 'desk', TEXT);
  await templates.bind('local', { ...BINDING, version: 1 });
  await templates.bind('local', { ...BINDING, subject: 'project:bot' });
  await templates.add('local', 'desk', { ...TEXT, text: 'New: {{who}} {{tone}}' });
  expect(textOf(templates)).toBe('You help Ada, kindly.');
  expect(textOf(templates, { id: 'other1234567', project: 'bot' })).toBe('New: Ada kindly');
  expect(templates.get('desk', 1).text).toBe(TEXT.text);
  expect(templates.get('desk').version).toBe(2);
});

test('a version that would leave a follower without a value is refused', async () => {
  const { templates } = await open();
  await templates.add('local', 'desk', TEXT);
  await templates.bind('local', BINDING);
  const more = { ...TEXT, text: '{{who}} {{tone}} {{city}}', variables: { ...TEXT.variables, city: null } };
  const refused = await rejectionOf(templates.add('local', 'desk', more));
  expect([refused.code, refused.message]).toEqual([
    'input.invalid',
    expect.stringContaining(BINDING.subject),
  ]);
  expect(templates.get('desk').version).toBe(1);
  const fewer = { ...TEXT, text: '{{tone}}', variables: { tone: 'x' } };
  expect((await rejectionOf(templates.add('local', 'desk', fewer))).code).toBe('input.invalid');
});

test("a token's own template goes before its project's; without it the project's is there again", async () => {
  const { templates } = await open();
  await templates.add('local', 'desk', TEXT);
  await templates.bind('local', { ...BINDING, subject: 'project:bot', values: { who: 'everybody' } });
  expect(textOf(templates)).toBe('You help everybody, kindly.');
  await templates.bind('local', BINDING);
  expect(textOf(templates)).toBe('You help Ada, kindly.');
  await templates.unbind('local', BINDING.subject);
  expect(textOf(templates)).toBe('You help everybody, kindly.');
  expect(templates.of({ ...TOKEN, project: null })).toBeNull();
  expect((await rejectionOf(templates.unbind('local', BINDING.subject))).code).toBe('not_found');
  expect(templates.bindings().map(({ subject }) => subject)).toEqual(['project:bot']);
});

describe('what is missing refuses', () => {
  test('a retired version, of whoever is bound to it and nobody else, also after a restart', async () => {
    const { templates, store } = await open();
    await templates.add('local', 'desk', TEXT);
    await templates.add('local', 'desk', TEXT);
    await templates.bind('local', { ...BINDING, version: 1 });
    await templates.bind('local', { ...BINDING, subject: 'project:bot', version: 2 });
    await templates.retire('local', 'desk', 1);
    for (const place of [templates, (await open(store)).templates]) {
      const refused = refusalOf(() => place.of(TOKEN));
      expect([refused.code, refused.retryable]).toEqual(['guard.template', false]);
      // Not the project's instead: what was bound is what was meant.
      expect(refused.detail).toContain('desk@1');
      expect(textOf(place, { id: 'other1234567', project: 'bot' })).toBe('You help Ada, kindly.');
    }
    expect((await rejectionOf(templates.bind('local', { ...BINDING, version: 1 }))).message).toContain(
      'retired',
    );
    await templates.bind('local', { ...BINDING, version: 2 });
    expect(textOf(templates)).toBe('You help Ada, kindly.');
  });

  test('a record of a template that is gone', async () => {
    const { templates, store } = await open();
    await templates.add('local', 'desk', TEXT);
    await templates.bind('local', BINDING);
    const { book } = await openMemoryBook(store, keyring);
    // As a database would be that lost it, if the digest of all rows did not stop the start before.
    const partial = Object.create(book) as typeof book;
    partial.subscribe = (kind, listener) =>
      kind === 'template' ? undefined : book.subscribe(kind, listener);
    const place = new Templates({ book: partial, clock: new ManualClock() });
    expect(refusalOf(() => place.of(TOKEN)).code).toBe('guard.template');
  });
});

test.each<[string, Partial<TemplateRequest>]>([
  ['a place that no variable fills', { text: '{{who}} {{tone}} {{city}}' }],
  ['a place named like what every object has', { text: '{{constructor}}', variables: {} }],
  ['a variable without a place', { text: 'nothing' }],
  ['a variable that is no name', { text: '{{Who}}', variables: { Who: null } }],
  ['no text', { text: '', variables: {} }],
  ['too long a text', { text: 'x'.repeat(32_001), variables: {} }],
])('refused: %s', async (_, change) => {
  const { templates, store } = await open();
  expect((await rejectionOf(templates.add('local', 'desk', { ...TEXT, ...change }))).code).toBe(
    'input.invalid',
  );
  expect(store.records).toEqual([]);
});

test.each<[string, Partial<BindingRequest>, string]>([
  ['a template that there is not', { template: 'dsk' }, 'not_found'],
  ['a version that there is not', { version: 7 }, 'not_found'],
  ['a missing value', { values: {} }, 'input.invalid'],
  ['a value without a variable', { values: { who: 'x', whom: 'y' } }, 'input.invalid'],
  ['a subject of another kind', { subject: 'team:acme' }, 'input.invalid'],
])('not bound: %s', async (_, change, code) => {
  const { templates } = await open();
  await templates.add('local', 'desk', TEXT);
  const refused = await rejectionOf(templates.bind('local', { ...BINDING, ...change }));
  expect(refused.code).toBe(code as typeof refused.code);
  expect(templates.of(TOKEN)).toBeNull();
});
