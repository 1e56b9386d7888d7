import { describe, expect, test } from 'bun:test';
import { randomBase62 } from '../core/ids.ts';
import { readDocument } from './read-document.ts';
import { problemLines } from './test-contract.ts';

describe('YAML', () => {
  test.each([
    [
      'a name twice',
      'version: 1\nteams:\n  a: {}\n  a: {}',
      ['4:3 the same name is there twice; leave one of them out'],
    ],
    [
      'an alias',
      'version: 1\nenvironments: &e [x]\nteams: *e',
      ['3:8 aliases (*name) are not read; write the value out where it is used'],
    ],
    ['a tag', 'version: 1\nteams: !!binary aGk=', ['2:17 tags (!name) are not read; leave the tag out']],
    ['an own tag', 'version: 1\nteams: !run x', ['2:13 tags (!name) are not read; leave the tag out']],
    ['two documents', 'version: 1\n---\nversion: 1', ['2:1 there is a second document; one file holds one']],
    ['another YAML', '%YAML 1.1\n---\nversion: 1', ['1:1 only YAML 1.2 is read; leave the %YAML line out']],
    ['nothing', '# only a comment\n', ['1:1 there is nothing in it; begin with: version: 1']],
    ['a list as name', 'version: 1\n? [a]\n: 1', ['2:3 a name is a plain word']],
    ['__proto__', 'version: 1\nteams:\n  __proto__: {}', ['3:3 that cannot be a name']],
    ['a tab', 'version: 1\nteams:\n\ta: {}', ['3:1 Tabs are not allowed as indentation']],
    ['a list', '- version: 1', ['1:1 the document: expected object, received array']],
  ])('%s is refused, with its line', (_, text, lines) => {
    expect(problemLines(text)).toEqual(lines);
  });

  test('what is nested without end is refused, and quickly', () => {
    for (const open of ['[', '{a: '])
      expect(problemLines(`version: ${open.repeat(20_000)}`)[0]).toContain('nested too deeply');
    expect(problemLines(`version: ${'['.repeat(50)}${']'.repeat(50)}`)[0]).toContain('nested too deeply');
  });

  test('thousands of names cost one pass', () => {
    const many = Array.from({ length: 5000 }, (_, index) => `  t${index}: {}`).join('\n');
    expect(readDocument(`version: 1\nteams:\n${many}\n`).ok).toBe(true);
  });

  test('JSON is read as it is', () => {
    const document = { version: 1, teams: { chat: { monthlyBudgetUsd: 0.1, allowedModels: ['a/*'] } } };
    for (const text of [JSON.stringify(document), JSON.stringify(document, null, '\t')]) {
      const read = readDocument(text);
      expect(read.ok && read.value.document.teams?.['chat']?.monthlyBudgetUsd).toBe('0.1');
    }
  });

  test('an amount keeps the digits that were written', () => {
    for (const written of ['0.10', '"0.10"', '123456.123456789012', '250']) {
      const read = readDocument(`version: 1\nbudgets:\n  org:\n    day: { limitUsd: ${written} }`);
      expect(read.ok && read.value.document.budgets?.['org']?.day?.limitUsd).toBe(
        written.replaceAll('"', ''),
      );
    }
    for (const written of ['1e3', '.5', '0x10', '-1', '+5', '.inf', '5.'])
      expect(problemLines(`version: 1\nbudgets:\n  org:\n    day: { limitUsd: ${written} }`)[0]).toStartWith(
        '4:22 limitUsd is not an amount',
      );
    for (const written of ['"1e3"', '0', '1000000.01', '"free"', 'yes'])
      expect(problemLines(`version: 1\nbudgets:\n  org:\n    day: { limitUsd: ${written} }`)[0]).toStartWith(
        '4:12 budgets.org.day.limitUsd',
      );
  });

  test('a key is found wherever it is, and not repeated', () => {
    const key = ['g', 'sk_', randomBase62(52)].join('');
    for (const text of [
      `version: 1\nteams:\n  ${key}: {}`,
      `version: 1\nenvironments: [dev, ${key}]`,
      `version: 1\nsecret: "${key}"`,
      `version: 1 # ${key}`,
      `version: 1\nsecret: |\n  some\n  ${key}\n  more`,
    ]) {
      const [line = '', ...more] = problemLines(text);
      expect(line).toContain('this looks like a key or a token');
      expect([more, line.includes(key.slice(0, 12))]).toEqual([[], false]);
    }
  });
});

describe('the document', () => {
  test('an unknown field is refused with the nearest name, or with the names that there are', () => {
    const text = [
      'version: 1',
      'team: {}',
      'teams:',
      '  chat:',
      '    allowdModels: [x]',
      '    colour: red',
      'budgets:',
      '  org: { mouth: { limitUsd: 1 } }',
    ].join('\n');
    expect(problemLines(text)).toEqual([
      '2:1 unknown field "team"; did you mean "teams"?',
      '5:5 unknown field "allowdModels" in teams.chat; did you mean "allowedModels"?',
      '6:5 unknown field "colour" in teams.chat; it takes allowedModels, maxTokensPerRequest, monthlyBudgetUsd, rateLimitRPM, concurrency',
      '8:10 unknown field "mouth" in budgets.org; did you mean "month"?',
    ]);
  });

  test('what is missing or does not fit is named with its place', () => {
    const text = [
      'teams:',
      '  "no name": {}',
      '  chat: { rateLimitRPM: 1.5, allowedModels: ["*a"] }',
      'projects:',
      '  bot: {}',
      'limits:',
      '  token:0aB1cD2eF3gH: {}',
      '  team:chat: { zone: Mars/Base }',
      'budgets:',
      '  team:chat: { week: {} }',
    ].join('\n');
    expect(problemLines(text).map((line) => line.slice(0, 60))).toEqual([
      '1:1 version is missing',
      '2:3 a name has 1 to 63 letters, digits, dots, hyphens or und',
      '3:11 teams.chat.rateLimitRPM: expected int, received number',
      '3:46 teams.chat.allowedModels.0: a model name, with at most ',
      '5:3 projects.bot.team is missing',
      '7:3 limits are those of a team or key: write team:TEAM or ke',
      '8:16 limits.team:chat.zone: a time zone is a name of the IAN',
    ]);
  });

  test('an amount that is stated twice has to be the same', () => {
    const text = (more: string): string =>
      `version: 1\nteams: { chat: { monthlyBudgetUsd: "250" } }\nbudgets:\n  team:chat:\n    month: ${more}`;
    expect(problemLines(text('{ limitUsd: 250.00 }'))).toEqual([]);
    expect(problemLines(text('{ zone: Europe/Berlin }'))).toEqual([]);
    expect(problemLines(text('{ limitUsd: 300 }'))).toEqual([
      '5:14 the monthlyBudgetUsd of the team is another amount; leave one of them out',
    ]);
  });
});
