import { expect, test } from 'bun:test';
import { zip } from '../test-archives.ts';
import { groqKey, scanContent } from './test-content.ts';

const KEY = groqKey();

test('a finding in a Slack export says the channel, the time and who wrote it, once a message', async () => {
  const day = [
    { user: 'U01', ts: '1767607872.000100', text: 'good morning' },
    {
      user: 'U02',
      user_profile: { real_name: 'Ann Example' },
      ts: '1767607932.000100',
      text: `the key is \u003chttp://x.example|${KEY}\u003e`,
      blocks: [{ type: 'rich_text', elements: [{ type: 'text', text: `the key is ${KEY}` }] }],
    },
    { user: 'U03', ts: '1767607992.000100', text: `you mean ${KEY}?` },
  ];
  const archive = zip({
    'users.json': JSON.stringify([{ id: 'U01', name: 'ann' }]),
    'general/2026-01-05.json': JSON.stringify(day, null, 4),
  });
  const { places, problems } = await scanContent('export.zip', archive);
  expect(problems).toEqual([]);
  expect(places).toEqual([
    'export.zip!general/2026-01-05.json:13:47 (#general, 2026-01-05T10:12:12.000Z, Ann Example)',
    'export.zip!general/2026-01-05.json:29:27 (#general, 2026-01-05T10:13:12.000Z, U03)',
  ]);
});

test('exports of Discord, Telegram and Teams are told by how they begin', async () => {
  const content = `look: ${KEY}`;
  const exports = {
    'discord.json': {
      guild: { id: '1', name: 'g' },
      channel: { name: 'help' },
      messages: [{ timestamp: '2026-01-05T10:12:12+00:00', content, author: { name: 'ann' } }],
    },
    'result.json': {
      name: 'ops',
      type: 'private_group',
      messages: [{ date: '2026-01-05T10:12:12', from: 'ann', text: content }],
    },
    'teams.json': {
      '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#Collection(chatMessage)',
      value: [
        {
          createdDateTime: '2026-01-05T10:12:12Z',
          from: { user: { displayName: 'ann' } },
          body: { content },
        },
      ],
    },
  };
  const places: string[] = [];
  for (const [name, document] of Object.entries(exports))
    places.push(...(await scanContent(name, JSON.stringify(document, null, 1))).places);
  expect(places.map((place) => place.replace(/:\d+:\d+/, ''))).toEqual([
    'discord.json (#help, 2026-01-05T10:12:12+00:00, ann)',
    'result.json (#ops, 2026-01-05T10:12:12, ann)',
    'teams.json (2026-01-05T10:12:12Z, ann)',
  ]);
});

test('what only looks like an export is scanned as the text that it is', async () => {
  for (const text of [
    `{"guild": 1, "channel": "${KEY}"`,
    `["${KEY}"]`,
    `{"guild": "", "channel": {}, "x": "${KEY}"}`,
  ])
    expect((await scanContent('a/2026-01-05.json', text)).places).toHaveLength(1);
});
