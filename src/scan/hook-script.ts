/**
 * The shell text of the hooks. It finds Sallyport by an absolute path, and keeps the repository's folder and the caller's environment from
 * being code (reference: SECURITY.md, the environment). Whatever goes wrong stops the commit, or the push.
 */
import { basename } from 'node:path';
import { blockOf } from './marked-block.ts';

export const HOOKS = ['pre-commit', 'pre-push'] as const;
export type HookName = (typeof HOOKS)[number];

/** The hook that a file of git's folder of hooks is. */
export function hookAt(path: string): HookName {
  return basename(path) === 'pre-push' ? 'pre-push' : 'pre-commit';
}

/** What an existing hook is called while ours stands in its place. */
export function chainedName(hook: HookName): string {
  return `${hook}.before-sallyport`;
}

/** The script in the git folder, for what is not in the hooks' folder. */
export function launcherOf(hook: HookName): string {
  return `sallyport/${hook}`;
}

const FIRST_LINES = '#!/bin/sh\n# sallyport hook 1:';
/** The name of the remote, or its address where it has none. */
export const PUSH_REMOTE = 'SALLYPORT_PUSH_REMOTE';
const MADE_FOLDER = '# It made the folder.\n';
const MADE_FILE = '# It made the file.';
const PROGRAM = /^# program: (.+)$/m;
/** What it stops, and what passes it by. */
const ABOUT: Readonly<
  Record<HookName, { readonly stops: string; readonly done: string; readonly bypass: string }>
> = {
  'pre-commit': {
    stops: 'stops a commit that adds a secret',
    done: 'the commit was not checked for secrets',
    bypass: 'git commit --no-verify commits unchecked',
  },
  'pre-push': {
    stops: 'stops a push that brings a secret',
    done: 'the push was not checked for secrets',
    bypass: 'git push --no-verify pushes unchecked',
  },
};

/** For what is put among lines of others, and read by people. */
export function aboutBlock(hook: HookName): string {
  return `${ABOUT[hook].stops}; sallyport hook uninstall takes this out`;
}

/** These can run code before ours does, or make it start twice. */
const UNSET = [
  'BUN_OPTIONS BUN_INSPECT BUN_INSPECT_PRELOAD BUN_INSPECT_CONNECT_TO BUN_INSPECT_NOTIFY BUN_BE_BUN BUN_CONFIG_VERBOSE_FETCH BUN_CONFIG_MAX_HTTP_REQUESTS',
  'NODE_OPTIONS NODE_ENV HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy',
];

export interface HookOptions {
  readonly hook: HookName;
  /** The program and the arguments that come before the command. */
  readonly program: readonly string[];
  /** Run the hook that was there before as well. */
  readonly chain: boolean;
  /** The hooks' folder was not there. */
  readonly madeFolder: boolean;
}

export function hookScript({ hook, program, chain, madeFolder }: HookOptions): string {
  const [executable = ''] = program;
  const { stops, done, bypass } = ABOUT[hook];
  const isPush = hook === 'pre-push';
  const command = [...program, 'scan', isPush ? '--push' : '--staged', '--quiet'].map(shellQuote).join(' ');
  return `${FIRST_LINES} ${stops}. sallyport hook uninstall takes it out.
# program: ${JSON.stringify(program)}
${madeFolder ? MADE_FOLDER : ''}scan() (
  unset ${UNSET.join(' \\\n    ')}
  SALLYPORT_CWD=$PWD
  export SALLYPORT_CWD
${isPush ? `  ${PUSH_REMOTE}=\${1-}\n  export ${PUSH_REMOTE}\n` : ''}  if [ ! -x ${shellQuote(executable)} ]; then
    echo ${shellQuote(`sallyport: error: ${executable} is gone, so ${done}`)} >&2
    echo 'sallyport: hint: run "sallyport hook install${isPush ? ' --pre-push' : ''}" again; ${bypass}' >&2
    exit 3
  fi
  exec ${command}
)
${isPush ? PUSH : 'scan || exit $?\n'}${chain ? chainOf(hook) : ''}`;
}

/** Git says on standard input what is pushed, once: whoever comes behind us is told again. */
const PUSH = `refs=$(cat)
given() { [ -z "$refs" ] || printf '%s\\n' "$refs"; }
given | scan "$@" || exit $?
`;

function chainOf(hook: HookName): string {
  const [about, run] =
    hook === 'pre-push'
      ? ['The hook that was here before.', 'given | "$before" "$@" || exit $?']
      : [
          'The hook that was here before. What it stages is checked as well.',
          '"$before" "$@" || exit $?\n  scan || exit $?',
        ];
  return `# ${about}
before="\${0%/*}/${chainedName(hook)}"
if [ -x "$before" ]; then
  ${run}
fi
`;
}

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
export function sharedBlock(hook: HookName, eol: string, madeFile: boolean): string {
  const flag = hook === 'pre-push' ? ' --pre-push' : '';
  return blockOf(
    [
      ...(madeFile ? [MADE_FILE] : []),
      `sallyport_hook="$(git rev-parse --git-common-dir)/${launcherOf(hook)}"`,
      'if [ ! -x "$sallyport_hook" ]; then',
      "  echo 'sallyport: error: the check for secrets is not set up on this machine' >&2",
      `  echo 'sallyport: hint: run "sallyport hook install${flag}" here; ${ABOUT[hook].bypass}' >&2`,
      '  exit 3',
      'fi',
      ...(hook === 'pre-push' ? SHARED_PUSH : ['"$sallyport_hook" || exit $?']),
    ],
    aboutBlock(hook),
    { eol },
  );
}

/** The lines behind may want to read what git says, too. */
const SHARED_PUSH = [
  'sallyport_refs="$(cat)"',
  'if [ -n "$sallyport_refs" ]; then',
  `  printf '%s\\n' "$sallyport_refs" | "$sallyport_hook" "$@" || exit $?`,
  '  exec <<SALLYPORT_REFS',
  '$sallyport_refs',
  'SALLYPORT_REFS',
  'else',
  '  exec </dev/null',
  'fi',
];

export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
