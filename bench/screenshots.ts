/**
 * How many keys are found in screenshots, with seeded keys of six providers in pictures of terminals and editors, dark and light, in several sizes:
 * `npm run bench:screenshots`. Half of the pictures hold text that looks like keys and is none.
 */
import { sample } from '../src/detect/samples.ts';
import { ocrFiles } from '../src/scan/formats/ocr-files.ts';
import { groqKey, scanContent } from '../src/scan/formats/test-content.ts';
import { FONTS, screenshot } from '../test/support/screenshots.ts';

const KEYS: Readonly<Record<string, (seed: number) => string>> = {
  'groq-api-key': groqKey,
  'openai-project-key': (seed) => `sk-proj-${sample('key', 74, seed)}T3BlbkFJ${sample('key', 74, seed + 9)}`,
  'anthropic-api-key': (seed) => `sk-ant-api03-${sample('key', 93, seed)}AA`,
  'google-api-key': (seed) => `AIza${sample('key', 35, seed)}`,
  'openrouter-api-key': (seed) => `sk-or-v1-${sample('hex', 64, seed)}`,
  'huggingface-token': (seed) => `hf_${sample('alnum', 34, seed)}`,
};
const SIZES = [11, 12, 14, 18, 24];
const WIDTHS = [800, 1440];

function noise(seed: number): string[] {
  return [
    `integrity sha512-${sample('alnum', 86, seed)}==`,
    `commit ${sample('hex', 40, seed)} (HEAD -> main)`,
    `id: ${sample('hex', 8, seed)}-${sample('hex', 4, seed)}-4${sample('hex', 3, seed)}-9${sample('hex', 3, seed)}-${sample('hex', 12, seed)}`,
    'gsk_your_groq_api_key_goes_here_please_replace_it_now',
    'https://example.com/hf_space/index.html?theme=dark#readme',
  ];
}

const images = ocrFiles({});
if (!images) throw new Error('npm install first');
let seed = Number(process.argv[2] ?? 1);
const found = new Map<string, [found: number, of: number]>();
const count = (name: string, hit: boolean): void => {
  const [hits, all] = found.get(name) ?? [0, 0];
  found.set(name, [hits + (hit ? 1 : 0), all + 1]);
};
let falseHits = 0;
let pictures = 0;
const begin = performance.now();
for (const [rule, make] of Object.entries(KEYS))
  for (const look of ['terminal', 'editor'] as const)
    for (const dark of [true, false])
      for (const px of SIZES) {
        seed += 1;
        const font = FONTS[seed % FONTS.length] ?? FONTS[0];
        const width = WIDTHS[seed % 3 === 0 ? 0 : 1] ?? 1440;
        const common = { look, dark, font, px, width };
        const lines = ['# settings', `export API_KEY="${make(seed)}"`, 'PORT=3000'];
        const { findings } = await scanContent('a.png', screenshot({ ...common, lines }), { images });
        const hit = findings.some((finding) => finding.rule.id === rule);
        for (const name of ['all', rule, look, dark ? 'dark' : 'light', `${px} px`, font]) count(name, hit);
        if (!hit && process.env['SHOW_MISSED'])
          process.stdout.write(`missed: ${rule} ${JSON.stringify(common)}\n`);
        const none = await scanContent('a.png', screenshot({ ...common, lines: noise(seed) }), { images });
        falseHits += none.findings.length;
        pictures += 2;
      }
const ms = Math.round((performance.now() - begin) / pictures);
for (const [name, [hits, all]] of found) process.stdout.write(`${name.padEnd(20)} ${hits} of ${all}\n`);
process.stdout.write(
  `false hits           ${falseHits} in ${pictures / 2} pictures without a key\nper picture          ${ms} ms\n`,
);
process.exit(0);
