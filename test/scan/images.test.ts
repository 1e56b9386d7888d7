/** Screenshots, read by the real Tesseract: a key in one is found with --images, and said to be unread without. */
import { expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { ocrFiles } from '../../src/scan/formats/ocr-files.ts';
import { groqKey, scanContent } from '../../src/scan/formats/test-content.ts';
import { zip } from '../../src/scan/test-archives.ts';
import { openGitLab } from '../support/git-lab.ts';
import { type Screenshot, screenshot } from '../support/screenshots.ts';

const images = ocrFiles({})!;
const KEY = groqKey(5);

test('what reads them is taken from beside our own packages, where it is', () => {
  expect([images.cores[2], images.data]).toEqual([
    fileURLToPath(import.meta.resolve('tesseract.js-core/tesseract-core-lstm.js')),
    fileURLToPath(import.meta.resolve('@tesseract.js-data/eng/4.0.0_best_int/eng.traineddata.gz')),
  ]);
});

test('a key in a screenshot of a terminal and of an editor, dark and light, also over two lines, is found as one that may be', async () => {
  const base = { font: 'JetBrains Mono', px: 15, width: 900, look: 'editor', dark: false } as const;
  const shots: readonly (Screenshot & { readonly type?: 'image/jpeg' | 'image/webp' })[] = [
    { ...base, lines: ['import os', `GROQ_API_KEY = "${KEY}"`, 'print("ready")'] },
    {
      ...base,
      look: 'terminal',
      dark: true,
      px: 13,
      width: 520,
      lines: ['$ env | grep KEY', `GROQ_API_KEY=${KEY}`, '$ '],
    },
    { ...base, font: 'Fira Code', px: 14, lines: ['{', `  "apiKey": "${KEY}",`, '}'], type: 'image/jpeg' },
  ];
  for (const { type, ...shot } of shots) {
    const { findings, places, problems } = await scanContent('shot.png', screenshot(shot, type), { images });
    expect(problems).toEqual([]);
    expect(findings.map(({ rule, sure }) => [rule.id, sure])).toEqual([['groq-api-key', false]]);
    expect(places).toEqual([expect.stringMatching(/^shot\.png:\d+:\d+ \(at \d+,\d+ px\) may be$/)]);
  }
});

test('text without a key is read without a finding, also where it looks like one at first', async () => {
  const lines = [
    'gsk_your_groq_api_key_goes_here_and_nothing_else_at_all',
    'sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'hf_tokenizer_config_for_pretrained_models_json',
    'commit 3f0c5b1ad2e94c7788a13f0c5b1ad2e94c7788a1',
  ];
  const shot = screenshot({ font: 'JetBrains Mono', px: 15, width: 900, look: 'editor', dark: false, lines });
  expect(await scanContent('a.png', shot, { images })).toMatchObject({ places: [], problems: [] });
});

test('pictures inside other files are read too; what is damaged is said', async () => {
  const shot = screenshot({
    font: 'JetBrains Mono',
    px: 16,
    width: 800,
    look: 'terminal',
    dark: true,
    lines: [KEY],
  });
  const notebook = JSON.stringify({
    cells: [{ outputs: [{ data: { 'image/png': shot.toString('base64') } }] }],
  });
  const archive = zip({ 'a.ipynb': notebook, 'cut.png': shot.subarray(0, 400) });
  const { places, problems } = await scanContent('a.zip', archive, { images });
  expect(places).toEqual([expect.stringMatching(/^a\.zip!a\.ipynb!cell-1-output\.png:1:1 \(at/)]);
  expect(problems).toEqual([expect.stringMatching(/^the picture a\.zip!cut\.png was not opened: /)]);
  expect((await scanContent('a.zip', archive)).skipped).toEqual({ images: 2 });
});

test('the command finds it in a folder and in a history, and without the option says what it left out', async () => {
  using lab = openGitLab();
  lab.write(
    'shot.png',
    screenshot({ font: 'Fira Code', px: 15, width: 800, look: 'terminal', dark: true, lines: [KEY] }),
  );
  lab.git('add', '.');
  lab.git('commit', '-qm', 'shot');
  for (const args of [[], ['--history']]) {
    const found = await lab.cli('scan', ...args, '--images', '--json');
    const [finding, summary] = found.out.split('\n', 2).map((line) => JSON.parse(line) as object);
    expect(finding).toMatchObject({ rule: 'groq-api-key', path: 'shot.png', sure: false });
    expect(summary).toMatchObject({ event: 'summary', complete: true, findings: 1 });
    const left = await lab.cli('scan', ...args, '--json');
    expect([left.code, JSON.parse(left.out)]).toEqual([
      0,
      expect.objectContaining({ complete: true, skipped: { images: 1 } }),
    ]);
  }
});
