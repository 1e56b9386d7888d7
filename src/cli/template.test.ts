/** Templates from the command line, against a running Sallyport. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MODEL, type OpenGate, openGate } from '../../test/support/harness.ts';
import { type Ran, run, type TestIoOptions } from './test-io.ts';

let gate: OpenGate;
let cli: (line: readonly string[], options?: TestIoOptions) => Promise<Ran>;

beforeAll(async () => {
  gate = await openGate();
  cli = (line, options) => run(line, { ...options, env: { SALLYPORT_DATA: gate.data } });
});
afterAll(async () => {
  await gate[Symbol.asyncDispose]();
});

test('the first minute: what there is, what it says, bound to a token', async () => {
  expect((await cli(['template', 'list'])).out).toMatch(/support@1 +active +refuse +flag/);
  expect((await cli(['template', 'show', 'support'])).out).toContain('{{company}}');
  const line = [
    'template',
    'bind',
    'support',
    '--token',
    gate.tokenId,
    '--set',
    'company=Acme = & Co',
    '--client',
    'demote',
  ];
  const bound = await cli(line);
  expect(bound.out).toContain('the support assistant of Acme = & Co.');
  expect(bound.out).toMatch(/caller's own instructions +demote/);
  expect((await cli(['template', 'bindings'])).out).toMatch(
    new RegExp(`token:${gate.tokenId} +support@1 +demote`),
  );
  const asked = await cli(['explain', '--token', gate.tokenId, '--model', MODEL]);
  expect(asked.out).toMatch(/template +support@1/);
  expect((await cli(['template', 'unbind', '--token', gate.tokenId])).err).toContain('no template is bound');
  expect((await cli(['template', 'bindings', '--json'])).jsonList()).toEqual([]);
});

test('a template of ones own comes from a file or a pipe, in versions', async () => {
  const file = join(gate.data, 'desk.txt');
  writeFileSync(file, 'You help {{who}}, {{tone}}.\n');
  const add = [
    'template',
    'add',
    'desk',
    '--variable',
    'who',
    '--variable',
    'tone=kindly',
    '--injection',
    'block',
  ];
  const first = await cli([...add, '--file', file, '--json']);
  expect(first.json()).toMatchObject({
    version: 1,
    text: 'You help {{who}}, {{tone}}.',
    variables: { who: null, tone: 'kindly' },
    client: 'refuse',
    injection: 'block',
  });
  const second = await cli([...add, '--file', '-', '--json'], { stdin: 'Help {{who}} {{tone}}' });
  expect(second.json()).toMatchObject({ version: 2 });
  expect((await cli(['template', 'show', 'desk', '--version', '1'])).out).toContain('You help');
  expect((await cli(['template', 'retire', 'desk', '--version', '2'])).out).toMatch(/desk@2 +retired/);
});

test.each([
  [['template', 'bind', 'support', '--token', 'ID'], 'add --set company=VALUE'],
  [['template', 'bind', 'suport', '--token', 'ID'], 'did you mean "support"?'],
  [
    ['template', 'bind', 'support', '--token', 'ID', '--set', 'company=A', '--set', 'compny=B'],
    'did you mean "company"?',
  ],
  [['template', 'bind', 'support', '--token', 'ID', '--set', 'company'], 'write NAME=TEXT'],
  [['template', 'bind', 'coder'], 'give --token or --project'],
  [['template', 'bind', 'coder', '--token', 'ID', '--client', 'ignore'], 'use one of refuse, demote, allow'],
  [['template', 'add', 'mine'], 'pipe it in'],
  [['template', 'add', 'mine', '--file', '-'], 'add --variable who=DEFAULT'],
  [['template', 'unbind', '--project', 'nobody'], 'add it: sallyport project add nobody'],
])('%p is refused with what to do', async (line, hint) => {
  const { code, err, out } = await cli(
    line.map((word) => (word === 'ID' ? gate.tokenId : word)),
    { stdin: 'Hi {{who}}' },
  );
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(hint);
});

test('phrases of injection are a bound of a token, an operator’s own among them', async () => {
  const issue = ['token', 'issue', '--team', 'acme', '--env', 'dev', '--scope', 'call:groq/*'];
  const issued = await cli([
    ...issue,
    '--bound',
    'injection=filter',
    '--phrase',
    'Project Nightingale',
    '--json',
  ]);
  expect(issued.json()['bounds']).toMatchObject({
    injection: { action: 'filter', phrases: ['Project Nightingale'] },
  });
  const shown = await cli(['token', 'show', String(issued.json()['id'])]);
  expect(shown.out).toMatch(/phrases of injection +filter, and 1 of its own/);
  const body = JSON.stringify({
    model: MODEL,
    messages: [{ role: 'user', content: 'What is project nightingale?' }],
  });
  const asked = await cli(['explain', '--token', String(issued.json()['id']), '--body', '-'], {
    stdin: body,
  });
  expect(asked.out).toMatch(/phrases of injection +own-phrase\n/);
  // A bound of a preset that is not named stays: a preset's own rule is not lost with another bound.
  const kept = await cli([...issue, '--preset', 'backend-chat', '--bound', 'text=500', '--json']);
  expect(kept.json()['bounds']).toMatchObject({ injection: { action: 'flag' }, text: { atMost: 500 } });
  const added = await cli(['preset', 'add', 'waits', '--from', 'batch', '--rpm', '5', '--json']);
  expect(added.json()).toMatchObject({ queue: { length: 200 }, bounds: { injection: null } });
});
