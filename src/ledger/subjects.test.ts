import { expect, test } from 'bun:test';
import { callsOf, checkSubject, pathOf } from './subjects.ts';

test("a call's path is token, team, project, environment, organization", () => {
  const token = { id: 'tok', team: 'chat', project: 'bot', environment: 'prod' };
  expect(pathOf(token)).toEqual({
    limits: ['token:tok', 'team:chat'],
    budgets: ['token:tok', 'team:chat', 'project:bot', 'env:chat/prod', 'org'],
  });
  expect(pathOf(token)).toBe(pathOf(token));
  expect(pathOf({ ...token, project: null }).budgets).not.toContain('project:bot');
});

test('the index finds the calls of every subject on a path, and only those', () => {
  const token = { id: 'tok', team: 'chat', project: 'bot', environment: 'prod' };
  expect(pathOf(token).budgets.map(callsOf)).toEqual([
    { tokenId: 'tok' },
    { team: 'chat' },
    { project: 'bot' },
    { team: 'chat', environment: 'prod' },
    {},
  ]);
});

test('what is no subject is refused: a budget for it would limit nobody', () => {
  for (const bad of [
    '',
    'team:',
    'team',
    'env:prod',
    'env:a/b/c',
    'org:x',
    'user:u',
    'team:a b',
    'TEAM:a',
    'org\n',
  ]) {
    expect(() => checkSubject(bad)).toThrow(expect.objectContaining({ code: 'input.invalid' }));
  }
});
