/**
 * The commands that neither ask a server nor start one, apart from the others: a git hook runs at every commit, and must not wait for what
 * it never uses to be loaded.
 */
import type { Command } from './command.ts';
import { gitignoreCheck, gitignoreFix } from './gitignore.ts';
import { hookInstall, hookStatus, hookUninstall } from './hook.ts';
import { scanAllow } from './scan-allow.ts';
import { scanFix } from './scan-fix.ts';
import { redact } from './redact.ts';
import { scan } from './scan.ts';

export const LOCAL_COMMANDS: readonly Command[] = [
  scan,
  scanAllow,
  scanFix,
  redact,
  hookInstall,
  hookStatus,
  hookUninstall,
  gitignoreCheck,
  gitignoreFix,
];
