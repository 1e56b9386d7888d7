import { describe, expect, test } from 'bun:test';
import { zip } from '../test-archives.ts';
import { groqKey, scanContent } from './test-content.ts';

const KEY = groqKey();
const HEAD = ['From: Ann <ann@example.com>', 'Date: Mon, 05 Jan 2026 10:11:12 +0000', 'MIME-Version: 1.0'];
const WHERE = '(mail of 2026-01-05T10:11:12.000Z from ann@example.com)';

function mail(head: readonly string[], ...body: readonly string[]): string {
  return [...HEAD, ...head, '', ...body, ''].join('\r\n');
}

/** In quoted-printable, lines cut after so many characters. */
function quoted(text: string, width: number): string {
  const escaped = text.replaceAll('=', '=3D');
  return escaped.match(new RegExp(`.{1,${width}}`, 'g'))?.join('=\r\n') ?? '';
}

function wrapped(bytes: Buffer): string {
  return (
    bytes
      .toString('base64')
      .match(/.{1,76}/g)
      ?.join('\r\n') ?? ''
  );
}

describe('a key in a mail is found once, with its place in the decoded part', () => {
  test.each([
    ['as it stands', [], [`hello`, `key ${KEY}`], 'text:2:5'],
    [
      'in quoted-printable, cut by soft line breaks',
      ['Content-Transfer-Encoding: quoted-printable'],
      ['hello', quoted(`key=${KEY}`, 30)],
      'text:2:5',
    ],
    [
      'in base64',
      ['Content-Transfer-Encoding: base64', 'Content-Type: text/plain; charset=utf-8'],
      [wrapped(Buffer.from(`${'x '.repeat(80)}\nkey ${KEY}\n`))],
      'text:2:5',
    ],
    [
      'flowed',
      ['Content-Type: text/plain; format=flowed; delsp=yes'],
      [`my key is ${KEY.slice(0, 30)} `, KEY.slice(30)],
      'text:1:11',
    ],
    [
      'in HTML, cut by tags and with references',
      ['Content-Type: text/html'],
      [
        `<p>one</p><p>a&nbsp;<b>${KEY.slice(0, 9)}</b><!-- > --><i>${KEY.slice(9, 30)}</i>&#x${hex(KEY, 30)};${KEY.slice(31)}</p>`,
      ],
      'html:2:3',
    ],
    [
      'in the subject',
      [`Subject: =?utf-8?B?${Buffer.from(`Re: ${KEY}`).toString('base64')}?=`],
      [''],
      'headers:1:14',
    ],
  ])('%s', async (_, head, body, place) => {
    const { places, problems } = await scanContent('a.eml', mail(head, ...body));
    expect(problems).toEqual([]);
    expect(places).toEqual([`a.eml!${place} ${WHERE}`]);
  });
});

function hex(text: string, at: number): string {
  return text.charCodeAt(at).toString(16);
}

function multipart(boundary: string, ...parts: readonly string[]): string {
  return [...parts.map((part) => `--${boundary}\r\n${part}`), `--${boundary}--`, ''].join('\r\n');
}

test('both forms of a body are looked at, and a value that is in both is reported once', async () => {
  const other = groqKey(2);
  const body = multipart(
    'b1',
    `Content-Type: text/plain\r\n\r\nkey ${KEY}\r\n`,
    `Content-Type: text/html\r\n\r\n<b>key ${KEY}</b> <a href="?k=${other}">x</a>\r\n`,
  );
  const { places } = await scanContent(
    'a.eml',
    mail(['Content-Type: multipart/alternative; boundary=b1'], body),
  );
  expect(places).toEqual([`a.eml!text:1:5 ${WHERE}`, `a.eml!html:1:${25 + KEY.length} ${WHERE}`]);
});

test('attachments are opened, also in a mail that is attached to a mail', async () => {
  const archive = zip({ 'x/.env': `\n\nKEY=${KEY}\n` });
  const inner = mail(
    ['Content-Type: multipart/mixed; boundary=b2'],
    multipart(
      'b2',
      'Content-Type: text/plain\r\n\r\nsee attachment\r\n',
      `Content-Type: application/zip; name="backup.zip"\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrapped(archive)}\r\n`,
    ),
  );
  const outer = mail(
    ['Content-Type: multipart/mixed; boundary=b1'],
    multipart(
      'b1',
      'Content-Type: text/plain\r\n\r\nfwd\r\n',
      `Content-Type: message/rfc822\r\n\r\n${inner}\r\n`,
    ),
  );
  const { places, problems } = await scanContent('a.eml', outer);
  expect(problems).toEqual([]);
  expect(places).toEqual(['a.eml!part 1.eml!backup.zip!x/.env:3:5']);
});

test('a mailbox is opened message by message; a line that begins with From ends none', async () => {
  const keys = [groqKey(1), groqKey(2), groqKey(3)];
  const messages = keys.map(
    (key, at) =>
      `From ann@example.com Mon Jan  5 10:11:1${at} 2026\n${mail(['Content-Transfer-Encoding: quoted-printable'], 'one', '>From here on', 'From here on', quoted(`k=${key}`, 40))}\n`,
  );
  for (const [path, text] of [
    ['a.mbox', messages.join('')],
    ['Inbox', messages.join('').replaceAll('\r\n', '\n')],
  ] as const) {
    const { places, problems } = await scanContent(path, text);
    expect(problems).toEqual([]);
    expect(places).toEqual(keys.map((_, at) => `${path}!message ${at + 1}.eml!text:4:3 ${WHERE}`));
  }
});

test('a mail of a mail folder is told by how it begins', async () => {
  const text = `Return-Path: <x@example.com>\n${mail(['Content-Transfer-Encoding: quoted-printable'], quoted(KEY, 20))}`;
  expect((await scanContent('cur/1234.M5P6.host:2,S', text)).places).toEqual([
    `cur/1234.M5P6.host:2,S!text:1:1 ${WHERE}`,
  ]);
});

test('what is encrypted, or nested beyond measure, is said', async () => {
  const encrypted = mail(['Content-Type: application/pkcs7-mime; smime-type=enveloped-data'], 'AAAA');
  expect((await scanContent('a.eml', encrypted)).problems).toEqual(['a.eml was not read: it is encrypted']);
  let body = `key ${KEY}`;
  for (let level = 0; level < 150; level += 1)
    body = `Content-Type: multipart/mixed; boundary=b${level}x\r\n\r\n${multipart(`b${level}x`, body)}`;
  const { problems, places } = await scanContent('a.eml', `${HEAD.join('\r\n')}\r\n${body}`);
  expect(problems).toEqual([expect.stringContaining('the mail a.eml was not opened')]);
  expect(places).toHaveLength(1);
  let nested = mail([], KEY);
  for (let level = 0; level < 12; level += 1)
    nested = mail(
      ['Content-Type: multipart/mixed; boundary=q'],
      multipart(
        'q',
        `Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n${wrapped(Buffer.from(nested))}`,
      ),
    );
  expect((await scanContent('a.eml', nested)).problems).toEqual([
    expect.stringContaining('it is inside too many files'),
  ]);
});
