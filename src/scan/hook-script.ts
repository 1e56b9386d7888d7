/**
 * The shell text of the hook. It finds Sallyport by an absolute path, and keeps the repository's folder and the caller's environment from
 * being code (reference: SECURITY.md, the environment). Whatever goes wrong stops the commit.
 */
import { blockOf } from './marked-block.ts';

/** What an existing hook is called while ours stands in its place. */
export const CHAINED = 'pre-commit.before-sallyport';
const FIRST_LINES = '#!/bin/sh\n# sallyport hook 1:';
const MADE_FOLDER = '# It made the folder.\n';
const MADE_FILE = '# It made the file.';
const PROGRAM = /^# program: (.+)$/m;
const ABOUT_BLOCK = 'stops a commit that adds a secret; sallyport hook uninstall takes this out';

/** These can run code before ours does, or make it start twice. */
const UNSET = [
  'BUN_OPTIONS BUN_INSPECT BUN_INSPECT_PRELOAD BUN_INSPECT_CONNECT_TO BUN_INSPECT_NOTIFY BUN_BE_BUN BUN_CONFIG_VERBOSE_FETCH BUN_CONFIG_MAX_HTTP_REQUESTS',
  'NODE_OPTIONS NODE_ENV HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy',
];

export interface HookOptions {
  /** The program and the arguments that come before the command. */
  readonly program: readonly string[];
  /** Run the hook that was there before as well. */
  readonly chain: boolean;
  /** The hooks' folder was not there. */
  readonly madeFolder: boolean;
}

export function hookScript({ program, chain, madeFolder }: HookOptions): string {
  const [executable = ''] = program;
  const command = [...program, 'scan', '--staged', '--quiet'].map(shellQuote).join(' ');
  return `${FIRST_LINES} stops a commit that adds a secret. sallyport hook uninstall takes it out.
# program: ${JSON.stringify(program)}
${madeFolder ? MADE_FOLDER : ''}scan() (
  unset ${UNSET.join(' \\\n    ')}
  SALLYPORT_CWD=$PWD
  export SALLYPORT_CWD
  if [ ! -x ${shellQuote(executable)} ]; then
    echo ${shellQuote(`sallyport: error: ${executable} is gone, so the commit was not checked for secrets`)} >&2
    echo 'sallyport: hint: run "sallyport hook install" again; git commit --no-verify commits unchecked' >&2
    exit 3
  fi
  exec ${command}
)
scan || exit $?
${chain ? CHAIN : ''}`;
}

const CHAIN = `# The hook that was here before. What it stages is checked as well.
before="\${0%/*}/${CHAINED}"
if [ -x "$before" ]; then
  "$before" "$@" || exit $?
  scan || exit $?
fi
`;

export function isHookScript(text: string): boolean {
  return text.startsWith(FIRST_LINES);
}

/** Whether the lines of a block say that its file was made for it. */
export function madeItsFile(block: string): boolean {
  return block.startsWith(MADE_FILE);
}

/** Whether the script says that its folder was made for it. */
export function madeItsFolder(text: string): boolean {
  return text.includes(MADE_FOLDER);
}

/** The program that a script of ours starts; null when it does not say. */
export function programOf(text: string): readonly string[] | null {
  const json = PROGRAM.exec(text)?.[1];
  if (json === undefined) return null;
  try {
    const program: unknown = JSON.parse(json);
    return Array.isArray(program) && program.every((word) => typeof word === 'string') ? program : null;
  } catch {
    return null;
  }
}

/** Lines for a shell script that people share: where Sallyport is differs from machine to machine, so a script in the git folder knows it. */
export function sharedBlock(eol: string, madeFile: boolean): string {
  return blockOf(
    [
      ...(madeFile ? [MADE_FILE] : []),
      `sallyport_hook="$(git rev-parse --git-common-dir)/${LAUNCHER}"`,
      'if [ ! -x "$sallyport_hook" ]; then',
      "  echo 'sallyport: error: the check for secrets is not set up on this machine' >&2",
      `  echo 'sallyport: hint: run "sallyport hook install" here; git commit --no-verify commits unchecked' >&2`,
      '  exit 3',
      'fi',
      '"$sallyport_hook" || exit $?',
    ],
    ABOUT_BLOCK,
    { eol },
  );
}

/** The script in the git folder, for what is not in the hooks' folder. */
export const LAUNCHER = 'sallyport/pre-commit';

export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
