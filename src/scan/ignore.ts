/**
 * Whether git ignores the files in which keys are kept: asked of git itself, for names that there are and names that there could be. What a
 * person has settled for their own machine only (global excludes, .git/info/exclude) does not count: it protects nobody else's clone.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SallyportError } from '../core/errors.ts';
import { complaint, type GitOptions, runGit } from './git.ts';
import { readText, writeWhole } from './hook-file.ts';
import { blockOf, readBlock } from './marked-block.ts';
import type { Repository } from './repository.ts';

interface Pattern {
  readonly pattern: string;
  readonly why: string;
  /** Names that it must cover, anywhere in the tree. */
  readonly names: readonly string[];
  /** The paths that it covers. */
  readonly file: RegExp;
}

const extension = (ending: string, why: string): Pattern => ({
  pattern: `*.${ending}`,
  why,
  names: [`private.${ending}`],
  file: new RegExp(`\\.${ending}$`),
});

const PATTERNS: readonly Pattern[] = [
  {
    pattern: '.env*',
    why: 'settings with keys',
    names: ['.env', '.env.local', '.env.production'],
    file: /(?:^|\/)\.env(?!\.example$)[^/]*$/,
  },
  extension('pem', 'private keys'),
  extension('key', 'private keys'),
  extension('p12', 'private keys with certificates'),
  extension('pfx', 'private keys with certificates'),
  extension('jks', 'key stores of Java'),
  {
    pattern: '**/.aws/credentials',
    why: 'keys of AWS',
    names: ['.aws/credentials'],
    file: /(?:^|\/)\.aws\/credentials$/,
  },
  { pattern: '.netrc', why: 'passwords of hosts', names: ['.netrc'], file: /(?:^|\/)\.netrc$/ },
  {
    pattern: '*service-account*.json',
    why: 'keys of Google service accounts',
    names: ['service-account.json', 'prod-service-account-1.json'],
    file: /(?:^|\/)[^/]*service-account[^/]*\.json$/,
  },
  extension('tfvars', 'variables of Terraform'),
];
/** Shows which variables there are, and is meant to be shared. */
const EXAMPLE = '.env.example';
/** A folder that is in no repository, so that no link or submodule is in the way. */
const ANYWHERE = 'any-folder/below';
const TOKEN_OF_NPM = /(?:_authToken|_auth|_password)\s*=\s*(?!\s|\$\{)/;
const ABOUT = 'files that hold keys (sallyport gitignore check)';

export interface MissingPattern {
  readonly pattern: string;
  /** A path that git would take today. */
  readonly example: string;
  readonly why: string;
}

export interface IgnoreReport {
  readonly missing: readonly MissingPattern[];
  /** Paths that are ignored but meant to be shared. */
  readonly hidden: readonly string[];
  /** Files in git that such a pattern covers. */
  readonly tracked: readonly string[];
  /** Files that are there, not in git, and not ignored: the next `git add .` takes them. */
  readonly exposed: readonly string[];
  /** Files that .gitignore says are to be in git all the same. */
  readonly allowed: readonly string[];
}

export function isFine({ missing, hidden, tracked, exposed }: IgnoreReport): boolean {
  return missing.length + hidden.length + tracked.length + exposed.length === 0;
}

export async function checkIgnore(repository: Repository, options: GitOptions): Promise<IgnoreReport> {
  const git = { ...options, cwd: repository.top };
  const [tracked, untracked] = await Promise.all([
    listFiles(['ls-files', '-z', '--cached'], git),
    listFiles(['ls-files', '-z', '--others', '--exclude-standard'], git),
  ]);
  const risky = (path: string): boolean =>
    holdsNpmToken(repository.top, path) ||
    (PATTERNS.some(({ file }) => file.test(path)) && !isPublicPem(repository.top, path));
  const files = { tracked: tracked.filter(risky), untracked: untracked.filter(risky) };
  const probes = PATTERNS.flatMap(({ names }) => names.flatMap(everywhere));
  const examples = everywhere(EXAMPLE);
  const verdicts = await askGit([...probes, ...examples, ...files.tracked, ...files.untracked], git);
  const verdict = (path: string): Verdict => verdicts.get(path) ?? 'none';
  const missing = PATTERNS.flatMap(({ pattern, why, names }) => {
    const example = names.flatMap(everywhere).find((path) => verdict(path) !== 'ignored');
    return example === undefined ? [] : [{ pattern, why, example }];
  });
  const tokens = files.untracked.filter((path) => path.endsWith('.npmrc') && verdict(path) !== 'ignored');
  return {
    missing: [
      ...missing,
      ...tokens.map((path) => ({ pattern: `/${escaped(path)}`, example: path, why: 'a token of npm' })),
    ],
    hidden: examples.filter((path) => verdict(path) === 'ignored'),
    tracked: files.tracked.filter((path) => verdict(path) !== 'allowed'),
    // Git's own list leaves out what is ignored on this machine only.
    exposed: files.untracked.filter((path) => verdict(path) === 'none'),
    allowed: [...files.tracked, ...files.untracked].filter((path) => verdict(path) === 'allowed'),
  };
}

/** Puts what is missing into a marked block at the end of .gitignore. Returns the patterns that were added. */
export async function fixIgnore(repository: Repository, options: GitOptions): Promise<string[]> {
  const report = await checkIgnore(repository, options);
  const path = join(repository.top, '.gitignore');
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SallyportError('conflict', '.gitignore is a link, which git does not follow', {
      fix: 'put a file in its place',
    });
  }
  if (report.missing.length === 0 && report.hidden.length === 0) return [];
  const old = readText(path, 'latin1') ?? '';
  const { before, block, behind } = readBlock(old);
  const rest = before + behind;
  const had = (block ?? '').split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('!'));
  const wanted = report.missing.map(({ pattern }) => asLatin1(pattern));
  const eol = rest.includes('\r\n') ? '\r\n' : '\n';
  const shared = [`!${EXAMPLE}`, ...(await exceptions(report.allowed, { ...options, cwd: repository.top }))];
  const text = blockOf([...new Set([...had, ...wanted, ...shared])], ABOUT, { eol });
  const gap = rest === '' ? '' : rest.endsWith('\n') ? eol : `${eol}${eol}`;
  const trimmed = rest.replace(/(?:\r?\n)+$/, eol);
  writeWhole(path, `${trimmed}${gap}${text}`, modeOf(path), 'latin1');
  return wanted.length > 0 ? report.missing.map(({ pattern }) => pattern) : [`!${EXAMPLE}`];
}

/** Takes files out of git's index; they stay on the disk. */
export async function untrack(
  paths: readonly string[],
  repository: Repository,
  options: GitOptions,
): Promise<void> {
  const input = paths.map((path) => `${path}\0`).join('');
  const args = ['rm', '--cached', '--quiet', '--pathspec-from-file=-', '--pathspec-file-nul'];
  const { code, err } = await runGit(
    ['--literal-pathspecs', ...args],
    { ...options, cwd: repository.top },
    input,
  );
  if (code !== 0) throw new SallyportError('conflict', `git rm ended with ${code}: ${complaint(err)}`);
}

type Verdict = 'ignored' | 'allowed' | 'none';

/** What the repository's own .gitignore files say of each path, whether it is there or not. */
async function askGit(paths: readonly string[], git: GitOptions): Promise<Map<string, Verdict>> {
  const rows = await checkIgnored(paths, git);
  return new Map(
    rows.map(([source, , pattern, path]) => {
      const shared = source === '.gitignore' || source.endsWith('/.gitignore');
      if (!shared || source.startsWith('/')) return [path, 'none'];
      return [path, pattern.startsWith('!') ? 'allowed' : 'ignored'];
    }),
  );
}

/** The lines of .gitignore by which these files are to be in git. */
async function exceptions(paths: readonly string[], git: GitOptions): Promise<string[]> {
  if (paths.length === 0) return [];
  const rows = await checkIgnored(paths, git);
  return rows.filter(([source]) => source === '.gitignore').map(([, , pattern]) => asLatin1(pattern));
}

type Row = readonly [source: string, line: string, pattern: string, path: string];

async function checkIgnored(paths: readonly string[], git: GitOptions): Promise<Row[]> {
  const args = [
    '-c',
    'core.excludesFile=/dev/null',
    'check-ignore',
    '--no-index',
    '--stdin',
    '-z',
    '-v',
    '-n',
  ];
  const { code, out, err } = await runGit(args, git, paths.map((path) => `${path}\0`).join(''));
  if (code > 1) throw unanswered('check-ignore', code, err);
  const fields = out.toString().split('\0');
  const rows: Row[] = [];
  for (let at = 0; at + 4 < fields.length; at += 4) {
    rows.push([fields[at] ?? '', fields[at + 1] ?? '', fields[at + 2] ?? '', fields[at + 3] ?? '']);
  }
  return rows;
}

async function listFiles(args: readonly string[], git: GitOptions): Promise<string[]> {
  const { code, out, err } = await runGit(args, git);
  if (code !== 0) throw unanswered('ls-files', code, err);
  return out.toString().split('\0').slice(0, -1);
}

function unanswered(command: string, code: number, err: string): SallyportError {
  return new SallyportError('scan.incomplete', `git ${command} ended with ${code}: ${complaint(err)}`);
}

function everywhere(name: string): string[] {
  return [name, `${ANYWHERE}/${name}`];
}

/** A file in PEM without a private key, such as a certificate, may be shared. */
function isPublicPem(top: string, path: string): boolean {
  const text = path.endsWith('.pem') ? contentOf(join(top, path)) : null;
  return text !== null && text !== '' && !text.includes('PRIVATE KEY');
}

function holdsNpmToken(top: string, path: string): boolean {
  return /(?:^|\/)\.npmrc$/.test(path) && TOKEN_OF_NPM.test(contentOf(join(top, path)) ?? '');
}

/** Null for what is not there (any more), or cannot be read. */
function contentOf(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/** A path as a pattern that covers nothing else. */
function escaped(path: string): string {
  return path.replaceAll(/[\\*?[\]]| $/g, String.raw`\$&`);
}

/** Text as the bytes of its UTF-8, one character a byte: how the file is read and written. */
function asLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function modeOf(path: string): number {
  return (lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o777;
}
