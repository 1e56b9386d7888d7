/** `scan --bundle` on what a real bundler makes: the place in the sources, the cause, and nothing passed over. */
import { describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from '../../src/cli/test-io.ts';
import { sample } from '../../src/detect/samples.ts';
import { groqKey } from '../../src/scan/formats/test-content.ts';

interface Line {
  readonly event: string;
  readonly rule?: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly origin?: { readonly path: string; readonly line: number; readonly column: number };
  readonly cause?: string;
  readonly complete?: boolean;
  readonly files?: number;
}

class Project implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'sallyport-bundle-'));

  write(path: string, content: string | Uint8Array): void {
    const whole = join(this.root, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  async build(sourcemap: 'linked' | 'inline' | 'none', define: Record<string, string> = {}): Promise<void> {
    const built = await Bun.build({
      entrypoints: [join(this.root, 'src/app.ts')],
      outdir: join(this.root, 'dist'),
      target: 'browser',
      minify: true,
      sourcemap,
      define,
    });
    expect(built.success).toBe(true);
  }

  async scan(
    ...args: readonly string[]
  ): Promise<{ code: number; findings: Line[]; summary: Line | undefined; err: string }> {
    const { code, out, err } = await run(['scan', '--bundle', ...args, '--json'], { cwd: this.root });
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    return { code, err, summary: lines.pop(), findings: lines };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

const KEY = groqKey();
const SOURCE = `export const one = 1;\n\nconsole.log("start", { apiKey: "${KEY}" });\n`;
const ORIGIN = { path: 'src/config.ts', line: 3, column: 33 };

describe('a key that is written in the source is traced to its line and column', () => {
  test.each(['linked', 'inline'] as const)('by a map that is %s', async (kind) => {
    using project = new Project();
    project.write('src/config.ts', SOURCE);
    project.write('src/app.ts', "import { one } from './config.ts';\nconsole.log(one);\n");
    await project.build(kind);
    const { code, findings, summary } = await project.scan();
    expect(code).toBe(1);
    expect(summary).toMatchObject({ complete: true });
    const built = project.read('dist/app.js');
    const at = built.indexOf(KEY);
    const first = findings.find(({ path }) => path === 'dist/app.js');
    expect(first).toMatchObject({
      rule: 'groq-api-key',
      line: built.slice(0, at).split('\n').length,
      column: at - built.lastIndexOf('\n', at),
      origin: ORIGIN,
      cause: 'written in the source',
    });
    const inMap = findings.filter(({ path }) => path !== 'dist/app.js');
    expect(inMap.map(({ path, line, column, origin }) => ({ path, line, column, origin }))).toEqual(
      kind === 'linked'
        ? [{ path: 'dist/app.js.map!src/config.ts', line: 3, column: 33, origin: ORIGIN }]
        : [],
    );
  });
});

test('a variable that the build replaced by its value is named, with the framework that publishes it', async () => {
  const names = ['NEXT_PUBLIC_GROQ_KEY', 'VITE_GROQ_KEY', 'REACT_APP_GROQ_KEY', 'GROQ_API_KEY'];
  for (const [at, name] of names.entries()) {
    using project = new Project();
    project.write('src/app.ts', `console.log("x");\nfetch("/", { headers: { k: process.env.${name}! } });\n`);
    await project.build('linked', { [`process.env.${name}`]: JSON.stringify(KEY) });
    const { findings } = await project.scan('dist');
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ path: 'dist/app.js', origin: { path: 'src/app.ts', line: 2 } });
    expect(findings[0]?.cause).toStartWith(
      [
        `${name}: Next.js puts`,
        `${name}: Vite puts`,
        `${name}: Create React App puts`,
        `the build put the value in the place of ${name}`,
      ][at] ?? '?',
    );
  }
});

test('without a map the cause is known from the .env file, from the name beside it, or from the data of the page', async () => {
  const [first, second, third] = [groqKey(1), groqKey(2), groqKey(3)];
  using project = new Project();
  project.write('.env.production', `VITE_AI="${first}"\n`);
  project.write('dist/a.js', `let a={k:"${first}"}`);
  project.write('dist/b.js', `var e={NEXT_PUBLIC_AI:"${second}",MODE:"production"}`);
  project.write(
    'dist/index.html',
    `<script id="__NEXT_DATA__" type="application/json">{"props":{"key":"${third}"}}</script>`,
  );
  const { findings } = await project.scan();
  expect(findings.map(({ path, cause }) => `${path}: ${cause}`)).toEqual([
    'dist/a.js: VITE_AI: Vite puts the value of every variable of such a name into what browsers get',
    'dist/b.js: NEXT_PUBLIC_AI: Next.js puts the value of every variable of such a name into what browsers get',
    'dist/index.html: in the data that the page carries (__NEXT_DATA__)',
  ]);
});

test('a key that only the source map has, also one that is put together from sections, is found and said to be there only', async () => {
  using project = new Project();
  const map = {
    version: 3,
    sources: ['webpack://shop/./src/server.ts'],
    sourcesContent: [`// one\nconst k = "${KEY}";\n`],
    mappings: '',
  };
  const sections = {
    version: 3,
    sections: [
      { offset: { line: 0, column: 0 }, map: { ...map, sources: ['../../lib/a.ts'], sourceRoot: '' } },
    ],
  };
  project.write('build/static/main.js', 'console.log(1)\n//# sourceMappingURL=main.js.map\n');
  project.write('build/static/main.js.map', JSON.stringify(map));
  project.write('build/static/other.js.map', JSON.stringify(sections));
  const { findings } = await project.scan();
  expect(
    findings.map(({ path, line, column, origin, cause }) => [path, line, column, origin?.path, cause]),
  ).toEqual([
    [
      'build/static/main.js.map!src/server.ts',
      2,
      12,
      'src/server.ts',
      'only in the source map: do not publish maps',
    ],
    ['build/static/other.js.map!lib/a.ts', 2, 12, 'lib/a.ts', 'only in the source map: do not publish maps'],
  ]);
});

test('every kind of file is looked at: service workers, WebAssembly, CSS, and what is named as ignored elsewhere', async () => {
  using project = new Project();
  const files = [
    'sw.js',
    'app.wasm',
    'a.css',
    'node_modules/x/jquery.min.js',
    'assets/.hidden',
    'robots.txt',
  ];
  for (const [at, file] of files.entries())
    project.write(`public/${file}`, Buffer.from(`\0asm "${groqKey(at + 1)}"`));
  project.write('.gitignore', 'public/\n');
  const { findings, summary } = await project.scan();
  expect(findings.map(({ path }) => path).toSorted()).toEqual(
    files.map((file) => `public/${file}`).toSorted(),
  );
  expect(summary?.files).toBe(files.length);
});

test("what runs on the server is told apart, and a provider's client for browsers is pointed at", async () => {
  using project = new Project();
  project.write('.next/server/app.js', `let k="${KEY}"`);
  project.write('.next/static/chunks/a.js', 'new Groq({apiKey:e,dangerouslyAllowBrowser:!0})');
  project.write('.next/static/chunks/b.js', '"new Groq({ apiKey, dangerouslyAllowBrowser: true });"');
  expect(await project.scan()).toMatchObject({
    code: 0,
    findings: [],
    err: expect.stringMatching(/^[^\n]*a\.js lets a provider[^\n]*\n$/),
  });
  const { findings } = await project.scan('.next');
  expect(findings[0]?.cause).toBe('in a build (in what runs on the server, which browsers do not get)');
});

test('a map that leads out of the project leads nowhere, by its name and by the sources that it names', async () => {
  using outer = new Project();
  const named = (source: string): string =>
    JSON.stringify({ version: 3, sources: [source], mappings: 'AAAA', names: [] });
  for (const place of ['outside.ts', 'work/src/inside.ts']) outer.write(place, `let k="${KEY}"\n`);
  outer.write('outside.map', named('outside.ts'));
  outer.write('work/dist/a.js', `let k="${KEY}"\n//# sourceMappingURL=../../outside.map`);
  outer.write('work/dist/b.js', `let k="${KEY}"`);
  outer.write('work/dist/b.js.map', named('../../outside.ts'));
  outer.write('work/dist/c.js', `let k="${KEY}"`);
  outer.write('work/dist/c.js.map', named('../src/inside.ts'));
  const { out } = await run(['scan', '--bundle', '--json'], { cwd: join(outer.root, 'work') });
  const findings = out.split('\n', 3).map((line) => JSON.parse(line) as Line);
  expect(findings.map(({ path, cause }) => `${path}: ${cause}`)).toEqual([
    'dist/a.js: undefined',
    'dist/b.js: undefined',
    'dist/c.js: written in the source',
  ]);
});

test('a key that may be meant for browsers comes with what to check', async () => {
  using project = new Project();
  project.write('dist/map.js', `init({key:"AIza${sample('key', 35, 3)}"})`);
  const { findings } = await project.scan();
  expect(findings).toMatchObject([
    { rule: 'google-api-key', remark: expect.stringContaining('restricted to your pages') },
  ]);
});

test('links that lead in circles are followed once', async () => {
  using project = new Project();
  project.write('dist/deep/a.js', `let k="${KEY}"`);
  symlinkSync('..', join(project.root, 'dist/deep/up'));
  symlinkSync('deep', join(project.root, 'dist/same'));
  expect((await project.scan()).findings.map(({ path }) => path)).toEqual(['dist/deep/a.js']);
});

test('a damaged map does no harm, and no build is an error', async () => {
  using project = new Project();
  project.write('dist/b.js', `let k="${KEY}"\n//# sourceMappingURL=data:application/json;base64,AAAA`);
  project.write('dist/d.js', `let k="${KEY}"`);
  project.write('dist/d.js.map', '{"version":3,"sources":[1],"mappings":"!!!!","sections":3}');
  const { findings, summary } = await project.scan();
  expect(findings.map(({ path }) => path)).toEqual(['dist/b.js', 'dist/d.js']);
  expect(summary).toMatchObject({ complete: true });
  using empty = new Project();
  const { code, err } = await run(['scan', '--bundle'], { cwd: empty.root });
  expect([code, err]).toEqual([2, expect.stringContaining('build first')]);
  expect((await run(['scan', '--bundle', 'nowhere'], { cwd: empty.root })).code).toBe(2);
});
