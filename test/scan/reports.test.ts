/** Reports for programs: in the form that they ask for, whole or not there, and without a value or a command in them, whatever a file is called. */
import { describe, expect, test } from 'bun:test';
import Ajv from 'ajv';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../../src/cli/test-io.ts';
import { findDeep } from '../../src/detect/deep.ts';
import { RULES } from '../../src/detect/rules.ts';
import { sample } from '../../src/detect/samples.ts';
import { findingOf } from '../../src/scan/finding.ts';
import { type Format, reportOf } from '../../src/scan/report.ts';
import { Collector } from '../../src/scan/sink.ts';
import { fixtureKey } from '../support/harness.ts';
import { type GitLab, openGitLab } from '../support/git-lab.ts';

const FORMATS = ['text', 'json', 'sarif', 'junit', 'github', 'gitlab', 'gitlab-secrets'];
const MARK = ['sallyport', 'allow'].join(':');

interface SarifRun {
  readonly tool: {
    readonly driver: { readonly rules: readonly { readonly id: string; readonly helpUri: string }[] };
  };
  readonly invocations: readonly [
    { readonly executionSuccessful: boolean; readonly toolExecutionNotifications: readonly unknown[] },
  ];
  readonly results: readonly Record<string, unknown>[];
}

/** The schema of the standard, as @microsoft/jest-sarif 1.0.0-beta.0 brings it; its formats are checked as far as `URL` and `Date` do. */
const validateSarif = ((): ((log: unknown) => unknown) => {
  const text = readFileSync(join(import.meta.dir, '../vectors/sarif-2.1.0.schema.json'), 'utf8');
  const { $schema, id, ...schema } = JSON.parse(text) as Record<string, unknown>;
  expect([$schema, id]).toEqual([
    expect.stringContaining('draft-04'),
    expect.stringContaining('sarif-2.1.0'),
  ]);
  const ajv = new Ajv({
    strict: false,
    allErrors: true,
    unicodeRegExp: false,
    formats: {
      uri: (text: string) => URL.canParse(text),
      'uri-reference': (text: string) =>
        /^[\w%.~:/?#[\]@!$&'()*+,;=-]*$/.test(text) && URL.canParse(text, 'file:///'),
      'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
    },
  });
  const validate = ajv.compile(schema);
  return (log) => (validate(log) ? [] : validate.errors);
})();

function stage(lab: GitLab, path: string, content: string | Uint8Array): void {
  lab.write(path, content);
  lab.git('--literal-pathspecs', 'add', '--', path);
}

async function report(
  lab: GitLab,
  format: string,
  ...more: string[]
): Promise<{ code: number; out: string; err: string }> {
  return lab.cli('scan', '--staged', '--format', format, ...more);
}

function sarifOf(text: string): SarifRun {
  const log = JSON.parse(text) as { runs: [SarifRun] };
  expect(validateSarif(log)).toEqual([]);
  return log.runs[0];
}

test('SARIF says where, what and how bad, and tells a value by its hash', async () => {
  using lab = openGitLab();
  const [key, other] = [fixtureKey(), fixtureKey()];
  stage(lab, 'src/ä b#?%.ts', `\n const k = '${key}';\n`);
  stage(lab, 'again.ts', `x("${key}");\n`);
  stage(lab, 'ok.ts', `x("${other}"); // ${MARK} revoked\n`);
  stage(lab, 'a.env.gz', gzipSync(`\nA=${other}`));
  const { code, out, err } = await report(lab, 'sarif');
  expect([code, err]).toEqual([1, '']);
  const { tool, invocations, results } = sarifOf(out);
  expect(tool.driver.rules).toEqual([
    expect.objectContaining({
      id: 'groq-api-key',
      helpUri: 'https://console.groq.com/keys',
      help: { text: expect.stringContaining('Revoke it'), markdown: expect.stringContaining('1. Revoke it') },
      defaultConfiguration: { level: 'error' },
      properties: expect.objectContaining({ 'security-severity': '9.5' }),
    }),
  ]);
  expect(invocations[0]).toMatchObject({ executionSuccessful: true, toolExecutionNotifications: [] });
  const places = results.map(({ locations }) => {
    const [{ physicalLocation }] = locations as [
      { physicalLocation: { artifactLocation: { uri: string; uriBaseId: string }; region?: object } },
    ];
    expect(physicalLocation.artifactLocation.uriBaseId).toBe('%SRCROOT%');
    return [physicalLocation.artifactLocation.uri, physicalLocation.region];
  });
  expect(new Map(places as [string, object][])).toEqual(
    new Map<string, object | undefined>([
      // A line inside an archive is none of the file that people see.
      ['a.env.gz', undefined],
      ['again.ts', { startLine: 1, startColumn: 4 }],
      ['src/%C3%A4%20b%23%3F%25.ts', { startLine: 2, startColumn: 13 }],
      ['ok.ts', { startLine: 1, startColumn: 4 }],
    ]) as Map<string, object>,
  );
  const prints = results.map(
    ({ partialFingerprints }) => (partialFingerprints as Record<string, string>)['sallyportValue/v1'],
  );
  expect(new Set(prints).size).toBe(2);
  expect(results.filter(({ suppressions }) => suppressions !== undefined)).toEqual([
    expect.objectContaining({
      suppressions: [{ kind: 'inSource', status: 'accepted', justification: 'revoked' }],
    }),
  ]);
});

test('every format says that a scan was not complete, and none that nothing was found then', async () => {
  using lab = openGitLab();
  stage(lab, 'broken.gz', gzipSync('x'.repeat(2000)).subarray(0, 24));
  for (const format of FORMATS) {
    const { code, out, err } = await report(lab, format);
    expect([format, code]).toEqual([format, 3]);
    const all = out + err;
    expect(all).toContain('broken.gz');
    if (format === 'sarif') {
      expect(sarifOf(out).invocations[0]).toMatchObject({
        executionSuccessful: false,
        toolExecutionNotifications: [{ level: 'error' }],
      });
    } else if (format === 'json') expect(all).toContain('"complete":false');
    else if (format === 'gitlab-secrets') expect(all).toContain('"status": "failure"');
    else expect(all).toContain('not everything could be scanned');
    if (format === 'junit') expect(out).toMatch(/failures="0" errors="1"/);
  }
});

test('a clean scan is clean in every format', async () => {
  using lab = openGitLab();
  stage(lab, 'a', 'x');
  for (const format of FORMATS) expect((await report(lab, format)).code).toBe(0);
  expect(sarifOf((await report(lab, 'sarif')).out).results).toEqual([]);
  expect((await report(lab, 'junit')).out).toContain(
    '<testcase classname="scan" name="no secret in the staged changes"/>',
  );
  expect((await report(lab, 'gitlab')).out).toBe('[]\n');
  expect((await report(lab, 'github')).out).toBe('no secret in the staged changes (1 file)\n');
});

test('JUnit counts a failure a finding, and names the place', async () => {
  using lab = openGitLab();
  stage(lab, 'a<&">.ts', `${fixtureKey()}\n${fixtureKey()} # ${MARK} it's <old> & "gone"\n`);
  const { code, out } = await report(lab, 'junit');
  expect(code).toBe(1);
  expect(out).toContain('<testsuite name="sallyport scan" tests="2" failures="1" errors="0" skipped="1"');
  expect(out).toContain(
    '<testcase classname="a&lt;&amp;&quot;&gt;.ts" name="groq-api-key at a&lt;&amp;&quot;&gt;.ts:1:1">',
  );
  expect(out).toContain('message="allowed: it\'s &lt;old&gt; &amp; &quot;gone"/>');
  expect(isWellFormed(out)).toBe(true);
});

test('GitLab gets each issue once by an id that stays when lines move, and never a line of the source', async () => {
  using lab = openGitLab();
  const key = fixtureKey();
  stage(lab, 'a', `${key}\n${key}\n`);
  const read = async (format: string): Promise<unknown> => JSON.parse((await report(lab, format)).out);
  const before = (await read('gitlab')) as { fingerprint: string; location: object }[];
  expect(before).toMatchObject([
    { check_name: 'groq-api-key', severity: 'blocker', location: { path: 'a', lines: { begin: 1 } } },
    { location: { path: 'a', lines: { begin: 2 } } },
  ]);
  expect(before[0]?.fingerprint).not.toBe(before[1]?.fingerprint);
  const secrets = (await read('gitlab-secrets')) as { vulnerabilities: { id: string }[] };
  expect(secrets).toMatchObject({
    version: '15.0.7',
    scan: { type: 'secret_detection', status: 'success', analyzer: { id: 'sallyport' } },
    vulnerabilities: [
      {
        severity: 'Critical',
        identifiers: [{ type: 'sallyport_rule_id', value: 'groq-api-key' }],
        location: { file: 'a', start_line: 1, commit: { sha: '0000000' } },
      },
      {},
    ],
  });
  expect(
    secrets.vulnerabilities.every(({ id }) =>
      /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/.test(id),
    ),
  ).toBe(true);
  expect(JSON.stringify(secrets)).toMatch(/"start_time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"/);
  stage(lab, 'a', `\n\n${key}\n${key}\n`);
  const after = (await read('gitlab')) as { fingerprint: string }[];
  expect(after.map(({ fingerprint }) => fingerprint)).toEqual(before.map(({ fingerprint }) => fingerprint));
});

describe('a hostile name of a file', () => {
  const BAD = [
    'a\n::set-output name=x::y\n.ts',
    '::add-mask::x.ts',
    ' ::error::x.ts',
    'b\r##[add-mask]x.ts',
    '##vso[task.setvariable variable=x]y.ts',
    'c\u001B]0;title\u0007\u001B[2Jx.ts',
    'd\u202Etxt.exe',
    'e%0A::error::x,line=1.ts',
    ']]><x y="\'&.ts',
  ];

  test('gives no command to a terminal or to what reads the log of a job', async () => {
    using lab = openGitLab();
    for (const path of BAD) stage(lab, path, `${fixtureKey()}\n`);
    for (const format of FORMATS) {
      const { code, out, err } = await report(lab, format);
      expect([format, code]).toEqual([format, 1]);
      for (const line of (out + err).split('\n')) {
        expect(line).not.toMatch(/[\p{Cc}\u202E]/u);
        if (format === 'github' && line.startsWith('::')) {
          expect(line).toMatch(/^::error file=[^,:\n]*,line=1,col=1,title=Groq API key::[^\n]*$/);
        } else expect(line.trimStart()).not.toStartWith('::');
        expect(line.replace(/^::error [^:]*/, '')).not.toMatch(/##\w*\[/);
      }
    }
    const github = await report(lab, 'github');
    // The runner finds the file by the name that it unescapes.
    const files = [...github.out.matchAll(/^::error file=([^,]*),/gm)].map(([, name = '']) =>
      decodeURIComponent(name),
    );
    expect(files.toSorted()).toEqual(BAD.map((name) => name.replaceAll(/[^ -~\r\n]/g, '\uFFFD')).toSorted());
    expect(isWellFormed((await report(lab, 'junit')).out)).toBe(true);
    sarifOf((await report(lab, 'sarif')).out);
  });

  test('that is a key is in no report', async () => {
    using lab = openGitLab();
    const key = fixtureKey();
    stage(lab, `${key}.txt`, `${key} # ${MARK} key ${key} of a test\nkey=${key}\n`);
    stage(lab, `${key}.gz`, gzipSync('x'.repeat(2000)).subarray(0, 24));
    for (const format of FORMATS) {
      const { code, out, err } = await report(lab, format, '--show-allowed');
      expect([format, code]).toEqual([format, 1]);
      for (let at = 0; at + 12 <= key.length; at += 4)
        expect(out + err).not.toContain(key.slice(at, at + 12));
    }
  });
});

describe('--output', () => {
  test('writes the report for programs, in place of what is there, and people read the text', async () => {
    using lab = openGitLab();
    stage(lab, 'a', fixtureKey());
    lab.write('leaks.sarif', 'old');
    chmodSync(join(lab.root, 'leaks.sarif'), 0o600);
    const { code, out, err } = await report(lab, 'sarif', '--output', 'leaks.sarif');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('a:1:1: Groq API key');
    expect(sarifOf(readFileSync(join(lab.root, 'leaks.sarif'), 'utf8')).results).toHaveLength(1);
    expect(statSync(join(lab.root, 'leaks.sarif')).mode & 0o777).toBe(0o644);
    expect(readdirSync(lab.root).toSorted()).toEqual(['.git', 'a', 'leaks.sarif']);
    const lines = await lab.cli('scan', '--staged', '--json', '-o', 'leaks.jsonl', '--annotate');
    expect(lines.out).toStartWith('::error file=a,line=1,col=1,');
    expect(readFileSync(join(lab.root, 'leaks.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(2);
    const text = await lab.cli('scan', '--staged', '-o', 'leaks.txt');
    expect(readFileSync(join(lab.root, 'leaks.txt'), 'utf8')).toBe(
      text.err.slice(0, text.err.indexOf('sallyport: ')),
    );
  });

  test('leaves no part behind when the scan does not come to its end, and keeps what was there', async () => {
    using lab = openGitLab();
    lab.write('leaks.sarif', 'old');
    lab.write('.sallyport-allow', 'malformed\n');
    const { code } = await lab.cli('scan', '--stdin', '--format', 'sarif', '-o', 'leaks.sarif');
    expect(code).toBe(2);
    expect(readFileSync(join(lab.root, 'leaks.sarif'), 'utf8')).toBe('old');
    expect(readdirSync(lab.root).toSorted()).toEqual(['.git', '.sallyport-allow', 'leaks.sarif']);
  });

  test('a full disk is an error, and people hear of what was found all the same', async () => {
    using lab = openGitLab();
    stage(lab, 'a', fixtureKey());
    const program = join(import.meta.dir, '../../src/main.ts');
    const limited = `ulimit -f 1; trap '' XFSZ; exec "$0" --no-env-file --config=/dev/null "$1" scan --stdin --json -o out.jsonl`;
    const child = Bun.spawn(['bash', '-c', limited, process.execPath, program], {
      cwd: lab.root,
      env: { ...lab.env, SALLYPORT_CWD: lab.root },
      stdin: new Blob([`${fixtureKey()}\n`.repeat(100)]),
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
    expect(code).toBe(3);
    expect(err).toContain('100 secrets in standard input');
    expect(err).toContain('cannot be written (EFBIG)');
    expect(readdirSync(lab.root).toSorted()).toEqual(['.git', 'a']);
  });

  test('is refused before the scan where nothing can be written, and never replaces a device or a folder', async () => {
    using lab = openGitLab();
    stage(lab, 'a', fixtureKey());
    mkdirSync(join(lab.root, 'folder'));
    symlinkSync('/dev/null', join(lab.root, 'null'));
    for (const [path, message] of [
      ['folder', 'is no plain file'],
      ['null', 'is no plain file'],
      ['/dev/stdout', 'is no plain file'],
      ['no/such/folder/x', 'cannot be written (ENOENT)'],
      ['a/x', 'cannot be written (ENOTDIR)'],
    ] as const) {
      const { code, err } = await report(lab, 'sarif', '--output', path);
      expect([code === 2 || code === 3, err]).toEqual([true, expect.stringContaining(message)]);
      expect(err).not.toContain('a:1:1');
    }
    // A link to a file is followed, and stays a link.
    writeFileSync(join(lab.home, 'real'), '');
    symlinkSync(join(lab.home, 'real'), join(lab.root, 'link'));
    await report(lab, 'gitlab', '--output', 'link');
    expect(JSON.parse(readFileSync(join(lab.home, 'real'), 'utf8'))).toHaveLength(1);
    expect(existsSync(join(lab.root, 'link'))).toBe(true);
  });
});

test('colours are for a terminal, and not where somebody asked for none', async () => {
  const stdin = fixtureKey();
  const colours = async (options: object): Promise<boolean> => {
    const { err } = await run(['scan', '--stdin'], { stdin, ...options });
    return err.includes('\u001B[');
  };
  expect(await colours({ stderrIsTerminal: true })).toBe(true);
  expect(await colours({})).toBe(false);
  expect(await colours({ stderrIsTerminal: true, env: { NO_COLOR: '1' } })).toBe(false);
  expect(await colours({ stderrIsTerminal: true, env: { TERM: 'dumb' } })).toBe(false);
});

test('options that contradict each other are told apart', async () => {
  for (const [argv, message] of [
    [['--json', '--format', 'sarif'], '--json and another --format'],
    [['--format', 'xml'], '--format'],
    [['--format', 'sarif', '--annotate'], '--annotate prints on stdout'],
  ] as const) {
    const { code, err } = await run(['scan', '--stdin', ...argv]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  }
  expect((await run(['scan', '--stdin', '--json', '--format', 'json'])).code).toBe(0);
});

/** Elements that close in order, attributes in quotes, and references where they have to be. */
function isWellFormed(xml: string): boolean {
  const open: string[] = [];
  const tag =
    /<(?:\?xml [^?<>]*\?|(\/?)([a-z-]+)((?: [a-z]+="[^"<&]*(?:&(?:amp|lt|gt|quot);[^"<&]*)*")*)(\/?))>|([^<&]|&(?:amp|lt|gt|quot);)+/gy;
  while (tag.lastIndex < xml.length) {
    const match = tag.exec(xml);
    if (!match) return false;
    const [, closes = '', name, , empty = ''] = match;
    if (name === undefined) continue;
    if (closes === '/' && open.pop() !== name) return false;
    if (closes === '' && empty === '') open.push(name);
  }
  return open.length === 0;
}

test('no report looks like a secret itself, whatever it tells of', async () => {
  for (const format of FORMATS) {
    let text = '';
    const report = await reportOf(format as Format, {
      write: (piece) => (text += piece),
      kind: 'paths',
      what: 'a test',
      showAllowed: true,
      colour: () => false,
      version: '0.0.0',
      startedAtMs: 0,
      nowMs: () => 0,
    });
    const result = new Collector();
    for (const [at, rule] of RULES.entries()) {
      const found = { rule, sure: true, encodings: [], value: sample('alnum', 40, at), start: 0, end: 40 };
      const one = findingOf(
        { ...found, mark: at % 3 === 0 ? 'a test' : null },
        { path: `src/${rule.id}.ts`, line: at + 1, column: 1 },
      );
      result.finding(one);
      report.finding(one);
    }
    report.end(result);
    const bytes = Buffer.from(text);
    const hits = findDeep(bytes, 0, bytes.length, { generic: true });
    expect([
      format,
      ...hits.map(({ rule, start }) => `${rule.id} in ${text.slice(start - 60, start)}`),
    ]).toEqual([format]);
  }
});
